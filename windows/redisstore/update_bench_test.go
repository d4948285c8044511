package redisstore_test

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/redis/go-redis/v9"
)

// hours gives n counts of 1 in consecutive panes of a series.
func hours(m windows.Measure, resolution byte, sub string, from, n int64) []windows.FieldCount {
	f := windows.Field{Series: windows.Series{Measure: m, Resolution: resolution}}
	if sub != "" {
		f.Sub = windows.NewSub(sub)
	}
	var all []windows.FieldCount
	for f.Pane = from; f.Pane < from+n; f.Pane++ {
		all = append(all, windows.FieldCount{Field: f, N: 1})
	}
	return all
}

// seen gives n members from number from on.
func seen(from, n int) []windows.Member {
	var all []windows.Member
	for i := from; i < from+n; i++ {
		all = append(all, windows.Member{Sub: windows.NewSub(fmt.Sprint("R-", i)), UnixMilli: 1_774_785_600_007 + int64(i)})
	}
	return all
}

func at(offset int64) windows.First {
	return windows.First{
		Time: time.UnixMilli(1_774_785_600_007),
		At:   windows.Coordinates{Source: windows.Source{Topic: "shipments", Partition: 7}, Offset: offset},
	}
}

func concat(all ...[]windows.FieldCount) []windows.FieldCount {
	var sum []windows.FieldCount
	for _, a := range all {
		sum = append(sum, a...)
	}
	return sum
}

// history is what a sender of some weeks holds.
func history() windows.Delta {
	return windows.Delta{
		Add: concat(
			hours('i', 'h', "", 493_000, 10), hours('i', 'd', "", 20_540, 10), hours('p', 'd', "HAN", 20_540, 4),
			hours('r', 'd', "", 20_540, 3), hours('w', windows.AllTime, "", 0, 3),
		),
		Seen: seen(0, 8), First: at(3), Events: 30,
	}
}

// updateShapes are deltas of real use: what was there before, if anything, and what is added to it.
var updateShapes = []struct {
	name          string
	before, after windows.Delta
}{
	{name: "new recipient", after: windows.Delta{
		Add:  concat(hours('i', 'h', "", 493_000, 1), hours('i', 'd', "", 20_541, 1), hours('f', 'h', "", 493_000, 1), hours('f', 'd', "", 20_541, 1)),
		Seen: seen(0, 1), First: at(3), Events: 1,
	}},
	{name: "new sender", after: windows.Delta{
		Add: concat(
			hours('i', 'h', "", 493_000, 1), hours('i', 'd', "", 20_541, 1), hours('f', 'h', "", 493_000, 1), hours('f', 'd', "", 20_541, 1),
			hours('p', 'd', "HAN", 20_541, 1), hours('p', 'h', "HAN", 493_000, 1), hours('r', 'd', "", 20_541, 1),
			hours('w', windows.AllTime, "", 0, 4), hours('v', windows.AllTime, "", 0, 3),
		),
		Seen: seen(0, 2), First: at(3), Events: 1,
	}},
	{name: "plain sender", before: windows.Delta{Add: hours('i', 'h', "", 493_000, 3), First: at(3), Events: 3}, after: windows.Delta{
		Add: hours('i', 'h', "", 493_002, 2), Events: 2,
	}},
	{name: "busy plain sender", before: windows.Delta{Add: hours('i', 'h', "", 493_000, 3), Seen: seen(0, 8), First: at(3), Events: 30}, after: windows.Delta{
		Add: hours('i', 'h', "", 493_002, 3), Seen: seen(4, 8), Events: 8,
	}},
	{name: "known sender", before: history(), after: windows.Delta{
		Add: concat(
			hours('i', 'h', "", 493_009, 2), hours('i', 'd', "", 20_549, 2), hours('p', 'd', "HAN", 20_543, 2),
			hours('r', 'd', "", 20_542, 1), hours('w', windows.AllTime, "", 0, 3),
		),
		Seen: seen(6, 4), Drop: []windows.Field{{Series: items.Series, Pane: 493_000}}, Events: 3,
	}},
	{name: "noted sender", before: history(), after: windows.Delta{
		Add:  concat(hours('i', 'h', "", 493_009, 2), hours('i', 'd', "", 20_549, 2), hours('w', windows.AllTime, "", 0, 3)),
		Seen: seen(6, 1), SetNote: true, Note: strings.Repeat("note", 500), Events: 3,
	}},
}

// onto is a delta with the entity that it makes of another delta's, as who knows that sends it.
func onto(b *testing.B, before, d windows.Delta) windows.Delta {
	b.Helper()
	held, err := windows.Merge(nil, &before)
	if err != nil {
		b.Fatal(err)
	}
	if d.Packed, err = windows.Merge(held, &d); err != nil {
		b.Fatal(err)
	}
	d.Base = windows.VersionOf(held)
	return d
}

// spread makes updates of n entities in the first buckets, all with the same delta, for the fence to go from one offset
// to the next.
func spread(round string, n, buckets int, expected int64, d windows.Delta) []windows.Update {
	updates := make([]windows.Update, buckets)
	for b := range updates {
		updates[b] = windows.Update{
			Bucket: b, Expected: stamped(expected), New: stamped(expected + 1),
		}
	}
	for i := 0; n > 0; i++ {
		d.Key = windows.NewKey("sender", round+strconv.Itoa(i))
		if b := d.Key.Bucket(); b < buckets {
			updates[b].Deltas = append(updates[b].Deltas, d)
			n--
		}
	}
	return updates
}

// stamped is a fence with a time and a writer, as a worker's are.
func stamped(offset int64) windows.Fence {
	return windows.Fence{Offset: offset, Time: time.UnixMilli(1_774_785_600_007), Writer: 0x5ca1_ab1e_5ca1_ab1e}
}

// serverCPU is the processor time that a Redis server has used; 0 if it does not tell.
func serverCPU(b *testing.B, c redis.UniversalClient) time.Duration {
	var total time.Duration
	for line := range strings.Lines(c.Info(context.Background(), "cpu").Val()) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_user" || name == "used_cpu_sys" {
			seconds, err := strconv.ParseFloat(value, 64)
			if err != nil {
				b.Fatal(err)
			}
			total += time.Duration(seconds * 1e9)
		}
	}
	return total
}

// BenchmarkUpdate is what an update of an entity costs: on this side, and in Redis in processor time, in the round that was
// least disturbed.
func BenchmarkUpdate(b *testing.B) {
	const n, buckets = 1000, 50
	server, client := benchServer(b)
	for _, shape := range updateShapes {
		b.Run(server+"/"+strings.ReplaceAll(shape.name, " ", "-"), func(b *testing.B) {
			store, _ := newStore(b, client)
			if err := store.Begin(b.Context(), source, stamped(windows.NoOffset)); err != nil {
				b.Fatal(err)
			}
			offset, round, least := windows.NoOffset, 0, time.Duration(math.MaxInt64)
			before, after := onto(b, windows.Delta{}, shape.before), onto(b, shape.before, shape.after)
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				ids := fmt.Sprintf("S-%d-", round)
				round++
				if shape.before.Events > 0 {
					benchApply(b, store, spread(ids, n, buckets, offset, before))
					offset++
				}
				updates := spread(ids, n, buckets, offset, after)
				offset++
				used := serverCPU(b, client)
				b.StartTimer()
				benchApply(b, store, updates)
				b.StopTimer()
				least = min(least, serverCPU(b, client)-used)
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/entity")
			b.ReportMetric(float64(least.Nanoseconds())/n, "redis-ns/entity")
		})
	}
}
