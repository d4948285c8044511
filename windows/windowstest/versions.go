package windowstest

import (
	"fmt"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// Beside gives n other senders of a key's bucket.
func Beside(key windows.Key, n int) (others []windows.Key) {
	for i := 0; len(others) < n; i++ {
		if other := windows.NewKey("sender", fmt.Sprint("T-", i)); other.Bucket() == key.Bucket() {
			others = append(others, other)
		}
	}
	return others
}

// versions: writers of two partitions go on with what they know of two entities of a bucket, and neither looks at what the other
// has counted since. Nothing is lost, be it in the entity that both count in or in the one that is only the first's.
func versions(t *testing.T, b *bench) {
	hours := windows.Resolution{Name: 'h', Slide: time.Hour, Keep: 50}
	alone := Beside(b.key, 1)[0]
	shared := [2]*windows.Entity{}
	own := windows.NewEntity(alone)
	for p := range shared {
		source := windows.Source{Topic: "shipments", Partition: p}
		b.begin(t, source, windows.NoOffset)
		shared[p] = b.load(t, source, b.key).Entity
	}
	total := int64(0)
	for step, p := range []int{0, 0, 1, 0, 1, 1, 0} {
		source := windows.Source{Topic: "shipments", Partition: p}
		entities := []*windows.Entity{shared[p]}
		if p == 0 {
			entities = append(entities, own)
		}
		from := b.load(t, source, b.key).Fence
		u := windows.Update{Bucket: b.key.Bucket(), Expected: from, New: at(from.Offset + 1)}
		for _, e := range entities {
			e.Add('i', hours, windows.Sub{}, noon.Add(time.Duration(step)*time.Hour), 1)
			e.CountEvent(windows.First{Time: noon.Add(-time.Duration(step) * time.Hour), At: windows.Coordinates{Source: source}})
			e.Saw(windows.NewSub(fmt.Sprint("member", p)), noon.Add(time.Duration(step)*time.Hour))
			u.Deltas = append(u.Deltas, e.TakeDelta())
		}
		results, err := b.store.Apply(t.Context(), source, []windows.Update{u})
		total++
		if err != nil || results[0].Status != windows.Applied || results[0].Events[0] != total {
			t.Fatalf("step %d: %+v, %v; want a total of %d", step, results, err, total)
		}
	}
	want := map[string]int64{}
	for step := range total {
		want[windows.Field{Series: windows.Series{Measure: 'i', Resolution: 'h'}, Pane: hours.Pane(noon) + step}.String()] = 1
	}
	e := b.entity(t)
	wantCounts(t, e, want)
	wantMembers(t, e, map[windows.Sub]int64{
		windows.NewSub("member0"): noon.Add(6 * time.Hour).UnixMilli(), windows.NewSub("member1"): noon.Add(5 * time.Hour).UnixMilli(),
	})
	if e.Events() != total || !e.First().Time.Equal(noon.Add(-6*time.Hour)) {
		t.Errorf("%d events, first %v", e.Events(), e.First())
	}
	if got := b.load(t, b.source, alone).Entity.Events(); got != own.Events() {
		t.Errorf("the entity of one writer has %d events, want %d", got, own.Events())
	}
}

// lostEvents: a delta of an entity that has fewer events than there were when its writer knew it is refused, with all of its bucket.
// One that has more is of several writers, and takes it.
func lostEvents(t *testing.T, b *bench) {
	b.begin(t, b.source, windows.NoOffset)
	if r := b.try(t, b.source, windows.NoOffset, 0, windows.Delta{Key: b.key, Events: 4}); r.Status != windows.Applied {
		t.Fatal(r.Status)
	}
	for had, want := range map[int64]windows.Status{5: windows.Refused, 4: windows.Applied, 3: windows.Applied} {
		before := b.load(t, b.source, b.key)
		from := before.Fence.Offset
		if r := b.try(t, b.source, from, from+1, windows.Delta{Key: b.key, Events: 1, Had: had + before.Entity.Events() - 4}); r.Status != want {
			t.Errorf("of %d events %d are there: %s, want %s", had, 4, r.Status, want)
		}
		after := b.load(t, b.source, b.key)
		if moved := after.Fence != before.Fence || after.Entity.Events() != before.Entity.Events(); moved != (want == windows.Applied) {
			t.Errorf("%s, and the fence is %+v with %d events", want, after.Fence, after.Entity.Events())
		}
	}
}
