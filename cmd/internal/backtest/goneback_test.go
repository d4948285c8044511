package backtest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// TestOutputsOnce: a worker that went back, at a record that made the code panic, says some outputs again; whether it
// had said them depends on timing, so a repeat must not show.
func TestOutputsOnce(t *testing.T) {
	var flagged []string
	s := &outputs{
		lastAlert: windows.NoOffset, last: windows.NoOffset, summary: Summary{Alerts: map[string]map[detector.Activity]int64{}},
		flag: func(f *detector.Flag) { flagged = append(flagged, f.EventID) },
	}
	for _, offsets := range [][]int64{{0, 1, 1}, {0, 1, 1, 2}, {3}} {
		var all []pipeline.Output
		for i, offset := range offsets {
			all = append(all, pipeline.Output{Offset: offset, Flag: &detector.Flag{EventID: fmt.Sprint(offset, "-", i)}})
		}
		if err := s.Write(t.Context(), all); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Write(t.Context(), []pipeline.Output{{Offset: 2, Alert: &detector.Alert{Rule: "limit"}}}); err != nil {
		t.Fatal(err)
	}
	if n := s.summary.Alerts["limit"][""]; n != 1 {
		t.Errorf("%d alerts, want the one that came after the flags of later records", n)
	}
	if got := fmt.Sprint(flagged, s.summary.Flagged); got != "[0-0 1-1 1-2 2-3 3-0] 5" {
		t.Errorf("flagged %s", got)
	}
}

// TestLineSourceBelowItsFirst: a commit of a session that has ended may cut what the next was told is there.
func TestLineSourceBelowItsFirst(t *testing.T) {
	s := &lineSource{lines: &lines{all: []string{"a", "b", "c"}}}
	if _, err := s.Fetch(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Fetch(t.Context(), 1); !errors.Is(err, pipeline.ErrOutOfRange) {
		t.Errorf("error %v, want ErrOutOfRange", err)
	}
}
