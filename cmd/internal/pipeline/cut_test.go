package pipeline

import (
	"strings"
	"testing"
	"time"
)

// TestCut: what happened before the cut is counted from files, the topic gives the rest.
func TestCut(t *testing.T) {
	h := newHarness(t, nil)
	if err := SetCut(t.Context(), h.store, simEpoch); err != nil {
		t.Fatal(err)
	}
	h.add(
		h.parcel("A", "Hanoi", simEpoch.Add(-time.Hour)), h.parcel("A", "Hanoi", simEpoch.Add(-time.Millisecond)),
		h.parcel("A", "Hanoi", simEpoch), h.parcel("A", "Hanoi", simEpoch.Add(time.Hour)),
	)
	h.settle()
	h.stop()
	if n := h.events("A"); n != 2 {
		t.Errorf("%d parcels counted, want the two from the cut on", n)
	}
	h.wantEvents(outcomeSkipped, reasonSeeded, 2)
	h.wantEvents(outcomeCounted, "", 2)
	h.wantSaid()
	if lowest, _ := h.fences(); lowest != 3 {
		t.Errorf("the lowest fence is %d, want 3", lowest)
	}
}

// TestCutSetMeanwhile: a seed that sees no fences yet is seen by the worker that has written them.
func TestCutSetMeanwhile(t *testing.T) {
	h := newHarness(t, nil)
	h.add(h.parcel("A", "Hanoi", simEpoch.Add(-time.Hour)))
	h.do(opStand)
	if err := SetCut(t.Context(), h.store, simEpoch); err != nil {
		t.Fatal(err)
	}
	h.settle()
	h.stop()
	if n := h.events("A"); n != 0 {
		t.Errorf("%d parcels counted, want none", n)
	}
}

// TestCutOfALostBucket: a bucket that lost its counts lost its cut with them; it counts what the topic holds.
func TestCutOfALostBucket(t *testing.T) {
	h := newHarness(t, nil)
	if err := SetCut(t.Context(), h.store, simEpoch); err != nil {
		t.Fatal(err)
	}
	h.add(h.parcel("A", "Hanoi", simEpoch.Add(-time.Hour)), h.parcel("B", "Hanoi", simEpoch.Add(-time.Hour)))
	lost := senderKey("A").Bucket()
	if senderKey("B").Bucket() == lost {
		t.Fatal("A and B share a bucket")
	}
	c := h.execute(h.take(opStand))
	c.standing.cuts.Present[lost] = false
	h.answer(c)
	begun := h.execute(h.take(opBegin))
	begun.cuts.Present[lost] = false
	h.answer(begun)
	h.settle()
	h.stop()
	if a, b := h.events("A"), h.events("B"); a != 1 || b != 0 {
		t.Errorf("%d and %d parcels counted, want 1 and 0", a, b)
	}
}

// TestSeedsUntil: a seed takes what happened before its end, whatever cut it has noted.
func TestSeedsUntil(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Until = simEpoch })
	if err := SetCut(t.Context(), h.store, simEpoch); err != nil {
		t.Fatal(err)
	}
	h.add(h.parcel("A", "Hanoi", simEpoch.Add(-time.Millisecond)), h.parcel("A", "Hanoi", simEpoch))
	h.settle()
	h.stop()
	if n := h.events("A"); n != 1 {
		t.Errorf("%d parcels counted, want the one before the end", n)
	}
	h.wantEvents(outcomeSkipped, reasonAfterSeed, 1)
}

func TestOneCut(t *testing.T) {
	h := newHarness(t, nil)
	for range 2 {
		if err := SetCut(t.Context(), h.store, simEpoch); err != nil {
			t.Fatal(err)
		}
	}
	err := SetCut(t.Context(), h.store, simEpoch.Add(time.Second))
	if err == nil || !strings.Contains(err.Error(), simEpoch.UTC().Format(timeFormat)) {
		t.Errorf("error %v, want one that names the cut that stands", err)
	}
}
