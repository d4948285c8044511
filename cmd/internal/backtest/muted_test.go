package backtest

import (
	"testing"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// TestMutedCountsEveryOutcome: whatever became of an event that is no dead letter stands in the summary.
func TestMutedCountsEveryOutcome(t *testing.T) {
	m := NewMuted(nil)
	for i, outcome := range []detector.Outcome{
		detector.Counted, detector.NotShipment, detector.Duplicate, detector.SameItem,
		pipeline.Redelivered, pipeline.Seeded, pipeline.AfterSeed,
	} {
		e := &detector.Event{At: windows.Coordinates{Offset: int64(i)}}
		m.Observe(e, &detector.Conclusion{Outcome: outcome})
		m.Observe(e, &detector.Conclusion{Outcome: outcome}) // after going back
	}
	if got, want := m.Summary(), (SeedSummary{Counted: 1, Skipped: 3, Before: 2, After: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
