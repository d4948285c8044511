package backtest

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// history is a made-up log of a few senders, some busy, with bad lines among them.
func history(n int) []string {
	r := rand.New(rand.NewPCG(3, 4))
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("e%d S-%d", i, r.IntN(1+r.IntN(200)))
		if r.IntN(25) == 0 {
			all[i] = "bad"
		}
	}
	return all
}

// TestReplayTwice gives the same bytes and the same summary, also from a tighter memory.
func TestReplayTwice(t *testing.T) {
	replay := func(workingSet int64) (alerts, scores, summary string) {
		t.Helper()
		o := options(t, history(3000))
		var a, s bytes.Buffer
		o.Alerts, o.Scores, o.WorkingSet = &a, &s, workingSet
		sum, err := Replay(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		return a.String(), s.String(), fmt.Sprint(sum)
	}
	alerts, scores, summary := replay(1000)
	if n := strings.Count(alerts, "\n"); n < 10 {
		t.Fatalf("only %d alerts: the history is too quiet to show anything", n)
	}
	for _, workingSet := range []int64{1 << 20, 1} {
		a, s, sum := replay(workingSet)
		if a != alerts || s != scores || sum != summary {
			t.Errorf("another run, with a working set of %d, differs: %s against %s", workingSet, sum, summary)
		}
	}
}

// TestScores: a row an event in the order of the input, none for a bad line; the score is the highest of the detectors'.
func TestScores(t *testing.T) {
	all := history(500)
	o := options(t, all)
	var scores bytes.Buffer
	o.Scores = &scores
	if _, err := Replay(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&scores).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows = rows[1:]
	for _, line := range all {
		id, _, event := strings.Cut(line, " ")
		if !event {
			continue
		}
		if len(rows) == 0 || rows[0][0] != id {
			t.Fatalf("%s has no row in its place", id)
		}
		highest := 0.0
		for _, cell := range rows[0][2:] {
			x, err := strconv.ParseFloat(cell, 64)
			if err != nil {
				t.Fatalf("%s: %v", id, err)
			}
			highest = max(highest, x)
		}
		if rows[0][1] != score(highest) {
			t.Errorf("%s: score %s, want the highest of %v", id, rows[0][1], rows[0][2:])
		}
		rows = rows[1:]
	}
	if len(rows) > 0 {
		t.Errorf("%d rows too many", len(rows))
	}
}

// TestScoresOnce: a worker that went back shows events again; each has one row all the same.
func TestScoresOnce(t *testing.T) {
	var out bytes.Buffer
	s := newScores(&out, nil)
	for _, offset := range []int64{0, 1, 2, 0, 1, 2, 4} {
		s.write(&detector.Event{ID: fmt.Sprint("e", offset), At: windows.Coordinates{Offset: offset}}, &detector.Conclusion{})
	}
	if err := s.flush(); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != "event_id,score\ne0,0.000000\ne1,0.000000\ne2,0.000000\ne4,0.000000\n" {
		t.Errorf("scores %q", got)
	}
}
