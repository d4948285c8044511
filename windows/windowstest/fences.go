package windowstest

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

func nothing(t *testing.T, b *bench) {
	f := b.fences(t, 3)
	if f.Source != (windows.Source{Topic: "shipments", Partition: 3}) {
		t.Errorf("the source is %v, want epoch 0", f.Source)
	}
	for bucket, present := range f.Present {
		if present {
			t.Fatalf("bucket %d has a fence", bucket)
		}
	}
	l := b.load(t, b.source, b.key)
	e := l.Entity
	if l.Present || e.Fields() != 0 || e.Events() != 0 || e.Note() != "" || !e.First().IsZero() || e.Dirty() {
		t.Errorf("an entity that was never stored is %+v", l)
	}
	if l, err := b.store.Load(t.Context(), b.source, nil); len(l) != 0 || err != nil {
		t.Errorf("load of nothing gave %v, %v", l, err)
	}
	if r, err := b.store.Apply(t.Context(), b.source, nil); len(r) != 0 || err != nil {
		t.Errorf("apply of nothing gave %v, %v", r, err)
	}
}

func beginFillsGaps(t *testing.T, b *bench) {
	begun := windows.Fence{Offset: 41, Time: noon.Add(300 * time.Microsecond), Writer: math.MaxUint64, Begun: true}
	moved := windows.Fence{Offset: 50, Time: noon, Writer: 7}
	if err := b.store.Begin(t.Context(), b.source, begun); err != nil {
		t.Fatal(err)
	}
	d := adds(1, 1)
	d.Key = b.key
	wantStatus(t, b.move(t, b.source, begun, moved, d), windows.Applied, 1)
	b.begin(t, b.source, 99)
	f := b.fences(t, 0)
	for bucket, fence := range f.At {
		want := windows.Fence{Offset: 41, Time: noon, Writer: math.MaxUint64, Begun: true}
		if bucket == b.key.Bucket() {
			want = moved
		}
		if !f.Present[bucket] || fence != want {
			t.Fatalf("the fence of bucket %d is %v (%v), want %v", bucket, fence, f.Present[bucket], want)
		}
	}
	b.begin(t, windows.Source{Topic: "shipments", Partition: 1}, windows.NoOffset)
	if f := b.fences(t, 1); f.At[7] != (windows.Fence{Offset: windows.NoOffset}) {
		t.Errorf("a fence before every record, of unknown time, is %v", f.At[7])
	}
}

// beginEndsWithBucket0 ends contexts at many moments of a Begin: whoever sees bucket 0 sees all. A store that does
// not look at contexts passes.
func beginEndsWithBucket0(t *testing.T, b *bench) {
	for i := range 20 {
		source := windows.Source{Topic: "shipments", Partition: i}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*200*time.Microsecond)
		_ = b.store.Begin(ctx, source, windows.Fence{Offset: windows.NoOffset})
		f := b.fences(t, i)
		cancel()
		if !f.Present[0] {
			continue
		}
		for bucket, present := range f.Present {
			if !present {
				t.Fatalf("bucket 0 has a fence, bucket %d has none", bucket)
			}
		}
	}
}

func epochs(t *testing.T, b *bench) {
	for _, epoch := range []int{0, 10, 2} {
		b.begin(t, windows.Source{Topic: "shipments", Epoch: epoch}, int64(100+epoch))
	}
	f := b.fences(t, 0)
	if f.Source.Epoch != 10 || f.At[5].Offset != 110 {
		t.Errorf("the fences are of epoch %d at %d, want 10 at 110", f.Source.Epoch, f.At[5].Offset)
	}
	for epoch, want := range map[int]int64{0: 100, 2: 102, 10: 110} {
		l := b.load(t, windows.Source{Topic: "shipments", Epoch: epoch}, b.key)
		if !l.Present || l.Fence.Offset != want {
			t.Errorf("epoch %d: the fence is %v, want %d", epoch, l.Fence, want)
		}
	}
}

func sourcesDontMix(t *testing.T, b *bench) {
	all := []windows.Source{
		{Topic: "shipments", Partition: 1},
		{Topic: "shipments", Partition: 11},
		{Topic: "shipments", Partition: 21},
		{Topic: "ship", Partition: 1},
		{Topic: "more-shipments", Partition: 1},
		{Topic: "shipments.1_x", Partition: 1},
	}
	for i, source := range all {
		b.begin(t, source, int64(i))
	}
	for i, source := range all {
		f, err := b.store.Fences(t.Context(), source.Topic, source.Partition)
		if err != nil {
			t.Fatal(err)
		}
		if f.Source != source || f.At[3].Offset != int64(i) {
			t.Errorf("the fences of %v are those of %v at %d", source, f.Source, f.At[3].Offset)
		}
	}
}

func missingFence(t *testing.T, b *bench) {
	d := adds(1, 1)
	d.Key = b.key
	wantStatus(t, b.try(t, b.source, windows.NoOffset, 5, d), windows.Refused)
	b.begin(t, windows.Source{Topic: "shipments", Partition: 1}, windows.NoOffset)
	wantStatus(t, b.try(t, b.source, windows.NoOffset, 5, d), windows.Refused)
	if l := b.load(t, b.source, b.key); l.Entity.Fields() != 0 || l.Present {
		t.Errorf("a refused update left %+v", l)
	}
}

func unexpectedFence(t *testing.T, b *bench) {
	b.begin(t, b.source, 20)
	d := adds(1, 1)
	d.Key = b.key
	for _, expected := range []int64{windows.NoOffset, 0, 2, 19, 21, 200} {
		wantStatus(t, b.try(t, b.source, expected, 300, d), windows.Refused)
	}
	l := b.load(t, b.source, b.key)
	if l.Entity.Fields() != 0 || l.Entity.Events() != 0 || l.Fence.Offset != 20 {
		t.Errorf("refused updates left %+v", l)
	}
	wantStatus(t, b.try(t, b.source, 20, 300, d), windows.Applied, 1)
}

func repeat(t *testing.T, b *bench) {
	b.begin(t, b.source, windows.NoOffset)
	d := adds(1, 5)
	d.Key = b.key
	d.Events = 3
	d.Seen = []windows.Member{{Sub: windows.NewSub("R"), UnixMilli: 1}}
	d.Drop = []windows.Field{field(0)}
	d.SetNote, d.Note = true, "open"
	wantStatus(t, b.try(t, b.source, windows.NoOffset, 7, d), windows.Applied, 3)
	for range 3 {
		wantStatus(t, b.try(t, b.source, windows.NoOffset, 7, d), windows.Already, 3)
	}
	wantCounts(t, b.entity(t), map[string]int64{field(1).String(): 5})
}

func zombie(t *testing.T, b *bench) {
	b.begin(t, b.source, 10)
	d := adds(1, 1)
	d.Key = b.key
	wantStatus(t, b.try(t, b.source, 10, 20, d), windows.Applied, 1)
	wantStatus(t, b.try(t, b.source, 20, 30, d), windows.Applied, 2)
	wantStatus(t, b.try(t, b.source, 10, 20, d), windows.Refused)
	wantStatus(t, b.try(t, b.source, 10, 25, d), windows.Refused)
	wantStatus(t, b.try(t, b.source, 20, 35, d), windows.Refused)
	wantCounts(t, b.entity(t), map[string]int64{field(1).String(): 2})
	if l := b.load(t, b.source, b.key); l.Fence.Offset != 30 {
		t.Errorf("the fence is at %d, want 30", l.Fence.Offset)
	}
}

// otherWriter: a fence at the offset that is expected does not do if somebody else put it there: what was counted up to it may be
// other events. Nor does an update count as done if another writer's came to the same offset.
func otherWriter(t *testing.T, b *bench) {
	by := func(writer uint64, offset int64) windows.Fence {
		return windows.Fence{Offset: offset, Time: noon, Writer: writer}
	}
	d := adds(1, 1)
	d.Key = b.key
	begun := windows.Fence{Offset: 10, Writer: 1, Begun: true}
	if err := b.store.Begin(t.Context(), b.source, begun); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		expected, to windows.Fence
		want         windows.Status
	}{
		{at(10), by(2, 20), windows.Refused},
		{windows.Fence{Offset: 10, Writer: 2, Begun: true}, by(2, 20), windows.Refused},
		{windows.Fence{Offset: 10, Writer: 1}, by(2, 20), windows.Refused},
		{begun, by(1, 20), windows.Applied},
		{begun, by(1, 20), windows.Already},
		{begun, by(2, 20), windows.Refused},
		{by(2, 20), by(2, 30), windows.Refused},
		{windows.Fence{Offset: 20, Writer: 1}, by(1, 30), windows.Refused},
		{by(1, 20), by(2, 30), windows.Applied},
	} {
		var totals []int64
		if step.want != windows.Refused {
			totals = []int64{step.to.Offset/10 - 1}
		}
		wantStatus(t, b.move(t, b.source, step.expected, step.to, d), step.want, totals...)
	}
	wantCounts(t, b.entity(t), map[string]int64{field(1).String(): 2})
}

func eachAlone(t *testing.T, b *bench) {
	b.begin(t, b.source, 10)
	other := windows.NewKey("sender", "S-2")
	updates := []windows.Update{
		{Bucket: b.key.Bucket(), Expected: at(9), New: at(20), Deltas: []windows.Delta{{Key: b.key, Events: 1}}},
		{Bucket: other.Bucket(), Expected: at(10), New: at(20), Deltas: []windows.Delta{{Key: other, Events: 4}}},
	}
	for _, status := range []windows.Status{windows.Applied, windows.Already} {
		r, err := b.store.Apply(t.Context(), b.source, updates)
		if err != nil {
			t.Fatal(err)
		}
		wantStatus(t, r[0], windows.Refused)
		wantStatus(t, r[1], status, 4)
	}
}

func checkpoint(t *testing.T, b *bench) {
	b.apply(t, adds(1, 1))
	noted := windows.Fence{Offset: 40, Time: noon}
	for _, step := range []struct {
		expected, to windows.Fence
		want         windows.Status
	}{
		{at(0), noted, windows.Applied},
		{at(0), noted, windows.Already},
		{noted, noted, windows.Already},
		{at(39), at(39), windows.Refused},
		{at(41), at(50), windows.Refused},
	} {
		wantStatus(t, b.move(t, b.source, step.expected, step.to), step.want)
	}
	if f := b.fences(t, 0).At[b.key.Bucket()]; f != noted {
		t.Errorf("the fence is %v, want %v", f, noted)
	}
	wantCounts(t, b.entity(t), map[string]int64{field(1).String(): 1})
}

func invalid(t *testing.T, b *bench) {
	b.begin(t, b.source, 10)
	here := b.key.Bucket()
	mine := windows.Delta{Key: b.key, Events: 1}
	for word, u := range map[string]windows.Update{
		"bucket":    {Bucket: windows.Buckets, Expected: at(10), New: at(20)},
		"move back": {Bucket: here, Expected: at(10), New: at(9)},
		"stays at":  {Bucket: here, Expected: at(10), New: at(10), Deltas: []windows.Delta{mine}},
		"of bucket": {Bucket: (here + 1) % windows.Buckets, Expected: at(10), New: at(20), Deltas: []windows.Delta{mine}},
		"two delta": {Bucket: here, Expected: at(10), New: at(20), Deltas: []windows.Delta{mine, mine}},
	} {
		_, err := b.store.Apply(t.Context(), b.source, []windows.Update{u})
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("an update that should fail with %q gave %v", word, err)
		}
	}
	if l := b.load(t, b.source, b.key); l.Entity.Events() != 0 || l.Fence.Offset != 10 {
		t.Errorf("updates that failed left %+v", l)
	}
}

func loadFence(t *testing.T, b *bench) {
	second := windows.Source{Topic: "shipments", Partition: 1}
	b.begin(t, b.source, 10)
	b.begin(t, second, 70)
	d := adds(1, 1)
	d.Key = b.key
	moved := windows.Fence{Offset: 11, Time: noon, Writer: 1}
	wantStatus(t, b.move(t, b.source, at(10), moved, d), windows.Applied, 1)
	for source, want := range map[windows.Source]windows.Fence{
		b.source: moved,
		second:   at(70),
	} {
		if l := b.load(t, source, b.key); !l.Present || l.Fence != want {
			t.Errorf("the fence of %v is %v (%v), want %v", source, l.Fence, l.Present, want)
		}
	}
}
