package backtest

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// SeedOptions say what to fill a store with.
type SeedOptions struct {
	Set     *detector.Set
	Decoder pipeline.Decoder
	// Open gives the lines from the first on. It is called again if the store has lost some of what was counted.
	Open func() (File, error)
	// Name stands for the topic. The store keeps under it how far the lines are counted, so the same lines need the same
	// name each time, and other lines another.
	Name string
	// Until is the first instant of event time that is left to others, in whole milliseconds.
	Until    time.Time
	Store    windows.Store
	Profiles pipeline.Profiles
	Limits   pipeline.Limits
	// DeadLetter, unless nil, hears of every record that was not counted.
	DeadLetter func(*pipeline.DeadLetter)
	// Fatal tells errors of the store that no retry mends; nil means there are none.
	Fatal func(error) bool
	Log   *slog.Logger
}

// SeedSummary is what a seed came to.
type SeedSummary struct {
	// Counted were counted now, Before are the lines counted by an earlier run of the same seed, After are left to others.
	Counted, Before, After int64
	// Skipped are no shipments or duplicates, DeadLetters could not be counted.
	Skipped, DeadLetters int64
	// Alerts and Flagged were found and are not sent.
	Alerts, Flagged int64
}

// Seed counts lines in a store, to their end or until ctx is done, as one partition. A line that is counted there under
// the same name is not counted again, so a seed that broke off is repaired by running it again. Nothing is sent, and
// the store keeps no incident: of what goes on at the end people hear by its next finding. With an error the summary is
// of what was read, which need not all be stored.
func Seed(ctx context.Context, o SeedOptions) (SeedSummary, error) {
	files := seedFiles{open: o.Open}
	lines, err := files.next()
	if err != nil {
		return SeedSummary{}, err
	}
	source := &lineSource{lines: lines, reopen: files.next}
	out := NewMuted(&letters{tell: o.DeadLetter, last: windows.NoOffset})
	worker := pipeline.NewWorker(pipeline.Options{
		Set: o.Set, Decoder: o.Decoder, Topic: o.Name, Until: o.Until, Limits: o.Limits, Log: o.Log,
		Metrics: pipeline.NewUnreadMetrics(o.Set.Rules()),
		Observe: out.Observe,
	})
	err = pipeline.Run(ctx, worker, pipeline.IO{
		Source: source, Store: pipeline.Forgetful{Store: o.Store}, Profiles: o.Profiles, Sink: out,
		Grace: SeedGrace,
		Fatal: func(err error) bool {
			var lines *linesError
			return errors.As(err, &lines) || o.Fatal != nil && o.Fatal(err)
		},
	})
	if err == nil {
		err = ctx.Err()
	}
	sum := out.Summary()
	sum.Before += source.passed
	return sum, errors.Join(err, files.close())
}

// seedFiles has one file open at a time.
type seedFiles struct {
	open    func() (File, error)
	current File
}

func (f *seedFiles) next() (Lines, error) {
	if err := f.close(); err != nil {
		return nil, err
	}
	var err error
	f.current, err = f.open()
	return f.current, err
}

func (f *seedFiles) close() error {
	if f.current == nil {
		return nil
	}
	err := f.current.Close()
	f.current = nil
	return err
}

// SeedGrace is how long a seed that is to end may take for its last flush.
const SeedGrace = 10 * time.Second

// letters is a Sink that tells of each dead letter once.
type letters struct {
	tell func(*pipeline.DeadLetter)
	last int64 // offset of the last one; a worker that went back says some again
}

// Write implements pipeline.Sink.
func (l *letters) Write(_ context.Context, all []pipeline.Output) error {
	for i := range all {
		if all[i].Offset > l.last && l.tell != nil {
			l.tell(all[i].DeadLetter)
		}
		l.last = max(l.last, all[i].Offset)
	}
	return nil
}
