package app

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/parcelsentry/parcelsentry/windows/redisstore"
)

// TestRedisWatch follows two servers through a bad day. Each look says what is logged of it, nothing for "".
func TestRedisWatch(t *testing.T) {
	var logged bytes.Buffer
	w := &redisWatch{log: slog.New(slog.NewTextHandler(&logged, nil)), before: map[string]redisstore.Server{}}
	sound := redisstore.Server{Address: "a:1", Policy: "noeviction", Memory: 10, MaxMemory: 100}
	evicted := func(n int64) redisstore.Server {
		s := sound
		s.Evicted = n
		return s
	}
	lru := evicted(5)
	lru.Policy = "allkeys-lru"
	for _, look := range []struct {
		name    string
		servers []redisstore.Server
		err     error
		want    string
	}{
		{"all is well", []redisstore.Server{sound, {Address: "b:1"}}, nil, ""},
		{"away", nil, errors.New("connection refused"), "does not answer"},
		{"still away", nil, errors.New("connection refused"), ""},
		{"back, and a key is gone", []redisstore.Server{evicted(1)}, nil, "has evicted keys"},
		{"no more are", []redisstore.Server{evicted(1)}, nil, ""},
		{"two more are", []redisstore.Server{evicted(3)}, nil, "keys=2"},
		{"started anew, one is gone", []redisstore.Server{evicted(1)}, nil, "keys=1"},
		{"somebody sets another policy", []redisstore.Server{lru}, nil, "policy=allkeys-lru"},
		{"it stays", []redisstore.Server{lru}, nil, ""},
		{"it is set right", []redisstore.Server{evicted(5)}, nil, ""},
		{"and wrong again", []redisstore.Server{lru}, nil, "is set to evict"},
	} {
		logged.Reset()
		w.saw(look.servers, look.err)
		if got := logged.String(); (got == "") != (look.want == "") || !strings.Contains(got, look.want) {
			t.Errorf("%s: logged %q, want %q", look.name, got, look.want)
		}
	}
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(w)
	err := testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP parcelsentry_redis_evicted_keys_total Keys that a Redis server has evicted since it started.
# TYPE parcelsentry_redis_evicted_keys_total counter
parcelsentry_redis_evicted_keys_total{server="a:1"} 5
# HELP parcelsentry_redis_evicting 1 if a Redis server's maxmemory-policy lets it evict keys, 0 if not.
# TYPE parcelsentry_redis_evicting gauge
parcelsentry_redis_evicting{server="a:1"} 1
# HELP parcelsentry_redis_memory_bytes Memory that a Redis server uses.
# TYPE parcelsentry_redis_memory_bytes gauge
parcelsentry_redis_memory_bytes{server="a:1"} 10
# HELP parcelsentry_redis_memory_max_bytes Memory that a Redis server may use, 0 for any.
# TYPE parcelsentry_redis_memory_max_bytes gauge
parcelsentry_redis_memory_max_bytes{server="a:1"} 100
# HELP parcelsentry_redis_up 1 while every Redis server answers, 0 while one does not.
# TYPE parcelsentry_redis_up gauge
parcelsentry_redis_up 1
`))
	if err != nil {
		t.Error(err)
	}
}
