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
	Input  []string  `required:"" placeholder:"FILE" help:"Shipment events, in order, all files at once: JSON Lines or CSV, plain, .gz or .zst."`
	Until  time.Time `required:"" placeholder:"TIME" help:"Take events before this time, such as 2026-03-02T00:00:00Z; the service counts those from then on, and skips what is before."`
}

// Run counts files in Redis.
func (c *seedCommand) Run(s *shell) error {
	conf, err := config.LoadFile(c.Config)
	if err != nil {
		return err
	}
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
	reportSeed(s.stderr, &summary, until)
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

func reportSeed(w io.Writer, s *backtest.SeedSummary, until time.Time) {
	fmt.Fprintf(w, "%d events counted", s.Counted)
	if s.Before > 0 {
		fmt.Fprintf(w, ", and %d lines that an earlier run of this seed had read", s.Before)
	}
	fmt.Fprintf(w, "; %d from %s on are left to the service\n", s.After, until.UTC().Format(time.RFC3339Nano))
	fmt.Fprintf(w, "%d are no shipments or duplicates, %d can't be counted\n", s.Skipped, s.DeadLetters)
	fmt.Fprintf(w, "not sent: %d alerts, %d flagged shipments\n", s.Alerts, s.Flagged)
}
