package backtest

import (
	"testing"

	"github.com/parcelsentry/parcelsentry/windows"
)

// TestLineSource reads ahead, goes back to what is not committed, and ends.
func TestLineSource(t *testing.T) {
	s := &lineSource{lines: &lines{all: []string{"a", "b", "c"}}}
	if c, _ := s.Committed(t.Context()); c != windows.NoOffset {
		t.Errorf("committed %d before anything was read", c)
	}
	fetch := func(offset int64, want string) {
		t.Helper()
		b, err := s.Fetch(t.Context(), offset)
		got := ""
		for _, r := range b.Records {
			got += string(r.Value)
		}
		if err != nil || got != want || !b.Done || b.Next != 3 {
			t.Errorf("from %d: %q, %+v, %v; want %q", offset, got, b, err, want)
		}
	}
	fetch(0, "abc")
	fetch(1, "bc")
	if err := s.Commit(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	fetch(2, "c")
	fetch(3, "")
	if first, _, _ := s.Bounds(t.Context()); first != 2 {
		t.Errorf("the log begins at %d, want 2", first)
	}
	if c, _ := s.Committed(t.Context()); c != 2 {
		t.Errorf("committed %d, want 2", c)
	}
}
