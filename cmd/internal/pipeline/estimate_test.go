package pipeline

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/memstore"
)

// TestWorkingSetEstimate holds what the working set takes its entities for against what the heap grows by, for
// entities of all sizes, as they stay in memory after a flush and as they come from a store.
func TestWorkingSetEstimate(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector needs memory of its own: not with -short")
	}
	for _, shape := range []struct {
		name     string
		entities int
		parcels  int           // of each
		every    time.Duration // between two
		places   int
		others   int
	}{
		{"a parcel", 3000, 1, time.Hour, 1, 1},
		{"three parcels", 2000, 3, 30 * time.Hour, 2, 2},
		{"a month of a parcel a day", 300, 30, 24 * time.Hour, 3, 10},
		{"two hundred parcels in a day, always the same", 100, 200, 6 * time.Minute, 1, 1},
		{"a hundred places and recipients", 20, 400, 3 * time.Hour, 100, 100},
		{"a hundred places, full of recipients", 20, 600, 2 * time.Hour, 100, 600},
		{"an open incident", 300, 12, time.Minute, 1, 12},
	} {
		t.Run(shape.name, func(t *testing.T) {
			for _, from := range []string{"kept", "loaded"} {
				var kept *workingSet
				grown := heapGrowth(func() {
					kept = newWorkingSet(1 << 40)
					for n := range shape.entities {
						subject := estimated(fmt.Sprintf("sender-of-forty-characters-like-%08d", n), shape.parcels, shape.every, shape.places, shape.others, from)
						kept.add(&entry{key: subject.Entity.Key, subject: subject})
					}
				})
				grown -= int64(shape.entities) * int64(unsafe.Sizeof(room{})) // theirs, beside the subjects made here
				ratio := float64(kept.bytes) / float64(grown)
				t.Logf("%s: %d bytes each by estimate, %d in the heap: %.2f", from,
					kept.bytes/int64(shape.entities), grown/int64(shape.entities), ratio)
				if ratio < .8 || ratio > 1.25 {
					t.Errorf("%s: the estimate is %.2f of what the heap grew by", from, ratio)
				}
			}
		})
	}
}

// heapGrowth is by how much what is reachable grows.
func heapGrowth(do func()) int64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&before)
	do()
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return int64(after.HeapAlloc) - int64(before.HeapAlloc)
}

// estimateLadder has the resolutions that are shipped.
var estimateLadder = windows.Ladder{
	{Name: 'h', Slide: time.Hour, Keep: 50}, {Name: 'd', Slide: 24 * time.Hour, Keep: 120}, {Name: 'm', Slide: 720 * time.Hour, Keep: 12},
}

func estimated(id string, parcels int, every time.Duration, places, others int, from string) *detector.Subject {
	set := smallSet(func(s *detector.Settings) {
		count := func(window time.Duration) *detector.CountSettings {
			return &detector.CountSettings{Window: window, Threshold: 3.7}
		}
		s.Ladder, s.MaxFields = estimateLadder, 512
		s.Burst, s.Surge, s.Fanout = count(6*time.Hour), count(14*24*time.Hour), count(6*time.Hour)
		s.Route = (*detector.RouteSettings)(count(24 * time.Hour))
		s.SlowRoute = (*detector.RouteSettings)(count(14 * 24 * time.Hour))
		s.Limit.Shipments = 8
		s.Alerts.Cooldown = 0
	})
	profile, sums := set.NewProfile(0), detector.NewSums()
	subject, _ := detector.NewSubject(windows.NewEntity(windows.NewKey(detector.KindSender, id)))
	for i := range parcels {
		set.Observe(&detector.Event{
			ID: fmt.Sprint("event-", i), Item: fmt.Sprint("CA00000000", i), Sender: detector.Sender(id),
			Recipient: detector.Recipient(fmt.Sprint("r", i%others)), Destination: detector.Place(fmt.Sprint("p", i%places)),
			Time: simEpoch.Add(time.Duration(i) * every), At: windows.Coordinates{Source: windows.Source{Topic: "shipments"}, Offset: int64(i)},
		}, detector.Subjects{Sender: subject}, profile, sums)
		if i%5 == 4 && from == "kept" {
			subject.TakeDelta()
		}
	}
	subject.Release()
	d := subject.TakeDelta()
	if from == "kept" {
		return subject
	}
	return reloaded(&d)
}

// reloaded is the entity after a way through a store.
func reloaded(d *windows.Delta) *detector.Subject {
	ctx, store, source := context.Background(), memstore.New(), windows.Source{Topic: "shipments"}
	_ = store.Begin(ctx, source, windows.Fence{Offset: windows.NoOffset})
	_, _ = store.Apply(ctx, source, []windows.Update{{
		Bucket: d.Key.Bucket(), Expected: windows.Fence{Offset: windows.NoOffset}, Deltas: []windows.Delta{*d},
	}})
	loaded, _ := store.Load(ctx, source, []windows.Key{d.Key})
	loaded[0].Entity.Settle(estimateLadder)
	subject, _ := detector.NewSubject(loaded[0].Entity)
	return subject
}
