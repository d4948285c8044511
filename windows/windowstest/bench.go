package windowstest

import (
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// bench is a store with what most parts of the contract need.
type bench struct {
	store  windows.Store
	source windows.Source
	key    windows.Key
}

func newBench(store windows.Store) *bench {
	return &bench{store: store, source: windows.Source{Topic: "shipments"}, key: windows.NewKey("sender", "S-1")}
}

// noon is an instant that all stores keep whole.
var noon = time.Date(2026, 3, 29, 12, 0, 0, int(7*time.Millisecond), time.UTC)

func (b *bench) begin(t *testing.T, source windows.Source, offset int64) {
	t.Helper()
	if err := b.store.Begin(t.Context(), source, windows.Fence{Offset: offset}); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) fences(t *testing.T, partition int) *windows.Fences {
	t.Helper()
	f, err := b.store.Fences(t.Context(), b.source.Topic, partition)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (b *bench) load(t *testing.T, source windows.Source, key windows.Key) windows.Loaded {
	t.Helper()
	l, err := b.store.Load(t.Context(), source, []windows.Key{key})
	if err != nil {
		t.Fatal(err)
	}
	if len(l) != 1 || l[0].Entity == nil || l[0].Entity.Key != key {
		t.Fatalf("load of %v gave %+v", key, l)
	}
	return l[0]
}

func (b *bench) entity(t *testing.T) *windows.Entity {
	t.Helper()
	return b.load(t, b.source, b.key).Entity
}

// at is a fence of no writer at a record of unknown time.
func at(offset int64) windows.Fence { return windows.Fence{Offset: offset} }

// try sends one update with a delta for one entity and gives the answer.
func (b *bench) try(t *testing.T, source windows.Source, expected, to int64, d windows.Delta) windows.Result {
	t.Helper()
	return b.move(t, source, at(expected), at(to), d)
}

// move does the same from fence to fence, with any number of deltas for one bucket.
func (b *bench) move(t *testing.T, source windows.Source, expected, to windows.Fence, deltas ...windows.Delta) windows.Result {
	t.Helper()
	u := windows.Update{Bucket: b.key.Bucket(), Expected: expected, New: to, Deltas: deltas}
	if len(deltas) > 0 {
		u.Bucket = deltas[0].Key.Bucket()
	}
	results, err := b.store.Apply(t.Context(), source, []windows.Update{u})
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 1 {
		t.Fatalf("%d results of one update", len(results))
	}
	return results[0]
}

// apply begins the source where it has no fence, and adds deltas to the bench's entity one update after the other.
func (b *bench) apply(t *testing.T, deltas ...windows.Delta) {
	t.Helper()
	b.begin(t, b.source, windows.NoOffset)
	from := b.load(t, b.source, b.key).Fence.Offset
	for _, d := range deltas {
		d.Key = b.key
		if r := b.try(t, b.source, from, from+1, d); r.Status != windows.Applied {
			t.Fatalf("update to %d is %v, want applied", from+1, r.Status)
		}
		from++
	}
}

// field gives the count that most parts use.
func field(pane int64) windows.Field {
	return windows.Field{Series: windows.Series{Measure: 'i', Resolution: 'h'}, Pane: pane}
}

func adds(pane, n int64) windows.Delta {
	return windows.Delta{Add: []windows.FieldCount{{Field: field(pane), N: n}}, Events: 1}
}

func wantStatus(t *testing.T, r windows.Result, status windows.Status, events ...int64) {
	t.Helper()
	if r.Status != status {
		t.Errorf("the update is %v, want %v", r.Status, status)
	}
	if len(r.Events) != len(events) {
		t.Errorf("totals %v, want %v", r.Events, events)
		return
	}
	for i := range events {
		if r.Events[i] != events[i] {
			t.Errorf("totals %v, want %v", r.Events, events)
			return
		}
	}
}

// wantCounts compares all counts of an entity with pairs of field text and number.
func wantCounts(t *testing.T, e *windows.Entity, want map[string]int64) {
	t.Helper()
	got := map[string]int64{}
	for _, c := range e.Counts() {
		got[c.Field.String()] = c.N
	}
	for f, n := range want {
		if got[f] != n {
			t.Errorf("count %s is %d, want %d", f, got[f], n)
		}
		delete(got, f)
	}
	for f, n := range got {
		t.Errorf("count %s is %d, want none", f, n)
	}
}
