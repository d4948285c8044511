package app_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/parcelsentry/parcelsentry/cmd/internal/app"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/config"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/memstore"
	"github.com/parcelsentry/parcelsentry/windows/redisstore"
)

var manySenders = flag.Int64("senders", 0, "distinct senders of TestManySenders, in a Redis of its own; `make limits` takes 10 million")

// TestManySenders sends far more senders through a worker than its working set holds, some of them again after they
// were evicted, and then looks at each of them. With -senders the store is another process, and what this one takes of
// memory must not grow once the working set is full.
func TestManySenders(t *testing.T) {
	c := config.Default()
	log := &manyLog{senders: 20_000, again: 5_000}
	c.Windows.WorkingSet = 4 << 20
	var store windows.Store = memstore.New()
	if *manySenders > 0 {
		log = &manyLog{senders: *manySenders, again: min(200_000, *manySenders/4), memory: t.Logf}
		c.Windows.WorkingSet = 64 << 20
		store = redisstore.New(ownRedis(t), redisstore.Options{Layout: "many"})
	}
	set, err := app.NewSet(&c)
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	worker := pipeline.NewWorker(pipeline.Options{
		Set: set, Decoder: manyDecoder{}, Topic: "shipments", Metrics: pipeline.NewMetrics(registry, set.Rules()),
		Limits: pipeline.Limits{
			FlushEvents: c.Redis.FlushEvents, FlushInterval: time.Duration(c.Redis.FlushInterval), MaxUnflushed: c.Redis.MaxUnflushed,
			CommitInterval: time.Second, CheckpointInterval: time.Minute, WorkingSet: int64(c.Windows.WorkingSet),
		},
	})
	log.gauges = registry
	began := time.Now()
	err = pipeline.Run(t.Context(), worker, pipeline.IO{
		Source: log, Store: store, Sink: nowhere{}, Profiles: pipeline.NewProfileChain(set), Grace: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d events of %d senders in %v", log.next, log.senders, time.Since(began).Round(time.Second))
	// A batch may fill it beyond its bound before it is shrunk.
	if limit := int64(c.Windows.WorkingSet) + 8<<20; log.largest > limit {
		t.Errorf("the working set took %d bytes, its bound is %d", log.largest, c.Windows.WorkingSet)
	}
	log.checkGrowth(t)
	wantEverySender(t, store, log, set.Ladder()[:2]) // the third keeps places alone
}

// wantEverySender compares each sender's counts with how often the log has it.
func wantEverySender(t *testing.T, store windows.Store, log *manyLog, ladder windows.Ladder) {
	t.Helper()
	var seen, wrong int64
	check := func(e *windows.Entity) error {
		seen++
		i, err := strconv.ParseInt(strings.TrimPrefix(e.Key.ID, "S-"), 10, 64)
		want := log.count(i)
		for _, r := range ladder {
			if got := e.Sum('i', r, windows.Sub{}, -1<<40, 1<<40); err != nil || got != want || e.Events() != want {
				if wrong++; wrong <= 5 {
					t.Errorf("%s: %d events, %d by the %c, want %d", e.Key.ID, e.Events(), got, r.Name, want)
				}
			}
		}
		return nil
	}
	switch s := store.(type) {
	case *redisstore.Store:
		if err := s.Scan(t.Context(), detector.KindSender, check); err != nil {
			t.Fatal(err)
		}
	case *memstore.Store:
		loaded, _ := s.Load(t.Context(), windows.Source{}, s.Keys())
		for _, l := range loaded {
			_ = check(l.Entity)
		}
	}
	t.Logf("%d senders looked at, %d wrong", seen, wrong)
	if seen < log.senders { // a scan may show one twice
		t.Errorf("%d senders stored, want %d", seen, log.senders)
	}
}

// manyLog is a partition of made-up records: at step i sender i sends a parcel, and those that send two or three send
// again at once, and so many steps later.
type manyLog struct {
	senders, again int64
	gauges         *prometheus.Registry
	memory         func(string, ...any) // nil: no look at it

	step, next int64 // of the last record given
	largest    int64
	shown      int64
	resident   []int64
}

// count is how often the sender occurs.
func (l *manyLog) count(i int64) int64 { return i%3 + 1 }

// manyFetch is how many steps a fetch gives.
const manyFetch = 1000

// Fetch implements pipeline.Source. A worker that goes back is not expected, nor given anything.
func (l *manyLog) Fetch(_ context.Context, offset int64) (pipeline.Batch, error) {
	if offset != l.next {
		return pipeline.Batch{}, fmt.Errorf("record %d is asked for, not %d", offset, l.next)
	}
	b := pipeline.Batch{Next: offset}
	add := func(i int64) {
		at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC).Add(time.Duration(l.step) * 100 * time.Microsecond).Truncate(time.Millisecond)
		b.Records = append(b.Records, pipeline.Record{Offset: b.Next, Time: at, Value: strconv.AppendInt([]byte("S-"), i, 10)})
		b.Next++
	}
	for range manyFetch {
		if i := l.step; i < l.senders {
			add(i)
			if l.count(i) > 1 {
				add(i)
			}
		}
		if i := l.step - l.again; i >= 0 && i < l.senders && l.count(i) > 2 {
			add(i)
		}
		l.step++
	}
	l.next = b.Next
	b.Done = l.step >= l.senders+l.again
	l.look()
	return b, nil
}

// look notes what the working set takes, and now and then the process.
func (l *manyLog) look() {
	entities := gaugeOf(l.gauges, "parcelsentry_working_set_entities")
	bytes := gaugeOf(l.gauges, "parcelsentry_working_set_bytes")
	l.largest = max(l.largest, bytes)
	if l.memory == nil || l.step < l.shown {
		return
	}
	l.shown += l.senders / 10
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	rss := residentBytes()
	l.resident = append(l.resident, rss)
	l.memory("%9d senders: %6d entities of %2d MiB, heap %3d MiB, resident %3d MiB", l.step, entities, bytes>>20, m.HeapInuse>>20, rss>>20)
}

// checkGrowth: after the first tenth the process takes no more than a quarter more, as garbage comes and goes.
func (l *manyLog) checkGrowth(t *testing.T) {
	t.Helper()
	if len(l.resident) < 3 {
		return
	}
	full := l.resident[2]
	for _, rss := range l.resident[3:] {
		if rss > full*5/4 {
			t.Errorf("the process took %d MiB, after the first fifth of the senders %d", rss>>20, full>>20)
		}
	}
}

func gaugeOf(g prometheus.Gatherer, name string) int64 {
	families, _ := g.Gather()
	for _, f := range families {
		if f.GetName() == name {
			return int64(f.GetMetric()[0].GetGauge().GetValue())
		}
	}
	return 0
}

// residentBytes is what the process takes of memory, 0 where that can't be told.
func residentBytes() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, _ := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// Bounds implements pipeline.Source.
func (l *manyLog) Bounds(context.Context) (first, end int64, err error) { return 0, 1 << 40, nil }

// Committed implements pipeline.Source.
func (l *manyLog) Committed(context.Context) (int64, error) { return windows.NoOffset, nil }

// RecordTime implements pipeline.Source.
func (l *manyLog) RecordTime(context.Context, int64) (time.Time, bool, error) {
	return time.Time{}, false, nil
}

// Commit implements pipeline.Source.
func (l *manyLog) Commit(context.Context, int64) error { return nil }

// manyDecoder takes the value for the sender of a parcel.
type manyDecoder struct{}

// DecodeInto implements pipeline.Decoder.
func (manyDecoder) DecodeInto(e *detector.Event, value []byte, at windows.Coordinates, recordTime time.Time) error {
	*e = detector.Event{ID: at.String(), Sender: detector.Sender(value), Time: recordTime, At: at, RecordTime: recordTime}
	return nil
}

// ownRedis starts a redis-server that keeps everything in memory, and ends it with the test.
func ownRedis(t *testing.T) *redis.Client {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "redis.sock")
	server := exec.CommandContext(t.Context(), "redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: socket, ReadTimeout: time.Minute, MaxRetries: 100})
	t.Cleanup(func() { client.Close() })
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	return client
}
