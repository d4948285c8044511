package backtest

import (
	"context"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// Muted is the Sink of one partition's worker in a seed: it passes on dead letters alone, and counts the rest. Write with
// alerts, Write with other outputs and Observe may be called at once, each by one goroutine at a time.
type Muted struct {
	deadLetters pipeline.Sink
	summary     SeedSummary
	lastAlert   int64 // offset of the last alert taken; a worker that went back says some again
	last        int64 // of the last other output
	seen        int64 // offset of the last event seen
}

// NewMuted gives a Muted that passes dead letters on.
func NewMuted(deadLetters pipeline.Sink) *Muted {
	return &Muted{deadLetters: deadLetters, lastAlert: windows.NoOffset, last: windows.NoOffset, seen: windows.NoOffset}
}

// Summary is what it came to, once the worker has stopped.
func (m *Muted) Summary() SeedSummary { return m.summary }

// Write implements pipeline.Sink.
func (m *Muted) Write(ctx context.Context, all []pipeline.Output) error {
	var letters []pipeline.Output
	for i := range all {
		if all[i].DeadLetter != nil {
			letters = append(letters, all[i])
		}
	}
	if len(letters) > 0 {
		if err := m.deadLetters.Write(ctx, letters); err != nil {
			return err
		}
	}
	last := lastOf(all, &m.lastAlert, &m.last)
	before := *last
	for i := range all {
		if all[i].Offset <= before {
			continue
		}
		*last = all[i].Offset
		switch o := &all[i]; {
		case o.Alert != nil:
			m.summary.Alerts++
		case o.Flag != nil:
			m.summary.Flagged++
		default:
			m.summary.DeadLetters++
		}
	}
	return nil
}

// Observe is for the worker's options.
func (m *Muted) Observe(e *detector.Event, c *detector.Conclusion) {
	if e.At.Offset <= m.seen {
		return
	}
	m.seen = e.At.Offset
	switch c.Outcome {
	case detector.Counted:
		m.summary.Counted++
	case pipeline.Redelivered, pipeline.Seeded:
		m.summary.Before++
	case pipeline.AfterSeed:
		m.summary.After++
	case detector.NotShipment, detector.Duplicate, detector.SameItem:
		m.summary.Skipped++
	}
}

// Add adds what another partition came to.
func (s *SeedSummary) Add(o SeedSummary) {
	s.Counted += o.Counted
	s.Before += o.Before
	s.After += o.After
	s.Skipped += o.Skipped
	s.DeadLetters += o.DeadLetters
	s.Alerts += o.Alerts
	s.Flagged += o.Flagged
}
