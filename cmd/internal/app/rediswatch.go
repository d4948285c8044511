package app

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parcelsentry/parcelsentry/windows/redisstore"
)

// redisWatch looks at the Redis servers while the service runs. What a server evicts is gone without a sign in any
// answer, and its policy may change at any time.
type redisWatch struct {
	look func(context.Context) ([]redisstore.Server, error)
	log  *slog.Logger

	mu      sync.Mutex
	up      bool
	servers []redisstore.Server
	// before is what each server was like when it last answered, by address.
	before map[string]redisstore.Server
}

func newRedisWatch(store *redisstore.Store, log *slog.Logger) *redisWatch {
	return &redisWatch{look: store.Servers, log: log, before: map[string]redisstore.Server{}}
}

// run looks every so often until ctx ends.
func (w *redisWatch) run(ctx context.Context) {
	const interval = 15 * time.Second // as often as Prometheus looks at this process
	ticks := time.NewTicker(interval)
	defer ticks.Stop()
	for {
		limited, cancel := context.WithTimeout(ctx, interval)
		servers, err := w.look(limited)
		cancel()
		if ctx.Err() != nil {
			return
		}
		w.saw(servers, err)
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

// saw notes what a look gave, and logs what is wrong once each time that it gets worse.
func (w *redisWatch) saw(servers []redisstore.Server, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil && w.up {
		w.log.Warn("a Redis server does not answer", "error", err)
	}
	w.up, w.servers = err == nil, servers
	for _, s := range servers {
		before := w.before[s.Address]
		w.before[s.Address] = s
		if s.Evicted < before.Evicted {
			before.Evicted = 0 // it was started anew
		}
		if n := s.Evicted - before.Evicted; n > 0 {
			w.log.Error("Redis has evicted keys: counters may be too low now, or count twice where a fence went; deploy/README.md tells how to make them anew",
				"server", s.Address, "keys", n, "policy", s.Policy)
		}
		if evicts(&s) && s.Policy != before.Policy {
			w.log.Error("Redis is set to evict keys when it is full: CONFIG SET maxmemory-policy noeviction, and set it in the server's configuration",
				"server", s.Address, "policy", s.Policy)
		}
	}
}

// evicts tells whether the server would make room for new keys by throwing others away.
func evicts(s *redisstore.Server) bool { return s.Policy != "" && s.Policy != redisstore.NoEviction }

var (
	redisUp        = redisDesc("up", "1 while every Redis server answers, 0 while one does not.")
	redisEvicted   = redisDesc("evicted_keys_total", "Keys that a Redis server has evicted since it started.", "server")
	redisEvicting  = redisDesc("evicting", "1 if a Redis server's maxmemory-policy lets it evict keys, 0 if not.", "server")
	redisMemory    = redisDesc("memory_bytes", "Memory that a Redis server uses.", "server")
	redisMemoryMax = redisDesc("memory_max_bytes", "Memory that a Redis server may use, 0 for any.", "server")
)

func redisDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("parcelsentry_redis_"+name, help, labels, nil)
}

// Describe implements prometheus.Collector.
func (w *redisWatch) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{redisUp, redisEvicted, redisEvicting, redisMemory, redisMemoryMax} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (w *redisWatch) Collect(to chan<- prometheus.Metric) {
	w.mu.Lock()
	defer w.mu.Unlock()
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	gauge(redisUp, number(w.up))
	for _, s := range w.servers {
		to <- prometheus.MustNewConstMetric(redisEvicted, prometheus.CounterValue, float64(s.Evicted), s.Address)
		gauge(redisEvicting, number(evicts(&s)), s.Address)
		gauge(redisMemory, float64(s.Memory), s.Address)
		gauge(redisMemoryMax, float64(s.MaxMemory), s.Address)
	}
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
