package redisstore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/redisstore"
	"github.com/parcelsentry/parcelsentry/windows/windowstest"
	"github.com/redis/go-redis/v9"
)

// servers are all places that the store has to work on.
var servers = []struct {
	name string
	open func(testing.TB) redis.UniversalClient
}{
	{"miniredis", func(t testing.TB) redis.UniversalClient { return single(t, miniredis.RunT(t).Addr()) }},
	{"miniredis as a cluster", func(t testing.TB) redis.UniversalClient { return cluster(t, miniredis.RunT(t).Addr()) }},
	{"redis", func(t testing.TB) redis.UniversalClient {
		return single(t, windowstest.Server(t, "PARCELSENTRY_TEST_REDIS"))
	}},
	{"redis cluster", func(t testing.TB) redis.UniversalClient {
		return cluster(t, windowstest.Server(t, "PARCELSENTRY_TEST_REDIS_CLUSTER"))
	}},
}

func single(t testing.TB, address string) redis.UniversalClient {
	return closing(t, redis.NewClient(&redis.Options{Addr: address}))
}

func cluster(t testing.TB, address string) redis.UniversalClient {
	return closing(t, redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{address}}))
}

func closing(t testing.TB, c redis.UniversalClient) redis.UniversalClient {
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// newStore gives a store with a name space of its own, which is emptied after the test.
func newStore(t testing.TB, c redis.UniversalClient) (*redisstore.Store, string) {
	layout := redisstore.Layout(rand.Text())
	t.Cleanup(func() { sweep(t, c, layout) })
	return redisstore.New(c, redisstore.Options{Layout: layout, TTL: time.Hour}), layout
}

// sweep removes all keys of a layout.
func sweep(t testing.TB, c redis.UniversalClient, layout string) {
	ctx := context.Background()
	err := eachServer(ctx, c, func(server redis.UniversalClient) error {
		for cursor := uint64(0); ; {
			keys, next, err := server.Scan(ctx, cursor, "ps:"+layout+":*", 10_000).Result()
			if err != nil {
				return err
			}
			_, err = server.Pipelined(ctx, func(p redis.Pipeliner) error {
				for _, key := range keys {
					p.Del(ctx, key)
				}
				return nil
			})
			if cursor = next; err != nil || cursor == 0 {
				return err
			}
		}
	})
	if err != nil && !errors.Is(err, redis.ErrClosed) {
		t.Errorf("remove what the test wrote: %v", err)
	}
}

func eachServer(ctx context.Context, c redis.UniversalClient, fn func(redis.UniversalClient) error) error {
	if cc, ok := c.(*redis.ClusterClient); ok {
		return cc.ForEachMaster(ctx, func(_ context.Context, node *redis.Client) error { return fn(node) })
	}
	return fn(c)
}

func TestContract(t *testing.T) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			client := server.open(t)
			windowstest.Run(t, func(t *testing.T) windows.Store {
				store, _ := newStore(t, client)
				return store
			})
		})
	}
}
