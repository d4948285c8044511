package pipeline

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// resubmit appends a record that stands for the one at an offset, repaired.
func (h *harness) resubmit(first int64, value string) {
	s := Resubmission{First: place(first), Time: h.log[first-h.first].Time}
	h.log = append(h.log, Record{Offset: h.end(), Time: h.now, Value: []byte(value), Headers: s.Headers()})
}

func place(offset int64) windows.Coordinates {
	return windows.Coordinates{Source: windows.Source{Topic: "shipments"}, Offset: offset}
}

func TestResubmissionHeaders(t *testing.T) {
	for _, want := range []Resubmission{
		{First: place(42)},
		{First: place(42), Time: simEpoch.Add(1234567 * time.Microsecond)},
	} {
		r := Record{Headers: want.Headers()}
		if got, err := r.Resubmission(); err != nil || *got != want {
			t.Errorf("%v, %v; want %v", got, err, want)
		}
	}
	if got, err := new(Record).Resubmission(); got != nil || err != nil {
		t.Errorf("a record without headers: %v, %v", got, err)
	}
	for header, value := range map[string]string{headerFirst: "somewhere", headerFirstTime: "yesterday"} {
		r := Record{Headers: append((&Resubmission{First: place(1)}).Headers(), Header{header, []byte(value)})}
		var m *Malformed
		if _, err := r.Resubmission(); !errors.As(err, &m) || m.Field != header {
			t.Errorf("%s: %v", header, err)
		}
	}
}

// TestResubmittedOnce: a message that could not be read is written again three times, and is the fifth parcel once. The
// copies that come later are duplicates, also in the next life.
func TestResubmittedOnce(t *testing.T) {
	h := newHarness(t, nil)
	h.post("A", "A")
	h.add("garbage")
	h.post("A", "A")
	repaired := fmt.Sprintf("e2 A Hanoi %d posted", h.now.UnixMilli())
	h.resubmit(2, repaired)
	h.resubmit(2, repaired)
	h.settle()
	h.wantSaid("alert create e2", "dead letter 2 malformed", "flag e2")
	if at := h.said[0].Offset; at != 5 {
		t.Errorf("the alert is about the record at %d, want 5", at)
	}
	h.wantEvents(outcomeCounted, "", 5)
	h.wantEvents(outcomeSkipped, "duplicate", 1)
	if got := testutil.ToFloat64(h.metrics.resubmitted); got != 2 {
		t.Errorf("resubmitted_total is %v, want 2", got)
	}
	h.stop()
	h.start(nil)
	h.resubmit(2, repaired)
	h.settle()
	h.stop()
	h.wantSaid()
	if got := h.events("A"); got != 5 {
		t.Errorf("%d events stored, want 5", got)
	}
}

// TestResubmittedThroughCrashes kills the worker after each of its steps in turn, with two messages resubmitted twice.
func TestResubmittedThroughCrashes(t *testing.T) {
	for steps := 0; ; steps++ {
		h := newHarness(t, func(o *Options) { o.Limits.FlushEvents = 2 })
		h.most = 2
		h.add("garbage", "more garbage")
		h.post("A", "B")
		for range 2 {
			h.resubmit(0, fmt.Sprintf("e0 A Hanoi %d posted", h.now.UnixMilli()))
			h.post("A")
			h.resubmit(1, fmt.Sprintf("e1 B Hanoi %d posted", h.now.UnixMilli()))
		}
		over := false
		for range steps {
			if over = len(h.pending) == 1 && h.asked(opFetch) && h.pending[0].offset >= h.end(); over {
				break
			}
			h.do(h.pending[0].op)
		}
		said := h.said
		h.start(nil)
		h.settle()
		h.stop()
		if a, b := h.events("A"), h.events("B"); a != 4 || b != 2 {
			t.Fatalf("after %d steps: %d and %d events stored, want 4 and 2", steps, a, b)
		}
		letters := map[int64]bool{}
		for _, o := range append(said, h.said...) {
			letters[o.DeadLetter.At.Offset] = true
		}
		if len(letters) != 2 || !letters[0] || !letters[1] {
			t.Fatalf("after %d steps: dead letters of %v", steps, letters)
		}
		if over {
			return
		}
	}
}

// TestResubmittedByItsFirstTime: whether an event is too late follows from when it came first, and one that is not
// readable yet says where it stood first.
func TestResubmittedByItsFirstTime(t *testing.T) {
	h := newHarness(t, func(o *Options) {
		o.Set = smallSet(func(s *detector.Settings) {
			s.Admission = detector.Admission{Lateness: 24 * time.Hour, ClockTolerance: time.Hour}
		})
	})
	then := h.now
	h.add("garbage", "garbage")
	h.pass(4 * 24 * time.Hour)
	h.resubmit(0, fmt.Sprintf("e0 A Hanoi %d posted", then.UnixMilli()))
	h.resubmit(1, fmt.Sprintf("e1 A Hanoi %d posted", h.now.UnixMilli())) // of days after it came
	h.resubmit(1, "still garbage")
	h.log = append(h.log, Record{Offset: h.end(), Time: h.now, Value: []byte("x"), Headers: []Header{{headerFirst, nil}}})
	h.settle()
	h.stop()
	h.wantSaid("dead letter 0 malformed", "dead letter 1 malformed", "dead letter 3 future", "dead letter 4 malformed", "dead letter 5 malformed")
	if s, err := h.said[3].DeadLetter.Record.Resubmission(); err != nil || s.First != place(1) || !s.Time.Equal(then) {
		t.Errorf("the dead letter's record: %+v, %v", s, err)
	}
	if f := h.said[4].DeadLetter.Field; f != headerFirst {
		t.Errorf("field %q, want the header's name", f)
	}
	if got := h.events("A"); got != 1 {
		t.Errorf("%d events stored, want 1", got)
	}
}

// TestReachedDeadLetter: a letter of an event that came to its entities says so, as it must not be written again.
func TestReachedDeadLetter(t *testing.T) {
	h := newHarness(t, nil)
	h.post("A")
	h.add(h.parcel("A", "Hanoi", h.now.Add(-8*24*time.Hour)), "garbage")
	h.settle()
	h.wantSaid("dead letter 1 too_late", "dead letter 2 malformed")
	if late, garbage := h.said[0].DeadLetter, h.said[1].DeadLetter; !late.Reached || garbage.Reached {
		t.Errorf("reached: %v and %v, want true and false", late.Reached, garbage.Reached)
	}
}

// TestBuried: all state is lost when the configuration reads by now what was garbage. The first record stays out, as it
// is a dead letter, its copy counts; of another record at that place nothing is known.
func TestBuried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		value := func(s string) []byte { return fmt.Appendf(nil, "%s A Hanoi %d posted", s, simEpoch.UnixMilli()) }
		again := Resubmission{First: place(1), Time: simEpoch}
		f := newFakeIO(
			Record{Offset: 0, Time: simEpoch, Value: value("e0")},
			Record{Offset: 1, Time: simEpoch, Value: value("e1")},
			Record{Offset: 2, Time: simEpoch, Value: value("e2")},
			Record{Offset: 3, Time: simEpoch.Add(time.Hour), Value: value("e1"), Headers: again.Headers()},
		)
		f.committed, f.ends = 4, 1
		io := f.io()
		var asked []int64
		io.Buried = func(_ context.Context, p windows.Source, from int64, since time.Time) (map[int64]int64, error) {
			if asked = append(asked, from); len(asked) == 1 {
				return nil, errAway
			}
			if p != (windows.Source{Topic: "shipments"}) || !since.IsZero() {
				t.Errorf("asked for %v since %v", p, since)
			}
			return map[int64]int64{1: simEpoch.UnixMilli(), 2: simEpoch.Add(-time.Hour).UnixMilli()}, nil
		}
		set := smallSet(nil)
		w := NewWorker(Options{
			Set: set, Decoder: textDecoder{}, Topic: "shipments", Limits: simLimits, Metrics: NewMetrics(prometheus.NewRegistry(), set.Rules()),
		})
		if err := Run(t.Context(), w, io); err != nil {
			t.Fatal(err)
		}
		if len(asked) != 2 || asked[1] != 0 {
			t.Errorf("asked for dead letters from %v, want twice from 0", asked)
		}
		loaded, err := f.Store.Load(t.Context(), windows.Source{}, []windows.Key{senderKey("A")})
		if err != nil || loaded[0].Entity.Events() != 3 {
			t.Errorf("%d events stored, want 3 (%v)", loaded[0].Entity.Events(), err)
		}
	})
}

var simLimits = Limits{FlushEvents: 10, MaxUnflushed: 100, CommitInterval: time.Second, WorkingSet: 10}

// TestLettersSince: dead letters are read from the time of the oldest fence on, or all of them where one has none.
func TestLettersSince(t *testing.T) {
	f := &windows.Fences{}
	for b := range f.At {
		f.At[b], f.Present[b] = windows.Fence{Offset: 9, Time: simEpoch.Add(time.Duration(b) * time.Second)}, true
	}
	if got := lettersSince(f); !got.Equal(simEpoch.Add(-clocksApart)) {
		t.Errorf("since %v", got)
	}
	f.At[5].Time = simEpoch.Add(-time.Hour)
	if got := lettersSince(f); !got.Equal(simEpoch.Add(-time.Hour - clocksApart)) {
		t.Errorf("since %v", got)
	}
	f.Present[7] = false
	if got := lettersSince(f); !got.IsZero() {
		t.Errorf("since %v, though a fence is missing", got)
	}
	f.At[7], f.Present[7] = windows.Fence{Offset: 3}, true
	if got := lettersSince(f); !got.IsZero() {
		t.Errorf("since %v, though a fence names no time", got)
	}
}
