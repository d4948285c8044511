package windowstest

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/parcelsentry/parcelsentry/windows"
)

// crashes cuts a run after every single update of every flush and starts a new writer from the fences; and loses every
// single answer, upon which the writer sends again.
func crashes(t *testing.T, open func(*testing.T) windows.Store) {
	updates := 0
	t.Run("never", func(t *testing.T) {
		w := crashWriter(t, open(t))
		updates = crashRun(t, w, 0, false)
		expect(t, w.store, []windows.Source{w.source}, [][]shipment{w.log})
	})
	if updates < 20 {
		t.Fatalf("the run has %d updates: too few places to cut at", updates)
	}
	for at := 1; at <= updates; at++ {
		t.Run(fmt.Sprintf("cut after update %d", at), func(t *testing.T) {
			dead := crashWriter(t, open(t))
			crashRun(t, dead, at, false)
			w := &writer{store: dead.store, source: dead.source, log: dead.log}
			if err := w.start(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := w.finish(t.Context()); err != nil {
				t.Fatal(err)
			}
			expect(t, w.store, []windows.Source{w.source}, [][]shipment{w.log})
		})
		t.Run(fmt.Sprintf("answer %d lost", at), func(t *testing.T) {
			w := crashWriter(t, open(t))
			if n := crashRun(t, w, at, true); n != updates+1 {
				t.Errorf("%d updates, want one more than %d", n, updates)
			}
			expect(t, w.store, []windows.Source{w.source}, [][]shipment{w.log})
		})
	}
}

func crashWriter(t *testing.T, store windows.Store) *writer {
	t.Helper()
	log := shipments(rand.New(rand.NewPCG(7, 7)), "crash", 0, 24)
	w := &writer{store: store, source: windows.Source{Topic: "shipments"}, log: log}
	if err := store.Begin(t.Context(), w.source, windows.Fence{Offset: windows.NoOffset}); err != nil {
		t.Fatal(err)
	}
	if err := w.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

// crashRun runs w with a flush every 8 events. Not lost: it stops dead after that many updates, 0 means never. Lost:
// the answer to that update is lost, and the update sent again. It gives the number of updates sent.
func crashRun(t *testing.T, w *writer, at int, lost bool) int {
	t.Helper()
	n := 0
	for !w.done() {
		if err := w.read(t.Context()); err != nil {
			t.Fatal(err)
		}
		if w.next%8 != 0 && !w.done() {
			continue
		}
		for w.flush(); len(w.todo) > 0; {
			n++
			if err := w.apply(t.Context(), 1, lost && n == at); err != nil {
				t.Fatal(err)
			}
			if n == at && !lost {
				return n
			}
		}
	}
	return n
}
