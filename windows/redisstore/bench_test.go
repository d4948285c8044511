package redisstore_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/redisstore"
	"github.com/redis/go-redis/v9"
)

// benchServer is the real Redis if there is one: miniredis says nothing about Redis, only about this side.
func benchServer(b *testing.B) (string, redis.UniversalClient) {
	if address := os.Getenv("PARCELSENTRY_TEST_REDIS"); address != "" {
		return "redis", single(b, address)
	}
	return "miniredis", single(b, miniredis.RunT(b).Addr())
}

// flush makes updates of n entities, two counts each, for the fence to go from one offset to the next.
func flush(n int, expected int64) []windows.Update {
	var buckets [windows.Buckets][]windows.Delta
	for i := range n {
		key := windows.NewKey("sender", fmt.Sprint("S-", i))
		day := items
		day.Resolution = 'd'
		buckets[key.Bucket()] = append(buckets[key.Bucket()], windows.Delta{
			Key: key, Events: 1, Add: []windows.FieldCount{{Field: items, N: 1}, {Field: day, N: 1}},
		})
	}
	var updates []windows.Update
	for b, deltas := range buckets {
		if deltas != nil {
			updates = append(updates, windows.Update{
				Bucket: b, Expected: windows.Fence{Offset: expected}, New: windows.Fence{Offset: expected + 1}, Deltas: deltas,
			})
		}
	}
	return updates
}

// goOn makes each delta one for the entity that the same delta made before.
func goOn(b *testing.B, updates []windows.Update) {
	for i := range updates {
		for j := range updates[i].Deltas {
			d := &updates[i].Deltas[j]
			packed, err := windows.Merge(d.Packed, d)
			if err != nil {
				b.Fatal(err)
			}
			d.Base, d.Packed = windows.VersionOf(d.Packed), packed
		}
	}
}

func benchApply(b *testing.B, store *redisstore.Store, updates []windows.Update) {
	results, err := store.Apply(b.Context(), source, updates)
	if err != nil {
		b.Fatal(err)
	}
	for i, r := range results {
		if r.Status != windows.Applied {
			b.Fatal(r.Status)
		}
		updates[i].Expected.Offset++
		updates[i].New.Offset++
	}
}

func BenchmarkApply(b *testing.B) {
	server, client := benchServer(b)
	for _, n := range []int{1_000, 20_000} {
		b.Run(fmt.Sprintf("%s/entities=%d", server, n), func(b *testing.B) {
			store, _ := newStore(b, client)
			begin(b, store)
			updates := flush(n, windows.NoOffset)
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				goOn(b, updates)
				b.StartTimer()
				benchApply(b, store, updates)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/entity")
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	server, client := benchServer(b)
	for _, n := range []int{1_000, 20_000} {
		b.Run(fmt.Sprintf("%s/entities=%d", server, n), func(b *testing.B) {
			store, _ := newStore(b, client)
			begin(b, store)
			updates := flush(n, windows.NoOffset)
			benchApply(b, store, updates)
			var keys []windows.Key
			for _, u := range updates {
				for _, d := range u.Deltas {
					keys = append(keys, d.Key)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := store.Load(b.Context(), source, keys); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/entity")
		})
	}
}
