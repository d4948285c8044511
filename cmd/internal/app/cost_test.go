package app_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/parcelsentry/parcelsentry/cmd/internal/app"
	"github.com/parcelsentry/parcelsentry/cmd/internal/backtest"
	"github.com/parcelsentry/parcelsentry/cmd/internal/logfile"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/config"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/redisstore"
	"github.com/parcelsentry/parcelsentry/windows/windowstest"
)

// BenchmarkCost counts real shipments by the real worker in a real Redis, and says what an event costs there. The table
// in windows/README.md is made of it.
func BenchmarkCost(b *testing.B) {
	for _, file := range costFiles(b) {
		for _, flush := range []int{100, 1000, 10_000} {
			for _, workingSet := range []int64{2 << 20, 512 << 20} {
				b.Run(fmt.Sprintf("%s/flush=%d/working_set=%dMiB", name(file), flush, workingSet>>20), func(b *testing.B) {
					for b.Loop() {
						count(b, file, flush, workingSet)
					}
				})
			}
		}
	}
}

// BenchmarkReplay replays real shipments in memory, as `parcelsentry replay` does.
func BenchmarkReplay(b *testing.B) {
	for _, file := range costFiles(b) {
		b.Run(name(file), func(b *testing.B) {
			c := config.Default()
			set, decoder := costSet(b, &c)
			var events int64
			for b.Loop() {
				lines, err := logfile.Open([]string{file}, nil)
				if err != nil {
					b.Fatal(err)
				}
				s, err := backtest.Replay(b.Context(), backtest.Options{
					Set: set, Decoder: decoder, Lines: lines, Name: "log", WorkingSet: int64(c.Windows.WorkingSet), Log: quiet(),
				})
				if err != nil {
					b.Fatal(err)
				}
				events += s.Events
				lines.Close()
			}
			b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

func costFiles(b *testing.B) []string {
	b.Helper()
	files, _ := filepath.Glob(filepath.Join(os.Getenv("PARCELSENTRY_TEST_DATA"), "shipments_*.jsonl.gz"))
	if len(files) == 0 {
		b.Skip("PARCELSENTRY_TEST_DATA names no folder with shipments")
	}
	return files
}

func name(file string) string {
	return strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "shipments_"), ".jsonl.gz")
}

func costSet(b testing.TB, c *config.Config) (*detector.Set, pipeline.Decoder) {
	b.Helper()
	set, err := app.NewSet(c)
	if err != nil {
		b.Fatal(err)
	}
	decoders, err := app.NewDecoders(c, quiet())
	if err != nil {
		b.Fatal(err)
	}
	return set, decoders.New()
}

// count plays a file through a worker that flushes after so many events, and reports what this did to Redis.
func count(b *testing.B, file string, flush int, workingSet int64) {
	b.Helper()
	client := redis.NewClient(&redis.Options{Addr: windowstest.Server(b, "PARCELSENTRY_TEST_REDIS"), ReadTimeout: time.Minute})
	defer client.Close()
	c := config.Default()
	set, decoder := costSet(b, &c)
	layout := redisstore.Layout(append(set.Layout(), strconv.FormatInt(time.Now().UnixNano(), 36))...)
	store := &countedStore{Store: redisstore.New(client, redisstore.Options{Layout: layout, TTL: time.Hour})}
	source := &fileSource{log: readFile(b, file), most: flush}
	worker := pipeline.NewWorker(pipeline.Options{
		Set: set, Decoder: decoder, Topic: "log", Metrics: pipeline.NewMetrics(prometheus.NewRegistry(), set.Rules()),
		Limits: pipeline.Limits{FlushEvents: 2 * flush, MaxUnflushed: 8 * flush, WorkingSet: workingSet},
	})
	callsBefore, before := commands(b, client)
	began := time.Now()
	err := pipeline.Run(b.Context(), worker, pipeline.IO{
		Source: source, Store: store, Sink: nowhere{}, Grace: time.Minute,
		// In memory: what a day's profile costs is paid once a day, and these files have days of a few events.
		Profiles: pipeline.NewProfileChain(set),
	})
	if err != nil {
		b.Fatal(err)
	}
	events := float64(len(source.log))
	b.ReportMetric(events/time.Since(began).Seconds(), "events/s")
	b.ReportMetric(float64(store.loaded.Load())/events, "loaded/event")
	b.ReportMetric(float64(store.written.Load())/events, "written/event")
	calls, done := commands(b, client)
	b.ReportMetric(float64(calls-callsBefore)/events, "script_calls/event")
	b.ReportMetric(float64(done-before)/events, "commands/event")
	for _, kind := range []windows.Kind{detector.KindSender, detector.KindRecipient, detector.KindLane} {
		sizes := memory(b, client, "ps:"+layout+":"+string(kind)+":*")
		b.ReportMetric(float64(sizes[len(sizes)/2]), string(kind)+"_B_median")
		b.ReportMetric(float64(sizes[len(sizes)-1]), string(kind)+"_B_max")
	}
	forget(b, client, "ps:"+layout+":*")
}

// commands is the number of script calls that Redis has done, and of commands on entities and fences, those of scripts among them.
func commands(b *testing.B, client *redis.Client) (scripts, n int64) {
	b.Helper()
	stats, err := client.Info(b.Context(), "commandstats").Result()
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(stats) {
		command, rest, _ := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":calls=")
		calls, _, _ := strings.Cut(rest, ",")
		i, _ := strconv.ParseInt(calls, 10, 64)
		switch command {
		case "eval", "evalsha":
			scripts += i
		case "get", "set", "del", "mget", "exists", "hget", "hset":
			n += i
		}
	}
	return scripts, n
}

func keysLike(b testing.TB, client *redis.Client, pattern string) []string {
	b.Helper()
	var keys []string
	for i := client.Scan(b.Context(), 0, pattern, 10_000).Iterator(); i.Next(b.Context()); {
		keys = append(keys, i.Val())
	}
	return keys
}

// memory gives the bytes of each such key, the smallest first.
func memory(b *testing.B, client *redis.Client, pattern string) []int64 {
	b.Helper()
	var sizes []int64
	for part := range slices.Chunk(keysLike(b, client, pattern), 1000) {
		pipe := client.Pipeline()
		for _, key := range part {
			pipe.MemoryUsage(b.Context(), key, 0)
		}
		answers, err := pipe.Exec(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		for _, a := range answers {
			sizes = append(sizes, a.(*redis.IntCmd).Val())
		}
	}
	slices.Sort(sizes)
	return sizes
}

func forget(b *testing.B, client *redis.Client, pattern string) {
	b.Helper()
	for part := range slices.Chunk(keysLike(b, client, pattern), 1000) {
		if err := client.Unlink(b.Context(), part...).Err(); err != nil {
			b.Fatal(err)
		}
	}
}

// countedStore counts what goes through it.
type countedStore struct {
	windows.Store
	loaded, written atomic.Int64
}

// Load implements windows.Store.
func (s *countedStore) Load(ctx context.Context, source windows.Source, keys []windows.Key) ([]windows.Loaded, error) {
	s.loaded.Add(int64(len(keys)))
	return s.Store.Load(ctx, source, keys)
}

// Apply implements windows.Store.
func (s *countedStore) Apply(ctx context.Context, source windows.Source, updates []windows.Update) ([]windows.Result, error) {
	for i := range updates {
		s.written.Add(int64(len(updates[i].Deltas)))
	}
	return s.Store.Apply(ctx, source, updates)
}

// fileSource is a partition with the lines of a file.
type fileSource struct {
	log  []pipeline.Record
	most int // records a fetch
}

func readFile(b testing.TB, file string) []pipeline.Record {
	b.Helper()
	lines, err := logfile.Open([]string{file}, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer lines.Close()
	var log []pipeline.Record
	for {
		line, err := lines.Next()
		if errors.Is(err, io.EOF) {
			return log
		}
		if err != nil {
			b.Fatal(err)
		}
		log = append(log, pipeline.Record{Offset: int64(len(log)), Value: slices.Clone(line)})
	}
}

// Bounds implements pipeline.Source.
func (s *fileSource) Bounds(context.Context) (first, end int64, err error) {
	return 0, int64(len(s.log)), nil
}

// Committed implements pipeline.Source.
func (s *fileSource) Committed(context.Context) (int64, error) { return windows.NoOffset, nil }

// RecordTime implements pipeline.Source.
func (s *fileSource) RecordTime(context.Context, int64) (time.Time, bool, error) {
	return time.Time{}, false, nil
}

// Fetch implements pipeline.Source.
func (s *fileSource) Fetch(_ context.Context, offset int64) (pipeline.Batch, error) {
	next := min(offset+int64(s.most), int64(len(s.log)))
	return pipeline.Batch{
		Records: s.log[offset:next], Next: next, End: int64(len(s.log)), Done: next == int64(len(s.log)),
	}, nil
}

// Commit implements pipeline.Source.
func (s *fileSource) Commit(context.Context, int64) error { return nil }

// nowhere is a sink.
type nowhere struct{}

// Write implements pipeline.Sink.
func (nowhere) Write(context.Context, []pipeline.Output) error { return nil }
