package pipeline

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/parcelsentry/parcelsentry/windows"
)

// senderBytes is what a sender with a parcel takes in a working set.
func senderBytes(t *testing.T) int64 {
	t.Helper()
	h := newHarness(t, nil)
	h.post("A")
	h.settle()
	h.stopFlushed()
	return h.bytes
}

// stopFlushed stores everything, notes what is in memory then, and ends the worker.
func (h *harness) stopFlushed() {
	h.pass(time.Hour)
	h.settle()
	h.bytes = h.worker.set.bytes
	h.stop()
}

// TestEviction: the working set keeps to its bound, least recently used first, and what was evicted comes back exact.
func TestEviction(t *testing.T) {
	two := senderBytes(t) * 5 / 2
	h := newHarness(t, func(o *Options) { o.Limits.FlushEvents, o.Limits.WorkingSet = 1, two })
	h.most = 1
	h.post("A", "B", "A", "C", "B", "A")
	h.settle()
	if n, bytes := testutil.ToFloat64(h.metrics.entities), testutil.ToFloat64(h.metrics.entityBytes); n != 2 || bytes > float64(two) || bytes != float64(h.worker.set.bytes) {
		t.Errorf("%v entities of %v bytes in memory, want 2 in %d", n, bytes, two)
	}
	if n := testutil.ToFloat64(h.metrics.evictions); n == 0 {
		t.Error("nothing was evicted")
	}
	for sender, want := range map[string]int64{"A": 3, "B": 2, "C": 1} {
		if n := h.events(sender); n != want {
			t.Errorf("%d events of %s stored, want %d", n, sender, want)
		}
	}
}

// TestChangedEntriesStopReading: what is not applied is not evicted, however small the bound; the worker flushes it
// and reads no more until that is through.
func TestChangedEntriesStopReading(t *testing.T) {
	two := senderBytes(t) * 2
	h := newHarness(t, func(o *Options) { o.Limits.WorkingSet = two })
	h.most = 1
	h.post("A", "B", "C", "A")
	h.do(opStand, opBegin, opFetch, opLoad)
	flying := h.take(opApply) // A takes half of it, so no time and no number makes the flush due
	for h.asked(opFetch) || h.asked(opLoad) {
		h.do(h.pending[0].op)
	}
	if n := h.worker.set.count; n != 2 || h.worker.processed.Offset != 1 {
		t.Fatalf("%d entities in memory at record %d, want A and B, and nothing read after them", n, h.worker.processed.Offset)
	}
	h.answer(h.execute(flying))
	h.settle()
	h.stop()
	if h.events("A") != 2 || h.events("B") != 1 || h.events("C") != 1 || h.committed != 4 {
		t.Errorf("%d, %d and %d events stored, offset %d committed", h.events("A"), h.events("B"), h.events("C"), h.committed)
	}
}

// TestOneTooLargeForAll: an entity that takes more than all may is counted all the same.
func TestOneTooLargeForAll(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits.WorkingSet = 1 })
	h.most = 2
	h.post("A", "B", "A", "B", "A")
	h.settle()
	h.stop()
	if h.events("A") != 3 || h.events("B") != 2 {
		t.Errorf("%d and %d events stored, want 3 and 2", h.events("A"), h.events("B"))
	}
}

// TestReleased: an entity in memory keeps nothing of the batch that it came with.
func TestReleased(t *testing.T) {
	h := newHarness(t, nil)
	h.post("A", "A", "A", "A", "A", "A")
	h.settle()
	h.pass(time.Hour)
	h.settle()
	e := h.worker.set.look(senderKey("A"))
	if j := e.subject.Judged(); j.Event() != nil || e.unsure != nil {
		t.Errorf("the event %v is held, unsure %v", j.Event(), e.unsure)
	}
}

// TestHits: an entity is loaded once, then found.
func TestHits(t *testing.T) {
	h := newHarness(t, nil)
	h.most = 2
	h.post("A", "A", "A", "B")
	h.settle()
	hits, misses := testutil.ToFloat64(h.metrics.hits), testutil.ToFloat64(h.metrics.misses)
	if hits != 1 || misses != 2 {
		t.Errorf("%v hits, %v misses, want 1 and 2", hits, misses)
	}
}

// TestRewindForgetsEverything: nothing that was in memory survives, not even in the gauge.
func TestRewindForgetsEverything(t *testing.T) {
	h := newHarness(t, nil)
	h.post("A", "B")
	h.settle()
	h.worker.rewind(rewindRefused)
	w := h.worker
	if w.set.count != 0 || len(w.set.byHash) != 0 || len(w.changed) != 0 || w.pending != 0 || w.passed != 0 || w.said() != (counts{}) || w.flight != nil {
		t.Error("something is left in memory")
	}
	if got := testutil.ToFloat64(h.metrics.entities); got != 0 {
		t.Errorf("the gauge says %v entities", got)
	}
	h.pending = w.take()
	h.settle()
	h.stop()
	if h.events("A") != 1 || h.events("B") != 1 {
		t.Errorf("%d and %d events stored, want 1 and 1", h.events("A"), h.events("B"))
	}
}

// look gets an entry by its key, find does so without using it.
func (s *workingSet) look(key windows.Key) *entry {
	if e := s.find(key); e != nil {
		return s.get(&key, e.hash)
	}
	return nil
}

func (s *workingSet) find(key windows.Key) *entry {
	for e := s.newest; e != nil; e = e.older {
		if e.key == key {
			return e
		}
	}
	return nil
}

// TestWorkingSetAgainstAList plays random uses against a plain list.
func TestWorkingSetAgainstAList(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	s := newWorkingSet(4 * entryBytes)
	var list []windows.Key // the least recently used first
	for step := range 2000 {
		key := senderKey(fmt.Sprint(r.IntN(9)))
		at := slices.Index(list, key)
		if e := s.look(key); (e != nil) != (at >= 0) {
			t.Fatalf("step %d: found %v, want %v", step, e != nil, at >= 0)
		}
		if at < 0 {
			e := &entry{key: key, hash: uint64(key.ID[0]) % 3} // some share a hash
			s.add(e)
			s.mark(e, r.IntN(4) == 0, false)
		} else {
			list = slices.Delete(list, at, at+1)
		}
		list = append(list, key)
		if e := s.find(key); r.IntN(3) == 0 {
			s.mark(e, !e.queued, e.queued)
			s.resize(e)
		}
		s.shrink()
		for i := 0; i < len(list) && len(list) > 4; {
			if e := s.find(list[i]); e != nil && e.held() {
				i++
				continue
			}
			list = slices.Delete(list, i, i+1)
		}
		var got []windows.Key
		var held int64
		for e := s.oldest; e != nil; e = e.newer {
			got = append(got, e.key)
			if e.held() {
				held += entryBytes
			}
		}
		if !slices.Equal(got, list) || s.count != len(list) {
			t.Fatalf("step %d: %v, want %v", step, got, list)
		}
		if s.bytes != int64(len(list))*entryBytes || s.heldBytes != held {
			t.Fatalf("step %d: %d and %d bytes, want %d and %d", step, s.bytes, s.heldBytes, int64(len(list))*entryBytes, held)
		}
	}
}
