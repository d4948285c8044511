package app_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/config"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/redisstore"
	"github.com/parcelsentry/parcelsentry/windows/windowstest"
)

var memorySenders = flag.Int("memory", 1000, "senders of TestMemory; `make memory` takes 100,000")

// TestMemory counts the parcels of many senders in a Redis of its own, by the real worker with all rules, and says what they
// take there: half of the senders send once or twice, one in a hundred 100 times within a month, and one more than an entity
// has fields for. No sender may have more fields than the configuration allows.
func TestMemory(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil && os.Getenv(windowstest.RequireServers) == "" {
		t.Skip("redis-server is missing: it measures one of its own")
	}
	client := ownRedis(t)
	c := config.Default()
	log := memoryLog(*memorySenders)
	store := fillRedis(t, client, &c, log)
	grown := used(t, client) // below, what Redis took while it was empty is in it: less than 1 MiB

	events, fields := map[string]int64{}, map[string]int{}
	err := store.Scan(t.Context(), detector.KindSender, func(e *windows.Entity) error {
		events[e.Key.ID], fields[e.Key.ID] = e.Events(), e.Fields()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var twice, monthly, all []int64
	var largest stored
	for _, e := range entitiesLike(t, client, "ps:memory:sender:*") {
		all = append(all, e.bytes)
		switch n := events[e.id()]; n {
		case 2:
			twice = append(twice, e.bytes)
		case monthEvents:
			monthly = append(monthly, e.bytes)
		case largestEvents:
			largest = e
		}
	}
	if len(all) != *memorySenders+1 || len(twice) == 0 || len(monthly) == 0 || largest.bytes == 0 {
		t.Fatalf("%d senders, %d with two events, %d with %d, the largest with %d bytes", len(all), len(twice), len(monthly), monthEvents, largest.bytes)
	}
	const mostTwice, mostMonthly, mostLargest = 300, 2500, 8192
	if median(twice) > mostTwice || median(monthly) > mostMonthly || largest.bytes > mostLargest {
		t.Errorf("medians of %d bytes for two events, %d for %d in a month, and %d for the largest; want at most %d, %d and %d",
			median(twice), median(monthly), monthEvents, largest.bytes, mostTwice, mostMonthly, mostLargest)
	}
	t.Logf("MEMORY USAGE in bytes               %s", spreadHeader)
	t.Logf("all senders                         %s", spread(all))
	t.Logf("senders of 2 events                 %s", spread(twice))
	t.Logf("senders of %d events in a month    %s", monthEvents, spread(monthly))
	for _, kind := range []windows.Kind{detector.KindRecipient, detector.KindLane} {
		var sizes []int64
		for _, e := range entitiesLike(t, client, "ps:memory:"+string(kind)+":*") {
			sizes = append(sizes, e.bytes)
		}
		t.Logf("all of the kind %-19s %s", kind, spread(sizes))
	}
	t.Logf("the largest sender: %d events, %d counts and members, %d bytes", largestEvents, fields[largest.id()], largest.bytes)
	t.Logf("in all: %d bytes for %d distinct parcels, %d bytes each", grown, len(log), grown/int64(len(log)))
}

// fillRedis lets a worker count a log.
func fillRedis(t *testing.T, client *redis.Client, c *config.Config, log []pipeline.Record) *redisstore.Store {
	t.Helper()
	set, decoder := costSet(t, c)
	store := redisstore.New(client, redisstore.Options{Layout: "memory", TTL: 24 * time.Hour})
	worker := pipeline.NewWorker(pipeline.Options{
		Set: set, Decoder: decoder, Topic: "log", Metrics: pipeline.NewMetrics(prometheus.NewRegistry(), set.Rules()),
		Limits: pipeline.Limits{FlushEvents: c.Redis.FlushEvents, MaxUnflushed: c.Redis.MaxUnflushed, WorkingSet: int64(c.Windows.WorkingSet)},
	})
	err := pipeline.Run(t.Context(), worker, pipeline.IO{
		Source: &fileSource{log: log, most: 2000}, Store: store, Sink: nowhere{}, Grace: time.Minute, Profiles: pipeline.NewProfileChain(set),
	})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// How often those send who send often.
const (
	monthEvents   = 100
	largestEvents = 6000
)

// memoryLog gives the parcels of so many senders, and of the largest, in the order of their times. The senders' are from one
// month, the largest's from the four that end with it.
func memoryLog(senders int) []pipeline.Record {
	random := rand.New(rand.NewPCG(1, 0))
	const month = 30 * 24 * time.Hour
	end := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	var log []pipeline.Record
	send := func(sender, events int, span time.Duration) {
		for i := range events {
			at := end.Add(-time.Duration(random.Int64N(int64(span)))).Truncate(time.Second)
			log = append(log, pipeline.Record{Time: at, Value: memoryParcel(random, sender, i, at)})
		}
	}
	often := []int{1, 1, 1, 2, 2, 2, 2, 3, 3, 5}
	for i := range senders {
		if i%100 == 0 {
			send(i, monthEvents, month)
		} else {
			send(i, often[i%len(often)], month)
		}
	}
	send(senders, largestEvents, 4*month)
	slices.SortStableFunc(log, func(a, b pipeline.Record) int { return a.Time.Compare(b.Time) })
	for i := range log {
		log[i].Offset = int64(i)
	}
	return log
}

// memoryParcel makes up a parcel. Whoever sends often has some people and places that four in five of its parcels go to; all others are
// to anybody, anywhere. The country is that of 3,000 places and five million people.
func memoryParcel(random *rand.Rand, sender, serial int, at time.Time) []byte {
	const places, people, usual = 3000, 5_000_000, 20
	origin := sender * 7919 % places
	destination, recipient := random.IntN(places), random.IntN(people)
	if one := random.IntN(5 * usual / 4); serial > 2 && one < usual {
		destination, recipient = (origin+one*one+1)%places, sender*31%people+one
	}
	return fmt.Appendf(nil, `{"event_id":"e-%d-%d","event_type":"posted","event_time":%q,"sender_id":"account-%07d","recipient_id":"person-%07d",`+
		`"item_id":"RB%09dVN","origin":"VN-%05d","destination":"VN-%05d","weight_g":%d,"declared_value":%d}`,
		sender, serial, at.Format(time.RFC3339), sender, recipient, sender*1000+serial, origin, destination, 100+random.IntN(5000), 10+random.IntN(500))
}

// stored is an entity in Redis.
type stored struct {
	key   string
	bytes int64 // by MEMORY USAGE
}

// id is that of the entity.
func (s *stored) id() string { return s.key[strings.LastIndexByte(s.key, ':')+1:] }

// entitiesLike looks at all whose keys are like that.
func entitiesLike(t *testing.T, client *redis.Client, pattern string) []stored {
	t.Helper()
	var all []stored
	for part := range slices.Chunk(keysLike(t, client, pattern), 1000) {
		pipe := client.Pipeline()
		for _, key := range part {
			pipe.MemoryUsage(t.Context(), key, 0)
		}
		answers, err := pipe.Exec(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i, key := range part {
			all = append(all, stored{key, answers[i].(*redis.IntCmd).Val()})
		}
	}
	return all
}

// used is what Redis says that it uses, in bytes.
func used(t *testing.T, client *redis.Client) (bytes int64) {
	t.Helper()
	text, err := client.Info(context.WithoutCancel(t.Context()), "memory").Result()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(text, "used_memory:")
	if _, err := fmt.Sscan(rest, &bytes); err != nil {
		t.Fatal(err)
	}
	return bytes
}

const spreadHeader = "  number   median      p99      max"

// spread tells the middle, the end and the most of sizes, of which there are some.
func spread(sizes []int64) string {
	slices.Sort(sizes)
	n := len(sizes)
	return fmt.Sprintf("%8d %8d %8d %8d", n, median(sizes), sizes[n*99/100], sizes[n-1])
}

func median(sizes []int64) int64 {
	slices.Sort(sizes)
	return sizes[len(sizes)/2]
}
