package pipeline

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// TestPackedAgainstAMap plays random uses against a plain map: what is found is what was put in, once, and what is not found was dropped
// with the oldest piece.
func TestPackedAgainstAMap(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 3))
	p := newPacked(0)
	model := map[windows.Key][]byte{}
	order := map[int][]windows.Key{} // what was put into each piece, by its number
	found := 0
	for step := range 20_000 {
		key := windows.NewKey("sender", fmt.Sprint("S-", r.IntN(60)))
		hash := key.Hash()
		b, ok := p.take(&key, hash)
		want, known := model[key]
		if ok != known || !slices.Equal(b, want) {
			t.Fatalf("step %d: %s is %x (%v), want %x (%v)", step, key.ID, b, ok, want, known)
		}
		if ok {
			found++
		}
		delete(model, key)
		if _, again := p.take(&key, hash); again {
			t.Fatalf("step %d: %s is there twice", step, key.ID)
		}
		e := windows.NewEntity(key)
		for range 1 + r.IntN(40) {
			e.Add('i', windows.Resolution{Name: 'h', Slide: time.Hour, Keep: 1000}, windows.Sub{}, time.Unix(r.Int64N(3_000_000), 0), 1)
		}
		e.TakeDelta()
		p.put(&key, hash, e)
		model[key], _ = e.AppendPacked(nil)
		number := p.first + len(p.pieces) - 1
		order[number] = append(order[number], key)
		for p.taken() > 8<<10 {
			gone := 0
			number := p.first
			for _, key := range order[number] {
				if _, ok := model[key]; ok && int(p.at[key.Hash()].piece) == number {
					delete(model, key)
					gone++
				}
			}
			if n := p.drop(); n != gone {
				t.Fatalf("step %d: %d went, want %d", step, n, gone)
			}
		}
		if len(p.at) != len(model) {
			t.Fatalf("step %d: %d are here, want %d", step, len(p.at), len(model))
		}
	}
	if found == 0 {
		t.Error("nothing was found")
	}
}

// TestPackedOfOneHash: two entities of one hash are told apart, the later stays.
func TestPackedOfOneHash(t *testing.T) {
	p := newPacked(0)
	keys := []windows.Key{senderKey("A"), senderKey("B")}
	for _, key := range keys {
		e := windows.NewEntity(key)
		e.CountEvent(windows.First{Time: time.Unix(1, 0)})
		p.put(&key, 7, e)
	}
	if b, ok := p.take(&keys[0], 7); ok {
		t.Errorf("A is %x, which is B's", b)
	}
	if _, ok := p.take(&keys[1], 7); !ok {
		t.Error("B is not here")
	}
	if n := p.drop(); n != 0 || p.taken() != 0 || len(p.pieces) != 0 {
		t.Errorf("%d entities went, and %d bytes are left", n, p.taken())
	}
}

// TestPackedComesBack: an entity that was packed goes on where it stood, with its incident, and nobody is asked for it.
func TestPackedComesBack(t *testing.T) {
	said := map[int64][]string{}
	for _, workingSet := range []int64{64 << 10, 1 << 30} {
		h := newHarness(t, func(o *Options) { o.Limits.WorkingSet, o.Limits.FlushEvents = workingSet, 4 })
		h.most = 4
		for range 5 {
			h.post("A", "A", "B", "A")
			for i := range 20 {
				h.post(fmt.Sprint("other-", i))
			}
		}
		h.settle()
		if small := workingSet < 1<<20; small != (len(h.worker.shards[0].set.packed.at) > 0) {
			t.Errorf("%d entities are packed in %d bytes", len(h.worker.shards[0].set.packed.at), workingSet)
		}
		h.stop()
		said[workingSet] = h.sayings()
		if h.events("A") != 15 || h.events("B") != 5 {
			t.Errorf("%d and %d events stored, want 15 and 5", h.events("A"), h.events("B"))
		}
	}
	if a, b := said[64<<10], said[1<<30]; !slices.Equal(a, b) || len(a) == 0 {
		t.Errorf("said %q, and with room for all %q", a, b)
	}
}
