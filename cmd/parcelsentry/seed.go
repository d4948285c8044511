package main

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/app"
	"github.com/parcelsentry/parcelsentry/cmd/internal/backtest"
	"github.com/parcelsentry/parcelsentry/cmd/internal/logfile"
	"github.com/parcelsentry/parcelsentry/config"
)

type seedCommand struct {
	Config string    `required:"" type:"path" placeholder:"FILE" help:"The configuration, which names the Redis."`
	Input  []string  `placeholder:"FILE" help:"Shipment events, in order, all files at once: JSON Lines or CSV, plain, .gz or .zst."`
	Until  time.Time `placeholder:"TIME" help:"With --input: take events before this time, such as 2026-03-02T00:00:00Z; the service counts those from then on, and skips what is before."`

	FromTopic bool `help:"Take what the input topic holds by now; the service goes on behind it. Dead letters are sent."`
}

// Run counts files, or what the topic holds, in Redis.
func (c *seedCommand) Run(s *shell) error {
	if c.FromTopic == (len(c.Input) > 0) || c.FromTopic != c.Until.IsZero() {
		return usageError{errors.New("needs --input and --until, or else --from-topic")}
	}
	conf, err := config.LoadFile(c.Config)
	if err != nil {
		return err
	}
	if c.FromTopic {
		summary, err := app.SeedFromTopic(s.ctx, app.Options{Config: conf, Log: s.log(), Version: version()})
		if err == nil {
			reportSeed(s.stderr, &summary)
		}
		return err
	}
	return c.files(s, conf)
}

func (c *seedCommand) files(s *shell, conf config.Config) error {
	until := c.Until.Truncate(time.Millisecond)
	if until.After(time.Now()) || until.Before(conf.Events.TimeRange.From) {
		return usageError{errors.New("--until must be a time in the past: the service skips all events before it")}
	}
	fingerprint, err := logfile.Fingerprint(s.ctx, c.Input)
	if err != nil {
		return fmt.Errorf("input: %w", err)
	}
	files := seedFiles{paths: c.Input}
	if _, err := files.open(); err != nil { // nothing is read yet, but all of it looked at
		return err
	}
	letters := deadLetters{w: s.stderr}
	stop := s.progress("seed", files.progress)
	summary, err := app.Seed(s.ctx, app.SeedOptions{
		Config: conf, Open: files.open, Fingerprint: fingerprint, Until: until, DeadLetter: letters.report, Log: s.log(),
	})
	stop()
	letters.summarise()
	if err != nil {
		return err
	}
	reportSeed(s.stderr, &summary)
	return nil
}

// seedFiles opens the input, again where that is needed.
type seedFiles struct {
	paths []string
	last  atomic.Pointer[logfile.Reader]
}

func (f *seedFiles) open() (backtest.File, error) {
	r, err := logfile.Open(f.paths, nil)
	if err != nil {
		return nil, err
	}
	f.last.Store(r)
	return r, nil
}

func (f *seedFiles) progress() (read, total int64) {
	if r := f.last.Load(); r != nil {
		return r.Progress()
	}
	return 0, 0
}

func reportSeed(w io.Writer, s *backtest.SeedSummary) {
	fmt.Fprintf(w, "%d events counted", s.Counted)
	if s.Before > 0 {
		fmt.Fprintf(w, ", and %d counted before", s.Before)
	}
	fmt.Fprintf(w, "; %d are left to the service\n", s.After)
	fmt.Fprintf(w, "%d are no shipments or duplicates, %d can't be counted\n", s.Skipped, s.DeadLetters)
	fmt.Fprintf(w, "not sent: %d alerts, %d flagged shipments\n", s.Alerts, s.Flagged)
}
