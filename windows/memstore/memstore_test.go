package memstore_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/memstore"
	"github.com/parcelsentry/parcelsentry/windows/windowstest"
)

func TestContract(t *testing.T) {
	windowstest.Run(t, func(*testing.T) windows.Store { return memstore.New() })
}

// TestStorms adds what only this store can play: parts of it fall back to an older state, counts and fences.
func TestStorms(t *testing.T) {
	seeds := 300
	if testing.Short() {
		seeds = 30
	}
	for seed := range seeds {
		store := memstore.New()
		var snapshots []func(func(int) bool)
		windowstest.Storm(t, store, uint64(seed), func(r *rand.Rand) {
			if len(snapshots) == 0 || r.IntN(3) > 0 {
				snapshots = append(snapshots, store.Snapshot())
				return
			}
			shard := r.IntN(4)
			snapshots[r.IntN(len(snapshots))](func(bucket int) bool { return bucket%4 == shard })
		})
	}
}

func TestKeys(t *testing.T) {
	store := memstore.New()
	source := windows.Source{Topic: "shipments"}
	if err := store.Begin(t.Context(), source, windows.Fence{Offset: windows.NoOffset}); err != nil {
		t.Fatal(err)
	}
	want := []windows.Key{windows.NewKey("lane", "z"), windows.NewKey("sender", "a"), windows.NewKey("sender", "b")}
	for _, i := range []int{2, 0, 1} {
		update := windows.Update{Bucket: want[i].Bucket(), Expected: windows.Fence{Offset: windows.NoOffset}, Deltas: []windows.Delta{{Key: want[i], Events: 1}}}
		if _, err := store.Apply(t.Context(), source, []windows.Update{update}); err != nil {
			t.Fatal(err)
		}
	}
	if got := store.Keys(); !slices.Equal(got, want) {
		t.Errorf("keys %v, want %v", got, want)
	}
}

// BenchmarkApply shows that an update costs its delta, not what the entity holds.
func BenchmarkApply(b *testing.B) {
	for _, fields := range []int64{2, 500} {
		b.Run(fmt.Sprintf("fields=%d", fields), func(b *testing.B) {
			store, source, key := memstore.New(), windows.Source{Topic: "shipments"}, windows.NewKey("sender", "S-1")
			if err := store.Begin(b.Context(), source, windows.Fence{Offset: 0}); err != nil {
				b.Fatal(err)
			}
			field := func(pane int64) windows.Field {
				return windows.Field{Series: windows.Series{Measure: 'i', Resolution: 'h'}, Pane: pane}
			}
			offset := int64(0)
			apply := func(add ...windows.FieldCount) {
				update := windows.Update{
					Bucket: key.Bucket(), Expected: windows.Fence{Offset: offset}, New: windows.Fence{Offset: offset + 1},
					Deltas: []windows.Delta{{Key: key, Add: add, Events: 1}},
				}
				offset++
				r, err := store.Apply(b.Context(), source, []windows.Update{update})
				if err != nil || r[0].Status != windows.Applied {
					b.Fatal(r, err)
				}
			}
			for i := range fields {
				apply(windows.FieldCount{Field: field(i), N: 1})
			}
			b.ReportAllocs()
			for b.Loop() {
				apply(windows.FieldCount{Field: field(fields - 1), N: 1}, windows.FieldCount{Field: field(fields - 2), N: 1})
			}
		})
	}
}
