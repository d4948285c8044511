package backtest

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

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
// the store keeps no incident: of what goes on at the end people hear by its next finding.
func Seed(ctx context.Context, o SeedOptions) (SeedSummary, error) {
	files := seedFiles{open: o.Open}
	lines, err := files.next()
	if err != nil {
		return SeedSummary{}, err
	}
	source := &lineSource{lines: lines, reopen: files.next}
	out := &dropped{deadLetter: o.DeadLetter, last: windows.NoOffset, seen: windows.NoOffset}
	worker := pipeline.NewWorker(pipeline.Options{
		Set: o.Set, Decoder: o.Decoder, Topic: o.Name, Until: o.Until, Limits: o.Limits, Log: o.Log,
		Metrics: pipeline.NewMetrics(prometheus.NewRegistry(), o.Set.Rules()),
		Observe: out.observe,
	})
	err = pipeline.Run(ctx, worker, pipeline.IO{
		Source: source, Store: forgetful{o.Store}, Profiles: o.Profiles, Sink: out,
		Grace: seedGrace,
		Fatal: func(err error) bool {
			var lines *linesError
			return errors.As(err, &lines) || o.Fatal != nil && o.Fatal(err)
		},
	})
	if err == nil {
		err = ctx.Err()
	}
	out.summary.Before += source.passed
	return out.summary, errors.Join(err, files.close())
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

// seedGrace is how long a seed that is to end may take for its last flush.
const seedGrace = 10 * time.Second

// dropped is the Sink of a seed, and counts. Write and observe are called by one goroutine each, and touch different
// fields.
type dropped struct {
	summary    SeedSummary
	deadLetter func(*pipeline.DeadLetter)
	last       int64 // offset of the last output taken
	seen       int64 // offset of the last event seen; a worker that went back shows some twice
}

// Write implements pipeline.Sink.
func (d *dropped) Write(_ context.Context, all []pipeline.Output) error {
	before := d.last
	for i := range all {
		if all[i].Offset <= before {
			continue
		}
		d.last = all[i].Offset
		switch o := &all[i]; {
		case o.Alert != nil:
			d.summary.Alerts++
		case o.Flag != nil:
			d.summary.Flagged++
		default:
			d.summary.DeadLetters++
			if d.deadLetter != nil {
				d.deadLetter(o.DeadLetter)
			}
		}
	}
	return nil
}

func (d *dropped) observe(e *detector.Event, c *detector.Conclusion) {
	if e.At.Offset <= d.seen {
		return
	}
	d.seen = e.At.Offset
	switch c.Outcome {
	case detector.Counted:
		d.summary.Counted++
	case pipeline.Redelivered:
		d.summary.Before++
	case pipeline.AfterSeed:
		d.summary.After++
	case detector.NotShipment, detector.Duplicate:
		d.summary.Skipped++
	}
}

// forgetful is a store that keeps no incidents.
type forgetful struct{ windows.Store }

// Apply implements windows.Store.
func (s forgetful) Apply(ctx context.Context, source windows.Source, updates []windows.Update) ([]windows.Result, error) {
	updates = slices.Clone(updates)
	for i := range updates {
		updates[i].Deltas = slices.Clone(updates[i].Deltas)
		for j := range updates[i].Deltas {
			updates[i].Deltas[j].SetNote = false
		}
	}
	return s.Store.Apply(ctx, source, updates)
}
