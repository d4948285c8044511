package backtest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
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

// TestLineSourceGoesBackInTheFile: where the file can be read twice, only its last batches are kept.
func TestLineSourceGoesBackInTheFile(t *testing.T) {
	var all []string
	for i := range 12 {
		all = append(all, fmt.Sprint(i, strings.Repeat(" ", batchBytes/2)))
	}
	opened := 0
	s := &lineSource{lines: &lines{all: all}, keep: 2, reopen: func() (Lines, error) {
		opened++
		return &lines{all: all}, nil
	}}
	fetch := func(offset, files int) {
		t.Helper()
		b, err := s.Fetch(t.Context(), int64(offset))
		if err != nil || len(b.Records) == 0 || strings.TrimSpace(string(b.Records[0].Value)) != fmt.Sprint(offset) || opened != files {
			t.Errorf("%d records from %d, error %v, %d files opened; want %d", len(b.Records), offset, err, opened, files)
		}
		if len(s.kept) > 2 {
			t.Errorf("%d batches are kept, want 2", len(s.kept))
		}
	}
	for offset := 0; offset < 12; offset += 2 {
		fetch(offset, 0)
	}
	fetch(8, 0)
	fetch(3, 1)
	fetch(5, 1)
	fetch(3, 1)
}

// TestReplayOfPoison: records that make the code panic cost that the file is read again from its start, and nothing is
// found otherwise for that.
func TestReplayOfPoison(t *testing.T) {
	all := history(3000)
	replay := func(reopen func() (Lines, error)) (alerts, dead string) {
		o := options(t, all)
		var a bytes.Buffer
		o.Reopen, o.Alerts, o.Scores = reopen, &a, &panicking{}
		o.DeadLetter = func(d *pipeline.DeadLetter) { dead += fmt.Sprintln(d.At.Offset, d.Reason) }
		if _, err := Replay(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		return a.String(), dead
	}
	alerts, dead := replay(nil)
	if strings.Count(dead, "poison") < 5 || strings.Count(alerts, "\n") < 10 {
		t.Fatalf("dead letters:\n%s\nalerts:\n%s", dead, alerts)
	}
	a, d := replay(func() (Lines, error) { return &lines{all: all}, nil })
	if a != alerts || d != dead {
		t.Errorf("with a file to go back in, alerts:\n%s\nwant\n%s\ndead letters:\n%s\nwant\n%s", a, alerts, d, dead)
	}
}

// panicking makes every third row of scores panic that fills the buffer before it.
type panicking struct{ writes int }

func (p *panicking) Write(b []byte) (int, error) {
	const buffer = 4096
	if p.writes++; p.writes%3 == 0 && len(b) == buffer {
		panic("a bug")
	}
	return len(b), nil
}
