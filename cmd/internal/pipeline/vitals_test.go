package pipeline

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/parcelsentry/parcelsentry/detector"
)

// vitals are the gauges of a harness' partition.
type vitals struct{ applied, ratio, unflushed, unheard float64 }

func (h *harness) wantVitals(when string, want vitals) {
	h.t.Helper()
	m := h.worker.metrics
	got := vitals{
		testutil.ToFloat64(m.applied), testutil.ToFloat64(m.transit),
		testutil.ToFloat64(m.unflushed), testutil.ToFloat64(m.unheard),
	}
	if got != want {
		h.t.Errorf("%s: %+v, want %+v", when, got, want)
	}
}

// TestVitals: five parcels are counted, at the fifth an alert and a flag go out. Nobody answers for a while, first the
// sink and then the store.
func TestVitals(t *testing.T) {
	h := newHarness(t, func(o *Options) {
		o.Limits.MaxUnflushed, o.Limits.FlushInterval = 10, time.Second
	})
	h.do(opStand, opBegin)
	h.wantVitals("before the first record", vitals{applied: -1})
	h.post("A", "A", "A", "A", "A")
	h.do(opFetch, opLoad)
	h.wantVitals("counted", vitals{applied: -1, ratio: .5})
	h.pass(time.Minute)
	h.wantVitals("a minute without an answer", vitals{applied: -1, ratio: .5, unflushed: 60, unheard: 60})
	h.do(opAlert)
	h.wantVitals("the flag is not written", vitals{applied: -1, ratio: .5, unflushed: 60, unheard: 60})
	h.do(opWrite)
	h.wantVitals("written", vitals{applied: -1, ratio: .5, unflushed: 60})
	h.pass(time.Minute)
	h.wantVitals("a minute more", vitals{applied: -1, ratio: .5, unflushed: 120})
	h.do(opApply)
	h.wantVitals("applied", vitals{applied: 4})
	h.pass(time.Minute)
	h.wantVitals("nothing to do", vitals{applied: 4})
	if got, want := testutil.ToFloat64(h.metrics.lastCounted), unixSeconds(simEpoch); got != want {
		t.Errorf("last counted at %v, want %v", got, want)
	}
}

// TestOutputsThatKeepComing: what counts is the time without an acknowledgement, however much is waiting.
func TestOutputsThatKeepComing(t *testing.T) {
	h := newHarness(t, nil)
	h.do(opStand, opBegin)
	h.post("A", "A", "A", "A", "A")
	h.do(opFetch, opLoad)
	h.pass(30 * time.Second)
	h.post("A")
	h.do(opFetch)
	h.pass(30 * time.Second)
	h.wantVitals("a minute after the first", vitals{applied: -1, ratio: 6. / 1000, unflushed: 60, unheard: 60})
	h.do(opAlert, opWrite)
	h.wantVitals("the first are acknowledged", vitals{applied: -1, ratio: 6. / 1000, unflushed: 60})
	h.pass(10 * time.Second)
	h.wantVitals("the next are not", vitals{applied: -1, ratio: 6. / 1000, unflushed: 70, unheard: 10})
}

// TestManyOutputsAreWrittenInParts, in order, and none is lost.
func TestManyOutputsAreWrittenInParts(t *testing.T) {
	const more = 3
	h := newHarness(t, func(o *Options) {
		o.Limits.FlushEvents, o.Limits.MaxUnflushed = 1_000_000, 1_000_000
		o.Set = smallSet(func(s *detector.Settings) { s.Limit.Shipments = 1 })
	})
	h.most, h.worker.slice = 1_000_000, 1_000_000
	h.do(opStand, opBegin)
	for range writtenAtOnce + more {
		h.post("A") // flagged, each of them; the first makes an alert too, and some after it an update
	}
	h.do(opFetch, opLoad)
	h.do(opWrite)
	if len(h.said) != writtenAtOnce {
		t.Errorf("%d outputs in the first write, want %d", len(h.said), writtenAtOnce)
	}
	h.do(opWrite)
	var flags int64
	for _, o := range h.said {
		if o.Flag == nil {
			continue
		}
		if o.Offset != flags {
			t.Fatalf("flag of record %d comes where %d is next", o.Offset, flags)
		}
		flags++
	}
	if flags != writtenAtOnce+more || h.asked(opWrite) {
		t.Errorf("%d flags, want %d; more to write: %v", flags, writtenAtOnce+more, h.asked(opWrite))
	}
}

// TestJudgedOrAbstained: each rule says for each event whether it judged it.
func TestJudgedOrAbstained(t *testing.T) {
	h := newHarness(t, func(o *Options) {
		o.Set = smallSet(func(s *detector.Settings) { s.Weight = &detector.AmountSettings{Threshold: 3} })
	})
	h.do(opStand, opBegin)
	h.post("A", "B", "C")
	h.do(opFetch, opLoad)
	for _, c := range []struct {
		rule              string
		judged, abstained float64
	}{{"limit", 3, 0}, {"weight", 0, 3}} {
		judged := testutil.ToFloat64(h.metrics.judged.WithLabelValues(c.rule))
		abstained := testutil.ToFloat64(h.metrics.abstained.WithLabelValues(c.rule))
		if judged != c.judged || abstained != c.abstained {
			t.Errorf("%s: judged %v, abstained %v, want %v and %v", c.rule, judged, abstained, c.judged, c.abstained)
		}
	}
}
