package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/parcelsentry/parcelsentry/cmd/internal/codec"
	"github.com/parcelsentry/parcelsentry/cmd/internal/testbed"
)

// A trial is the service on a stage.
type trial struct {
	*stage
	dir     string
	members []member
	before  usage
}

// A member is a process of the service.
type member struct {
	*testbed.Process
	http string
}

// usage is what everything but the service has taken until a moment.
type usage struct {
	redis, broker   time.Duration
	received, sent  int64 // bytes, by Redis
	alerts, flagged map[int32]int64
}

// A job says how the service runs.
type job struct {
	workload string
	name     string // of a folder for logs
	set      []string
	members  int // 0 means one
}

// begin starts the service on a stage.
func (s *stage) begin(ctx context.Context, j job) (t *trial, err error) {
	t = &trial{stage: s, dir: filepath.Join(s.h.Dir, j.name)}
	defer func() {
		if err != nil {
			t.close()
		}
	}()
	if err := os.MkdirAll(t.dir, 0o700); err != nil {
		return t, err
	}
	if t.before, err = s.used(ctx); err != nil {
		return t, err
	}
	for n := range max(j.members, 1) {
		if err := t.launch(j, n+1); err != nil {
			return t, err
		}
	}
	return t, nil
}

// launch starts a member.
func (t *trial) launch(j job, n int) error {
	port, err := testbed.FreePort()
	if err != nil {
		return err
	}
	at := t.place
	at.http = fmt.Sprintf("%s:%d", testbed.Host, port)
	text, err := settings(j.workload, at, j.set)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("member-%d", n)
	file := filepath.Join(t.dir, name+".yaml")
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
		profile := j.name
		if n > 1 {
			profile += "-" + name
		}
		env = append(env, "PARCELSENTRY_CPU_PROFILE="+filepath.Join(folder, profile+".pprof"))
	}
	log := filepath.Join(t.dir, name+".log")
	p, err := t.h.servers.Processes.Launch(env, "the service", t.dir, log, t.h.binary, "run", "--config", file)
	if err == nil {
		t.members = append(t.members, member{p, at.http})
	}
	return err
}

// used tells what everything but the service has taken until now.
func (s *stage) used(ctx context.Context) (u usage, err error) {
	for _, pid := range s.state.pids {
		cpu, err := cpuTime(pid)
		if err != nil {
			return u, err
		}
		u.redis += cpu
	}
	if u.broker, err = cpuTime(s.h.BrokerPID); err != nil {
		return u, err
	}
	if u.received, err = s.state.sum(ctx, "stats", "total_net_input_bytes"); err != nil {
		return u, err
	}
	if u.sent, err = s.state.sum(ctx, "stats", "total_net_output_bytes"); err != nil {
		return u, err
	}
	out := s.place.outputs()
	if u.alerts, err = s.h.kafka.Ends(ctx, out["alerts"], usualPartitions); err != nil {
		return u, err
	}
	u.flagged, err = s.h.kafka.Ends(ctx, out["flagged"], usualPartitions)
	return u, err
}

// cost fills in what the trial has taken until now.
func (t *trial) cost(ctx context.Context, r *Result) error {
	for _, m := range t.members {
		cpu, err := cpuTime(m.PID())
		if err != nil {
			return err
		}
		peak, err := peakMemory(m.PID())
		if err != nil {
			return err
		}
		r.Job += cpu
		r.PeakMemory += peak
	}
	now, err := t.used(ctx)
	if err != nil {
		return err
	}
	r.Redis, r.Broker = now.redis-t.before.redis, now.broker-t.before.broker
	r.Received, r.Sent = now.received-t.before.received, now.sent-t.before.sent
	if r.RedisMemory, err = t.state.sum(ctx, "memory", "used_memory"); err != nil {
		return err
	}
	r.RedisGrowth = r.RedisMemory - t.state.empty
	r.Keys, err = t.state.keys(ctx)
	return err
}

// ready waits until every member works.
func (t *trial) ready(ctx context.Context) error {
	for _, m := range t.members {
		if err := testbed.Await(ctx, m.Process, m.ready); err != nil {
			return err
		}
	}
	return nil
}

func (m *member) ready(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m.http+"/-/ready", nil)
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
}

// said reads what the service has written in the trial: alerts, each once, and how many shipments it flagged.
func (t *trial) said(ctx context.Context, r *Result) error {
	seen := map[string]bool{}
	out := t.place.outputs()
	err := t.h.kafka.Read(ctx, out["alerts"], usualPartitions, func(m *kgo.Record) error {
		if m.Offset < t.before.alerts[m.Partition] {
			return nil
		}
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
	flagged, err := t.h.kafka.Ends(ctx, out["flagged"], usualPartitions)
	for p, end := range flagged {
		r.Flagged += end - t.before.flagged[p]
	}
	return err
}

// stop lets the service end, which it must do well.
func (t *trial) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for _, m := range t.members {
		m.Signal(syscall.SIGTERM)
	}
	var all []error
	for _, m := range t.members {
		all = append(all, m.Wait(ctx))
	}
	return errors.Join(all...)
}

// close ends what still runs of the service.
func (t *trial) close() {
	for _, m := range t.members {
		m.Kill()
	}
}
