package bench

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/parcelsentry/parcelsentry/cmd/internal/codec"
	"github.com/parcelsentry/parcelsentry/cmd/internal/testbed"
)

// A trial is the service on a Redis and with output topics of its own.
type trial struct {
	h       *harness
	dir     string
	place   place
	server  *testbed.Redis // nil if it is somebody else's
	client  *redis.Client
	service *testbed.Process

	// CPU times before the service started.
	redisBefore, brokerBefore time.Duration
	redisPID                  int
}

// begin starts the service on an input.
func (h *harness) begin(ctx context.Context, workload, name, input string) (t *trial, err error) {
	t = &trial{h: h, dir: filepath.Join(h.Dir, name), place: place{broker: h.Broker, prefix: h.name + name + "-", input: input}}
	defer func() {
		if err != nil {
			t.close()
		}
	}()
	if err := os.MkdirAll(t.dir, 0o700); err != nil {
		return t, err
	}
	if err := t.findRedis(ctx); err != nil {
		return t, err
	}
	for _, topic := range t.place.outputs() {
		if err := h.kafka.Create(ctx, testbed.Topic{Name: topic, Partitions: partitions}); err != nil {
			return t, err
		}
	}
	if t.brokerBefore, err = cpuTime(h.BrokerPID); err != nil {
		return t, err
	}
	if t.redisBefore, err = cpuTime(t.redisPID); err != nil {
		return t, err
	}
	return t, t.launch(workload)
}

// findRedis starts one, or takes the one that is given.
func (t *trial) findRedis(ctx context.Context) (err error) {
	if t.place.redis = t.h.Redis; t.place.redis != "" {
		t.client = redis.NewClient(&redis.Options{Addr: t.place.redis})
		if n, err := t.client.DBSize(ctx).Result(); err != nil || n > 0 {
			return fmt.Errorf("%w: the Redis at %s must be there and empty: it has %d keys, error %v", testbed.ErrCannotRun, t.place.redis, n, err)
		}
	} else {
		if t.server, err = t.h.servers.NewRedis(t.dir, "redis"); err != nil {
			return err
		}
		if err := t.server.Start(ctx); err != nil {
			return err
		}
		t.client, t.place.redis = t.server.Client, t.server.Address
	}
	pid, err := t.info(ctx, "server", "process_id")
	t.redisPID = int(pid)
	return err
}

// info gives a number that Redis tells of itself.
func (t *trial) info(ctx context.Context, section, name string) (int64, error) {
	text, err := t.client.Info(ctx, section).Result()
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		}
	}
	return 0, fmt.Errorf("redis does not tell its %s", name)
}

func (t *trial) launch(workload string) error {
	port, err := testbed.FreePort()
	if err != nil {
		return err
	}
	t.place.http = fmt.Sprintf("%s:%d", testbed.Host, port)
	text, err := settings(workload, t.place, t.h.Set)
	if err != nil {
		return err
	}
	file := filepath.Join(t.dir, "parcelsentry.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	var env []string
	if t.h.Profile != "" {
		folder, err := filepath.Abs(t.h.Profile)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		env = append(env, "PARCELSENTRY_CPU_PROFILE="+filepath.Join(folder, filepath.Base(t.dir)+".pprof"))
	}
	t.service, err = t.h.servers.Processes.Launch(env, "the service", t.dir, filepath.Join(t.dir, "service.log"), t.h.binary, "run", "--config", file)
	return err
}

// used fills in what the processes have taken until now.
func (t *trial) used(ctx context.Context, r *Result) (err error) {
	if r.Job, err = cpuTime(t.service.PID()); err != nil {
		return err
	}
	if r.PeakMemory, err = peakMemory(t.service.PID()); err != nil {
		return err
	}
	if r.Redis, err = cpuTime(t.redisPID); err != nil {
		return err
	}
	if r.Broker, err = cpuTime(t.h.BrokerPID); err != nil {
		return err
	}
	r.Redis -= t.redisBefore
	r.Broker -= t.brokerBefore
	r.RedisMemory, err = t.info(ctx, "memory", "used_memory")
	return err
}

// ready waits until the service works.
func (t *trial) ready(ctx context.Context) error {
	return testbed.Await(ctx, t.service, func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+t.place.http+"/-/ready", nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("not ready: %s", answer.Status)
		}
		return nil
	})
}

// said reads what the service has written: alerts, each once, and how many shipments it flagged.
func (t *trial) said(ctx context.Context, r *Result) error {
	seen := map[string]bool{}
	out := t.place.outputs()
	err := t.h.kafka.Read(ctx, out["alerts"], partitions, func(m *kgo.Record) error {
		a, err := codec.ParseAlert(m.Value)
		if err == nil && !seen[a.ID] {
			seen[a.ID] = true
			r.Digest.Add(Said{Sender: a.Entity.ID, Count: int64(a.Observed), WindowEnd: a.Window.End})
		}
		return err
	})
	if err != nil {
		return err
	}
	flagged, err := t.h.kafka.Ends(ctx, out["flagged"], partitions)
	for _, end := range flagged {
		r.Flagged += end
	}
	return err
}

// stop lets the service end, which it must do well.
func (t *trial) stop(ctx context.Context) error {
	t.service.Signal(syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return t.service.Wait(ctx)
}

func (t *trial) close() {
	if t.service != nil {
		t.service.Kill()
	}
	if t.server != nil {
		t.server.Close()
		_ = t.server.Forget()
	} else if t.client != nil {
		_ = t.client.Close()
	}
}
