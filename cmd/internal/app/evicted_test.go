package app_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/parcelsentry/parcelsentry/cmd/internal/app"
	"github.com/parcelsentry/parcelsentry/windows/redisstore"
)

// TestEvicted loses single keys, which nothing notices, and makes the counters anew as deploy/README.md tells: those of
// one bucket, or all of them.
func TestEvicted(t *testing.T) {
	for _, c := range []struct {
		name string
		// deleted tells which keys of the layout go, when some of this bucket were evicted.
		deleted func(key, bucket string) bool
	}{
		{"one bucket", func(key, bucket string) bool { return strings.Contains(key, ":"+bucket) }},
		{"all", func(key, _ string) bool { return !strings.Contains(key, ":profile:") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			store := b.store()
			all := b.shipments(6000)
			b.produce(all)
			stop := b.start()
			b.awaitEverywhere(store, int64(len(all)))
			stop()
			b.readLog()

			client, senders := b.client(), b.keys("sender")
			key := senders[rand.IntN(len(senders))]
			if err := client.Unlink(b.context(), key).Err(); err != nil {
				t.Fatal(err)
			}
			bucket := key[strings.Index(key, "{") : strings.Index(key, "}")+1]
			var gone []string
			for _, k := range b.keys("*") {
				if c.deleted(k, bucket) {
					gone = append(gone, k)
				}
			}
			if err := client.Unlink(b.context(), gone...).Err(); err != nil {
				t.Fatal(err)
			}
			stop = b.start()
			b.awaitEverywhere(store, int64(len(all)))
			stop()
			b.verify(store)
		})
	}
}

// keys gives the keys in Redis of a kind, * for all, of this configuration's layout.
func (b *bench) keys(kind string) []string {
	b.t.Helper()
	set, err := app.NewSet(&b.config)
	if err != nil {
		b.t.Fatal(err)
	}
	var all []string
	client := redis.NewClient(&redis.Options{Addr: b.config.Redis.Addresses[0]})
	defer client.Close()
	pattern := fmt.Sprintf("ps:%s:%s:*", redisstore.Layout(set.Layout()...), kind)
	for i := client.Scan(b.context(), 0, pattern, 10_000).Iterator(); i.Next(b.context()); {
		all = append(all, i.Val())
	}
	return all
}
