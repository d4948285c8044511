package pipeline

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/parcelsentry/parcelsentry/detector"
)

// aviary knows canaries by a header that says true, and judges them by a set that fires at once.
func aviary(o *Options) {
	o.Canary = &Canary{
		Recognise: func(r *Record) bool {
			seal, _ := r.Header("seal")
			return string(seal) == "true"
		},
		MaxAge: time.Hour,
		Set:    smallSet(func(s *detector.Settings) { s.Limit.Shipments = 1 }),
	}
}

// release appends a record of the type of canaries with a seal, "" for none, posted at a time.
func (h *harness) release(seal string, at time.Time) {
	value := fmt.Sprintf("c%d canary Nest %d canary", h.end(), at.UnixMilli())
	r := Record{Offset: h.end(), Time: h.now, Value: []byte(value)}
	if seal != "" {
		r.Headers = []Header{{"seal", []byte(seal)}}
	}
	h.log = append(h.log, r)
}

// TestCanary: a canary among parcels makes an alert that is marked, and is counted nowhere, though it comes before the
// parcels and by the same sender each time.
func TestCanary(t *testing.T) {
	h := newHarness(t, aviary)
	h.do(opStand, opBegin)
	h.release("true", h.now)
	h.release("true", h.now.Add(-time.Minute))
	h.do(opFetch)
	if h.asked(opLoad) {
		t.Error("something is loaded for a canary")
	}
	h.do(opAlert)
	h.wantSaid("alert create c0", "alert create c1")
	for i := range h.said {
		if !h.said[i].Canary {
			t.Errorf("output %d is not marked", i)
		}
	}
	h.wantEvents("skipped", reasonCanary, 2)
	h.wantEvents("counted", "", 0)
	if n := testutil.ToFloat64(h.metrics.alerts.WithLabelValues("limit", "low", "create")); n != 0 {
		t.Errorf("%v alerts counted", n)
	}
	if lag := testutil.ToFloat64(h.worker.metrics.timeLag); lag != 0 {
		t.Errorf("event-time lag %v", lag)
	}
	h.post("A", "A", "A", "A", "A")
	h.do(opFetch, opLoad)
	h.pass(time.Hour)
	h.settle()
	h.pass(time.Second)
	h.settle()
	h.wantSaid("alert create c0", "alert create c1", "alert create e6", "flag e6")
	if n, c := h.events("A"), h.events("canary"); n != 5 || c != 0 {
		t.Errorf("%d parcels and %d canaries are counted, want 5 and 0", n, c)
	}
	if _, highest := h.fences(); highest != 6 || h.committed != 7 {
		t.Errorf("fence at %d, %d committed, want 6 and 7", highest, h.committed)
	}
}

// TestWhatIsNoCanary is an ordinary record, here of a type that is no shipment.
func TestWhatIsNoCanary(t *testing.T) {
	for _, c := range []struct {
		name, seal string
		at         time.Duration
	}{
		{"without a seal", "", 0},
		{"with a forged seal", "false", 0},
		{"written again after a day", "true", -24 * time.Hour},
		{"from tomorrow", "true", 24 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHarness(t, aviary)
			h.do(opStand, opBegin)
			h.release(c.seal, h.now.Add(c.at))
			h.do(opFetch)
			h.wantSaid()
			h.wantEvents("skipped", string(detector.NotShipment), 1)
			h.wantEvents("skipped", reasonCanary, 0)
		})
	}
}

// TestForgedSealHidesNothing: a header is no way to hide a parcel.
func TestForgedSealHidesNothing(t *testing.T) {
	h := newHarness(t, aviary)
	h.do(opStand, opBegin)
	h.post("A")
	h.log[0].Headers = []Header{{"seal", []byte("false")}}
	h.do(opFetch, opLoad)
	h.wantEvents("counted", "", 1)
}

// TestCanaryWithoutAnybodyWhoKnows: a worker that knows no canaries, as in a replay, counts the same.
func TestCanaryWithoutAnybodyWhoKnows(t *testing.T) {
	h := newHarness(t, nil)
	h.do(opStand, opBegin)
	h.release("true", h.now)
	h.post("A")
	h.do(opFetch, opLoad)
	h.wantSaid()
	h.wantEvents("skipped", string(detector.NotShipment), 1)
	h.wantEvents("counted", "", 1)
}

// TestCanaryIsNotSungAgain: its alert was acknowledged before the offset was committed.
func TestCanaryIsNotSungAgain(t *testing.T) {
	h := newHarness(t, aviary)
	h.do(opStand, opBegin)
	h.release("true", h.now)
	h.post("A")
	h.do(opFetch, opLoad)
	h.pass(time.Hour)
	h.settle()
	h.pass(time.Second)
	h.settle()
	h.store = newHarness(t, nil).store // all counts are lost
	h.start(aviary)
	h.do(opStand, opBegin)
	h.do(opFetch, opLoad)
	h.wantSaid()
	h.wantEvents("skipped", reasonCanary, 1)
	h.wantEvents("counted", "", 1)
}

// TestUndecodableCanary is a dead letter like any other: the decoder would not read shipments either.
func TestUndecodableCanary(t *testing.T) {
	h := newHarness(t, aviary)
	h.do(opStand, opBegin)
	h.add("no event")
	h.log[0].Headers = []Header{{"seal", []byte("true")}}
	h.do(opFetch, opWrite)
	h.wantSaid("dead letter 0 malformed")
}
