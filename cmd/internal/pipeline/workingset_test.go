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
	h.bytes = h.worker.shards[0].set.bytes
	h.stop()
}

// TestEviction: the working set keeps to its bound, and what was evicted comes back exact.
func TestEviction(t *testing.T) {
	const room = 4 << 10
	h := newHarness(t, func(o *Options) { o.Limits.FlushEvents, o.Limits.WorkingSet = 1, room })
	h.most = 1
	want := map[string]int64{}
	for i := range 90 {
		sender := fmt.Sprint("S-", i*i%47)
		h.post(sender)
		want[sender]++
	}
	h.settle()
	n, bytes := testutil.ToFloat64(h.metrics.entities), testutil.ToFloat64(h.metrics.entityBytes)
	if s := h.worker.shards[0].set; n != float64(s.count()) || n < 2 || n == float64(len(want)) || bytes > room || bytes != float64(s.taken()) {
		t.Errorf("%v entities of %v bytes in memory, want some in %d", n, bytes, room)
	}
	if n := testutil.ToFloat64(h.metrics.evictions); n == 0 {
		t.Error("nothing was evicted")
	}
	for sender, want := range want {
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
	if n := len(h.worker.shards[0].set.ring); n != 2 || h.worker.processed.Offset != 1 {
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
	e := h.worker.shards[0].set.look(senderKey("A"))
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
	s := w.shards[0]
	if len(s.set.ring) != 0 || len(s.set.byHash) != 0 || len(s.changed) != 0 || w.pending != 0 || w.passed != 0 || w.said() != (counts{}) || w.flight != nil {
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
	for _, e := range s.ring {
		if e.key == key {
			return e
		}
	}
	return nil
}

// TestUsedStay: what was used since the last look stays once, what has changes stays as long as it has.
func TestUsedStay(t *testing.T) {
	s := newWorkingSet(0)
	for _, id := range []string{"changed", "used", "idle"} {
		s.add(&entry{key: senderKey(id), hash: senderKey(id).Hash()})
	}
	s.mark(s.find(senderKey("changed")), true, false)
	for _, want := range [][]string{{"changed", "used"}, {"changed"}, {"changed"}} {
		s.look(senderKey("used"))
		s.look(senderKey("changed"))
		s.capacity = spreadOut * (s.bytes - 1)
		s.shrink()
		var left []string
		for _, e := range s.ring {
			left = append(left, e.key.ID)
		}
		if !slices.Equal(left, want) {
			t.Fatalf("%v are left, want %v", left, want)
		}
	}
}

// TestWorkingSetAgainstAModel plays random uses against a plain list with a hand, in which an entry is looked for from
// its start and the last one takes the place of one that goes.
func TestWorkingSetAgainstAModel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	s := newWorkingSet(spreadOut * 4 * entryBytes)
	type modelled struct {
		key        windows.Key
		used, held bool
	}
	var list []modelled
	hand := 0
	for step := range 5000 {
		key := senderKey(fmt.Sprint(r.IntN(9)))
		at := slices.IndexFunc(list, func(m modelled) bool { return m.key == key })
		e := s.look(key)
		if (e != nil) != (at >= 0) {
			t.Fatalf("step %d: found %v, want %v", step, e != nil, at >= 0)
		}
		if e == nil {
			e = &entry{key: key, hash: uint64(key.ID[0]) % 3} // some share a hash
			s.add(e)
			list, at = append(list, modelled{key: key}), len(list)
		} else {
			list[at].used = true
		}
		if r.IntN(3) == 0 {
			list[at].held = r.IntN(4) == 0
			s.mark(e, list[at].held && r.IntN(2) == 0, false)
			s.mark(e, e.queued, list[at].held && !e.queued)
			s.resize(e)
		}
		s.shrink()
		for i := 0; len(list) > 4 && i < 2*len(list); i++ {
			hand %= len(list)
			if m := &list[hand]; m.held || m.used {
				m.used = m.used && m.held
				hand++
				continue
			}
			list[hand] = list[len(list)-1]
			list, i = list[:len(list)-1], 0
		}
		var got []modelled
		var held int64
		for i, e := range s.ring {
			if e.place != i {
				t.Fatalf("step %d: %s has place %d, and is in %d", step, e.key.ID, e.place, i)
			}
			got = append(got, modelled{e.key, e.used, e.held()})
			if e.held() {
				held += entryBytes
			}
		}
		if !slices.Equal(got, list) {
			t.Fatalf("step %d: %v, want %v", step, got, list)
		}
		if s.bytes != int64(len(list))*entryBytes || s.heldBytes != held || len(s.ring) > 4 && s.bytes > s.heldBytes {
			t.Fatalf("step %d: %d and %d bytes, want %d and %d", step, s.bytes, s.heldBytes, int64(len(list))*entryBytes, held)
		}
	}
}
