package backtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

var start = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// lines are "id sender", a minute apart; "poison" makes judging panic, "bad" can't be decoded.
type lines struct {
	all  []string
	next int
}

func (l *lines) Next() ([]byte, error) {
	if l.next == len(l.all) {
		return nil, io.EOF
	}
	l.next++
	return []byte(l.all[l.next-1]), nil
}

type decoder struct{}

func (decoder) DecodeInto(e *detector.Event, value []byte, at windows.Coordinates, _ time.Time) error {
	part := strings.Fields(string(value))
	if len(part) != 2 {
		return &pipeline.Malformed{Field: "sender_id", Err: errors.New("sender_id: missing")}
	}
	if part[0] == "poison" {
		panic("a bug")
	}
	*e = detector.Event{ID: part[0], Sender: detector.Sender(part[1]), Time: start.Add(time.Duration(at.Offset) * time.Minute), At: at}
	return nil
}

func options(t *testing.T, all []string) Options {
	t.Helper()
	set, err := detector.New(detector.Settings{
		Ladder:    windows.Ladder{{Name: 'h', Slide: time.Hour, Keep: 25}, {Name: 'd', Slide: 24 * time.Hour, Keep: 7}},
		MaxFields: 100,
		Prior:     detector.Prior{Rate: .25, Dispersion: 2},
		Limit:     &detector.LimitSettings{Window: 6 * time.Hour, Shipments: 5},
		Burst:     &detector.CountSettings{Window: 6 * time.Hour, Threshold: 4},
		Alerts:    detector.AlertSettings{Cooldown: time.Hour, Quiet: 8 * time.Hour, UpdateFactor: 2, Medium: 6, High: 8, Critical: 12},
	})
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		Set: set, Decoder: decoder{}, Lines: &lines{all: all}, Name: "file", WorkingSet: 4000,
		AppendAlert: func(b []byte, a *detector.Alert) []byte {
			return fmt.Appendf(b, "%s %s %s", a.Activity, a.Rule, a.EventID)
		},
		Log: slog.New(slog.DiscardHandler),
	}
}

// TestReplay reads two senders, one of whom reaches the limit of five.
func TestReplay(t *testing.T) {
	var all []string
	for i := range 6 {
		all = append(all, fmt.Sprintf("a%d A", i), fmt.Sprintf(`"b,%d" B%d`, i, i))
	}
	all = append(all, "bad", "poison P", "a6 A")
	for range 2 { // twice the same
		var alerts, scores bytes.Buffer
		o := options(t, all)
		o.Alerts, o.Scores = &alerts, &scores
		var dead, flagged []string
		o.DeadLetter = func(d *pipeline.DeadLetter) { dead = append(dead, d.Reason) }
		o.Flag = func(f *detector.Flag) { flagged = append(flagged, f.EventID) }
		s, err := Replay(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if s.Events != 13 || s.DeadLetters != 2 || s.Flagged != 3 || fmt.Sprint(dead) != "[malformed poison]" || fmt.Sprint(flagged) != "[a4 a5 a6]" {
			t.Errorf("%+v, dead letters %v, flagged %v", s, dead, flagged)
		}
		if got := alerts.String(); got != "create limit a4\n" {
			t.Errorf("alerts:\n%s", got)
		}
		rows := strings.Split(strings.TrimSpace(scores.String()), "\n")
		if len(rows) != 14 || rows[0] != "event_id,score,limit,burst" || rows[1] != "a0,0.000000,0.000000,0.000000" {
			t.Errorf("scores:\n%s", scores.String())
		}
		if !strings.HasPrefix(rows[2], `"""b,0""",`) || !strings.HasPrefix(rows[9], "a4,4.000000,4.000000,") || !strings.HasPrefix(rows[13], "a6,") {
			t.Errorf("scores:\n%s", scores.String())
		}
	}
}

func TestReplayEndsWhenAsked(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Replay(ctx, options(t, []string{"a A"})); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestReplayTellsWhatItCannotRead(t *testing.T) {
	o := options(t, nil)
	o.Lines = brokenLines{}
	if _, err := Replay(t.Context(), o); err == nil || !strings.Contains(err.Error(), "the disk is gone") {
		t.Errorf("got %v", err)
	}
}

type brokenLines struct{}

func (brokenLines) Next() ([]byte, error) { return nil, errors.New("the disk is gone") }

func TestReplayTellsWhatItCannotWrite(t *testing.T) {
	for _, set := range []func(*Options){
		func(o *Options) { o.Alerts = full{} },
		func(o *Options) { o.Scores = full{} },
	} {
		o := options(t, []string{"1 A", "2 A", "3 A", "4 A", "5 A"})
		set(&o)
		if _, err := Replay(t.Context(), o); err == nil || !strings.Contains(err.Error(), "no space") {
			t.Errorf("got %v", err)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space") }
