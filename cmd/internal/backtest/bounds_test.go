package backtest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
)

func TestReplayOfNothing(t *testing.T) {
	o := options(t, nil)
	var scores bytes.Buffer
	o.Scores = &scores
	if s, err := Replay(t.Context(), o); err != nil || s.Events != 0 {
		t.Errorf("%d events, error %v", s.Events, err)
	}
	if scores.String() != "event_id,score,limit,burst\n" {
		t.Errorf("scores %q", scores.String())
	}
}

// TestReplayEndsInTheMiddle of a log that has no end.
func TestReplayEndsInTheMiddle(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := options(t, nil)
	o.Lines = &endless{after: 100_000, then: cancel}
	if _, err := Replay(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// endless gives the same line for ever, and calls then after some.
type endless struct {
	after int
	then  func()
}

func (l *endless) Next() ([]byte, error) {
	if l.after--; l.after == 0 {
		l.then()
	}
	return []byte("e A"), nil
}

// TestLineSourceBatches: a fetch ends once it is large enough, so that memory does not grow with the file.
func TestLineSourceBatches(t *testing.T) {
	line := strings.Repeat("x", batchBytes/4)
	s := &lineSource{lines: &lines{all: []string{line, line, line, line, line}}}
	b, err := s.Fetch(t.Context(), 0)
	if err != nil || len(b.Records) != 4 || b.Next != 4 || b.Done {
		t.Errorf("%d records, next %d, done %v, error %v; want 4, 4, false", len(b.Records), b.Next, b.Done, err)
	}
}

// TestLineSourceFault: an error is no end, and what was read before it is not lost.
func TestLineSourceFault(t *testing.T) {
	l := &flaky{lines: lines{all: []string{"a"}}, err: errors.New("the cable is out")}
	s := &lineSource{lines: l}
	if _, err := s.Fetch(t.Context(), 0); !errors.Is(err, l.err) {
		t.Errorf("error %v", err)
	}
	l.err = nil
	b, err := s.Fetch(t.Context(), 0)
	if err != nil || len(b.Records) != 1 || !b.Done {
		t.Errorf("%d records, done %v, error %v; want 1, true", len(b.Records), b.Done, err)
	}
}

// flaky fails after its last line as long as err is set.
type flaky struct {
	lines
	err error
}

func (f *flaky) Next() ([]byte, error) {
	if f.next == len(f.all) && f.err != nil {
		return nil, f.err
	}
	return f.lines.Next()
}
