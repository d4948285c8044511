package windowstest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

func counts(t *testing.T, b *bench) {
	sub := windows.NewSub("HAN")
	bySub := field(-3)
	bySub.Sub = sub
	folded := field(-3)
	folded.Sub = windows.Others
	tally := windows.Field{Series: windows.Series{Measure: 't', Resolution: windows.AllTime}, Pane: 23}
	big := int64(1) << 45
	b.apply(
		t,
		windows.Delta{Add: []windows.FieldCount{{Field: field(5), N: 2}, {Field: bySub, N: 3}, {Field: tally, N: 1}}},
		windows.Delta{Add: []windows.FieldCount{{Field: field(5), N: 40}, {Field: bySub, N: -3}, {Field: folded, N: 3}}},
		windows.Delta{Add: []windows.FieldCount{{Field: tally, N: big}, {Field: field(6), N: 0}, {Field: field(7), N: -2}}},
	)
	e := b.entity(t)
	wantCounts(t, e, map[string]int64{
		field(5).String(): 42, folded.String(): 3, tally.String(): big + 1, field(7).String(): -2,
	})
	if e.Fields() != 4 {
		t.Errorf("%d fields, want 4: a count that is 0 is none", e.Fields())
	}
	b.apply(t, windows.Delta{Add: []windows.FieldCount{
		{Field: field(5), N: -42}, {Field: folded, N: -3}, {Field: tally, N: -big - 1}, {Field: field(7), N: 2},
	}})
	wantCounts(t, b.entity(t), map[string]int64{})
}

// largeCounts: sums are exact to the last of 64 bits, whatever a store's own numbers are.
func largeCounts(t *testing.T, b *bench) {
	steps := [][]int64{
		{999_999_999_999_999, 1, 999_999_999_999_999, -1_999_999_999_999_998, -1},
		{1 << 53, 1, 1, 1 << 60, -1},
		{math.MaxInt64 - 1, 1, -1, math.MinInt64 + 2},
		{math.MinInt64 + 1, -1, math.MaxInt64, 2, -3},
		{4_000_000_000, -4_000_000_001, 1_000_000_001, -999_999_999, -2},
		{-9_007_199_254_740_993, 9_007_199_254_740_995, -2},
		{1_000_000_000_000_000_000, -1, -999_999_999_000_000_000},
	}
	sums := make([]int64, len(steps))
	for i := range 5 {
		var d windows.Delta
		want := map[string]int64{}
		for pane, step := range steps {
			f := field(int64(pane))
			if i < len(step) {
				d.Add = append(d.Add, windows.FieldCount{Field: f, N: step[i]})
				sums[pane] += step[i]
			}
			if sums[pane] != 0 {
				want[f.String()] = sums[pane]
			}
		}
		b.apply(t, d)
		wantCounts(t, b.entity(t), want)
	}
}

func drop(t *testing.T, b *bench) {
	b.apply(
		t,
		windows.Delta{Add: []windows.FieldCount{{Field: field(1), N: 1}, {Field: field(2), N: 1}}},
		windows.Delta{
			Add:  []windows.FieldCount{{Field: field(1), N: 1}, {Field: field(3), N: 1}},
			Drop: []windows.Field{field(1), field(9)},
		},
	)
	wantCounts(t, b.entity(t), map[string]int64{field(2).String(): 1, field(3).String(): 1})
	b.apply(t, adds(1, 7))
	wantCounts(t, b.entity(t), map[string]int64{field(1).String(): 7, field(2).String(): 1, field(3).String(): 1})
}

func members(t *testing.T, b *bench) {
	x, y, z := windows.NewSub("x"), windows.NewSub("y"), windows.NewSub("z")
	b.apply(
		t,
		windows.Delta{Seen: []windows.Member{{Sub: x, UnixMilli: 1_000}, {Sub: y, UnixMilli: -5}, {Sub: z, UnixMilli: 9}}},
		windows.Delta{Seen: []windows.Member{{Sub: x, UnixMilli: 999}, {Sub: y, UnixMilli: 20}}, Forget: []windows.Sub{z}},
		windows.Delta{Seen: []windows.Member{{Sub: x, UnixMilli: 20_000}, {Sub: y, UnixMilli: 3}}},
	)
	wantMembers(t, b.entity(t), map[windows.Sub]int64{x: 20_000, y: 20})
	b.apply(t, windows.Delta{Forget: []windows.Sub{x, y, z}})
	wantMembers(t, b.entity(t), map[windows.Sub]int64{})
	b.apply(t, windows.Delta{Seen: []windows.Member{{Sub: y, UnixMilli: -7}}})
	wantMembers(t, b.entity(t), map[windows.Sub]int64{y: -7})
}

func wantMembers(t *testing.T, e *windows.Entity, want map[windows.Sub]int64) {
	t.Helper()
	if e.Members() != len(want) {
		t.Errorf("%d members, want %d", e.Members(), len(want))
	}
	for sub, ms := range want {
		if at, ok := e.Seen(sub); !ok || at.UnixMilli() != ms {
			t.Errorf("member %s was seen at %d (%v), want %d", sub, at.UnixMilli(), ok, ms)
		}
	}
}

func forgottenThenSeen(t *testing.T, b *bench) {
	x := windows.NewSub("x")
	b.apply(
		t,
		windows.Delta{Seen: []windows.Member{{Sub: x, UnixMilli: 5_000}}},
		windows.Delta{Seen: []windows.Member{{Sub: x, UnixMilli: 70}}, Forget: []windows.Sub{x}},
	)
	wantMembers(t, b.entity(t), map[windows.Sub]int64{x: 70})
}

func first(t *testing.T, b *bench) {
	at := func(ms int64, partition int, offset int64) windows.First {
		source := windows.Source{Topic: "shipments", Partition: partition}
		return windows.First{Time: time.UnixMilli(ms).UTC(), At: windows.Coordinates{Source: source, Offset: offset}}
	}
	upper := at(-200, 0, 5)
	upper.At.Source.Topic = "Shipments" // before lower case by bytes, behind it in many locales
	ordered := []windows.First{
		upper, at(-200, 0, 5), at(-200, 0, 6), at(-200, 1, 2), at(-200, 12, 1), at(-200, 2, 1), at(-3, 0, 1), at(9, 0, 0),
		at(10, 0, 0), at(1_774_000_000_123, 0, 4),
	}
	for round := range 6 {
		b.key = windows.NewKey("sender", fmt.Sprint("S-", round))
		var best windows.First
		for _, i := range rand.New(rand.NewPCG(1, uint64(round))).Perm(len(ordered)) {
			b.apply(t, windows.Delta{First: ordered[i]}, windows.Delta{Events: 1})
			if ordered[i].Before(best) {
				best = ordered[i]
			}
			if got := b.entity(t).First(); got != best {
				t.Fatalf("after %v the first is %v, want %v", ordered[i], got, best)
			}
		}
		if best != upper {
			t.Fatalf("the first of all is %v, want %v", best, upper)
		}
	}
}

func note(t *testing.T, b *bench) {
	strange := "v1 {\"x\":\"\u1e68, \x00 \r\n\"} " + strings.Repeat("n", 300)
	for _, step := range []struct {
		delta windows.Delta
		want  string
	}{
		{windows.Delta{Events: 1}, ""},
		{windows.Delta{SetNote: true, Note: "a"}, "a"},
		{windows.Delta{Note: "not set"}, "a"},
		{windows.Delta{SetNote: true, Note: strange}, strange},
		{windows.Delta{SetNote: true}, ""},
		{windows.Delta{SetNote: true}, ""},
		{windows.Delta{SetNote: true, Note: "="}, "="},
	} {
		b.apply(t, step.delta)
		if got := b.entity(t).Note(); got != step.want {
			t.Errorf("the note is %q, want %q", got, step.want)
		}
	}
}

func eventsTotal(t *testing.T, b *bench) {
	second := windows.Source{Topic: "shipments", Partition: 1}
	b.begin(t, b.source, windows.NoOffset)
	b.begin(t, second, windows.NoOffset)
	d := windows.Delta{Key: b.key, Events: 3}
	wantStatus(t, b.try(t, b.source, windows.NoOffset, 2, d), windows.Applied, 3)
	wantStatus(t, b.try(t, second, windows.NoOffset, 2, d), windows.Applied, 6)
	wantStatus(t, b.try(t, b.source, windows.NoOffset, 2, d), windows.Already, 6)
	wantStatus(t, b.try(t, b.source, 2, 3, windows.Delta{Key: b.key}), windows.Applied, 6)
	if n := b.entity(t).Events(); n != 6 {
		t.Errorf("%d events, want 6", n)
	}
}

func copies(t *testing.T, b *bench) {
	x, y := windows.NewSub("x"), windows.NewSub("y")
	seen := []windows.Member{{Sub: x, UnixMilli: 1}}
	add := []windows.FieldCount{{Field: field(1), N: 1}}
	b.apply(t, windows.Delta{Add: add, Seen: seen, SetNote: true, Note: "kept"})
	seen[0], add[0] = windows.Member{Sub: y, UnixMilli: 2}, windows.FieldCount{Field: field(2), N: 2}

	e := b.entity(t)
	r := windows.Resolution{Name: 'h', Slide: time.Hour, Keep: 10}
	e.Settle(windows.Ladder{r})
	e.Add('i', r, windows.Sub{}, r.Start(1), 100)
	e.Fold('i', windows.Sub{})
	e.Saw(x, noon)
	e.Saw(y, noon)
	e.SetNote("changed")
	e.CountEvent(windows.First{Time: noon})
	e.TakeDelta()

	again := b.entity(t)
	wantCounts(t, again, map[string]int64{field(1).String(): 1})
	wantMembers(t, again, map[windows.Sub]int64{x: 1})
	if again.Note() != "kept" || again.Events() != 0 || !again.First().IsZero() || again.Dirty() {
		t.Errorf("changes to a loaded entity came back: %+v", again)
	}
}

// everything sends three deltas with all that a delta can have in one update, so that none is read into the next.
func everything(t *testing.T, b *bench) {
	x, y, z := windows.NewSub("x"), windows.NewSub("y"), windows.NewSub("z")
	bucket := b.key.Bucket()
	var keys []windows.Key
	for i := 0; len(keys) < 3; i++ {
		if key := windows.NewKey("sender", fmt.Sprint("E-", i)); key.Bucket() == bucket {
			keys = append(keys, key)
		}
	}
	b.begin(t, b.source, windows.NoOffset)
	for round := range int64(2) {
		u := windows.Update{Bucket: bucket, Expected: at(round - 1), New: at(round)}
		for i, key := range keys {
			n := int64(i + 1)
			u.Deltas = append(u.Deltas, windows.Delta{
				Key:     key,
				Add:     []windows.FieldCount{{Field: field(round), N: n}, {Field: field(7), N: n}},
				Drop:    []windows.Field{field(round - 1), field(-9)},
				Seen:    []windows.Member{{Sub: x, UnixMilli: n - round}, {Sub: y, UnixMilli: n - round}},
				Forget:  []windows.Sub{y, z},
				First:   windows.First{Time: noon.Add(time.Duration(n-round) * time.Second)},
				SetNote: true, Note: fmt.Sprint("note ", n, round),
				Events: 10 * n,
			})
		}
		r, err := b.store.Apply(t.Context(), b.source, []windows.Update{u})
		if err != nil {
			t.Fatal(err)
		}
		total := 10 * (round + 1)
		wantStatus(t, r[0], windows.Applied, total, 2*total, 3*total)
	}
	for i, key := range keys {
		n := int64(i + 1)
		e := b.load(t, b.source, key).Entity
		wantCounts(t, e, map[string]int64{field(1).String(): n, field(7).String(): 2 * n})
		wantMembers(t, e, map[windows.Sub]int64{x: n, y: n - 1})
		if want := noon.Add(time.Duration(n-1) * time.Second); !e.First().Time.Equal(want) {
			t.Errorf("%v: the first is %v, want %v", key, e.First().Time, want)
		}
		if want := fmt.Sprint("note ", n, 1); e.Note() != want || e.Events() != 20*n {
			t.Errorf("%v: note %q and %d events, want %q and %d", key, e.Note(), e.Events(), want, 20*n)
		}
	}
}

func ids(t *testing.T, b *bench) {
	b.begin(t, b.source, windows.NoOffset)
	kinds := []windows.Kind{"sender", "fence", "lane"}
	keys := []windows.Key{}
	for _, kind := range kinds {
		for _, id := range []string{
			"a:b:c", "Nguyễn-Văn-Ân", "*?[x]\\", "\xff\xfe", "0", strings.Repeat("x", 40), strings.Repeat("é", 20),
			strings.Repeat("x", 41), "two words", "{0}", "a}b", "", "tab\there", "\x00",
		} {
			keys = append(keys, windows.NewKey(kind, id))
		}
		keys = append(keys, windows.NewKey(kind, "VN", "DE"), windows.NewKey(kind, "DE", "VN"))
	}
	for i, key := range keys {
		b.key = key
		d := adds(1, int64(i+1))
		d.Key = key
		at := b.load(t, b.source, key).Fence.Offset
		wantStatus(t, b.try(t, b.source, at, at+1, d), windows.Applied, 1)
	}
	loaded, err := b.store.Load(t.Context(), b.source, keys)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range loaded {
		if l.Entity.Key != keys[i] {
			t.Fatalf("load answers in the wrong order: %v at the place of %v", l.Entity.Key, keys[i])
		}
		wantCounts(t, l.Entity, map[string]int64{field(1).String(): int64(i + 1)})
	}
}

// many sends more than fits a stack of Lua: an entity of 2,500 counts and as many members, and 2,000 entities.
func many(t *testing.T, b *bench) {
	const n = 2500
	var d windows.Delta
	for i := range int64(n) {
		d.Add = append(d.Add, windows.FieldCount{Field: field(i), N: i + 1})
		d.Seen = append(d.Seen, windows.Member{Sub: windows.NewSub(fmt.Sprint(i)), UnixMilli: i})
	}
	gone := windows.Delta{}
	for i := range int64(n) {
		if i%2 == 0 {
			gone.Drop = append(gone.Drop, field(i))
			gone.Forget = append(gone.Forget, windows.NewSub(fmt.Sprint(i)))
		}
	}
	b.apply(t, d, d, gone)
	e := b.entity(t)
	if e.Fields() != n {
		t.Errorf("%d fields, want %d", e.Fields(), n)
	}
	var sum int64
	for _, c := range e.Counts() {
		sum += c.N
	}
	if want := int64(2 * (n/2 + 1) * (n / 2)); sum != want { // 2 · (2 + 4 + … + n)
		t.Errorf("the counts add up to %d, want %d", sum, want)
	}

	from := b.load(t, b.source, b.key).Fence
	bucket := b.key.Bucket()
	u := windows.Update{Bucket: bucket, Expected: from, New: at(from.Offset + 1)}
	var keys []windows.Key
	for i := 0; len(keys) < 2000; i++ {
		if key := windows.NewKey("crowd", fmt.Sprint(i)); key.Bucket() == bucket {
			d := adds(int64(i), 1)
			d.Key = key
			keys, u.Deltas = append(keys, key), append(u.Deltas, d)
		}
	}
	r, err := b.store.Apply(t.Context(), b.source, []windows.Update{u})
	if err != nil {
		t.Fatal(err)
	}
	if r[0].Status != windows.Applied || len(r[0].Events) != len(keys) {
		t.Fatalf("%v with %d totals, want applied with %d", r[0].Status, len(r[0].Events), len(keys))
	}
	loaded, err := b.store.Load(t.Context(), b.source, keys)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range loaded {
		if l.Entity.Events() != 1 || l.Entity.Fields() != 1 || r[0].Events[i] != 1 {
			t.Fatalf("%v holds %v of %d events", keys[i], l.Entity.Counts(), l.Entity.Events())
		}
	}
}

// commute applies the same deltas of three partitions in several orders.
func commute(t *testing.T, b *bench) {
	x, y := windows.NewSub("x"), windows.NewSub("y")
	deltas := []windows.Delta{
		{Add: []windows.FieldCount{{Field: field(1), N: 3}, {Field: field(2), N: -1}}, Events: 1, Seen: []windows.Member{{Sub: x, UnixMilli: 5}}},
		{Add: []windows.FieldCount{{Field: field(1), N: -3}, {Field: field(2), N: 2}}, Events: 2, Seen: []windows.Member{{Sub: x, UnixMilli: 4}}},
		{Add: []windows.FieldCount{{Field: field(2), N: 5}}, Events: 4, Seen: []windows.Member{{Sub: y, UnixMilli: 1}}},
	}
	for i := range deltas {
		at := windows.Coordinates{Source: windows.Source{Topic: "shipments", Partition: i}}
		deltas[i].First = windows.First{Time: noon, At: at}
		b.begin(t, at.Source, windows.NoOffset)
	}
	for round, order := range [][3]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		key := windows.NewKey("sender", fmt.Sprint("S-", round))
		for _, p := range order {
			d := deltas[p]
			d.Key = key
			source := d.First.At.Source
			at := b.load(t, source, key).Fence.Offset
			if r := b.try(t, source, at, at+1, d); r.Status != windows.Applied {
				t.Fatalf("order %v: %v", order, r.Status)
			}
		}
		e := b.load(t, b.source, key).Entity
		wantCounts(t, e, map[string]int64{field(2).String(): 6})
		wantMembers(t, e, map[windows.Sub]int64{x: 5, y: 1})
		if e.Events() != 7 || e.First() != deltas[0].First {
			t.Errorf("order %v: %d events, first %v", order, e.Events(), e.First())
		}
	}
}
