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

// TestEviction: the working set keeps to its bound, least recently used first, and what was evicted comes back exact.
func TestEviction(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits.FlushEvents, o.Limits.WorkingSet = 1, 2 })
	h.most = 1
	h.post("A", "B", "A", "C", "B", "A")
	h.settle()
	if got := testutil.ToFloat64(h.metrics.entities); got > 3 {
		t.Errorf("%v entities in memory", got)
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

// TestDirtyEntriesStay: what is not applied is not evicted, however small the bound.
func TestDirtyEntriesStay(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits.WorkingSet = 1 })
	h.most = 1
	h.post("A", "B", "C", "A")
	h.settle()
	if n := len(h.worker.set.entries); n != 3 {
		t.Fatalf("%d entities in memory, want the 3 with changes", n)
	}
	h.pass(time.Hour)
	flying := h.take(opApply)
	h.post("D")
	h.do(opFetch)
	h.do(opFetch, opLoad)
	if n := len(h.worker.set.entries); n != 4 {
		t.Fatalf("%d entities in memory, want the 3 in flight and the new one", n)
	}
	h.answer(h.execute(flying))
	h.post("E")
	h.settle()
	h.pass(time.Second)
	h.settle()
	if n := len(h.worker.set.entries); n != 2 {
		t.Errorf("%d entities in memory, want D and E", n)
	}
	if h.events("A") != 2 {
		t.Errorf("%d events of A stored, want 2", h.events("A"))
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
	if len(w.set.entries) != 0 || len(w.changed) != 0 || w.pending != 0 || w.passed != 0 || len(w.outbox) != 0 || w.flight != nil {
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

// TestWorkingSetAgainstAList plays random uses against a plain list.
func TestWorkingSetAgainstAList(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	s := newWorkingSet(4)
	var list []windows.Key // the least recently used first
	for step := range 2000 {
		key := senderKey(fmt.Sprint(r.IntN(9)))
		at := slices.Index(list, key)
		if e := s.get(key); (e != nil) != (at >= 0) {
			t.Fatalf("step %d: found %v, want %v", step, e != nil, at >= 0)
		}
		if at < 0 {
			s.add(&entry{key: key, queued: r.IntN(4) == 0})
		} else {
			list = slices.Delete(list, at, at+1)
		}
		list = append(list, key)
		if r.IntN(3) == 0 {
			s.entries[key].queued = !s.entries[key].queued
		}
		s.shrink()
		for i := 0; i < len(list) && len(list) > 4; {
			if e := s.entries[list[i]]; e != nil && e.queued {
				i++
				continue
			}
			list = slices.Delete(list, i, i+1)
		}
		var got []windows.Key
		for e := s.oldest; e != nil; e = e.newer {
			got = append(got, e.key)
		}
		if !slices.Equal(got, list) || len(s.entries) != len(list) {
			t.Fatalf("step %d: %v, want %v", step, got, list)
		}
	}
}
