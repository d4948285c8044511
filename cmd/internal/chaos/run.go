package chaos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/parcelsentry/parcelsentry/cmd/internal/app"
	"github.com/parcelsentry/parcelsentry/config"
	"github.com/parcelsentry/parcelsentry/windows/redisstore"
)

// Run is a scenario played with a seed: topics, a Redis, members of the service, and the log that they are given.
type Run struct {
	ctx      context.Context
	harness  *Harness
	scenario *Scenario
	result   Result
	random   *rand.Rand // of the goroutine that plays
	name     string     // begins the names of topics and group
	dir      string
	file     string // the service's configuration
	config   config.Config

	kafka      *kafka
	partitions int              // of the input
	homes      map[string]int32 // the partition of each sender
	epoch      int              // counts the topics that the input was
	servers    []*redisServer
	proxy      *proxy
	client     redis.UniversalClient // the harness's own way to Redis
	store      *redisstore.Store

	members   []*member // all that there were, in order
	expected  map[*member]bool
	generator *generator

	// producing is held while records are written: a producer that loses its broker meanwhile may write them twice.
	producing sync.RWMutex

	mu        sync.Mutex
	written   []record
	lastWrite time.Time
	lastFault time.Time
	story     *os.File
}

// newRun makes what a scenario is played on.
func (h *Harness) newRun(ctx context.Context, s *Scenario, seed uint64) (r *Run, err error) {
	r = &Run{
		ctx: ctx, harness: h, scenario: s, partitions: 4,
		result:   Result{Scenario: s.Name, Seed: seed},
		random:   rand.New(rand.NewPCG(seed, 0)),
		name:     fmt.Sprintf("%s-%d-%x-", s.Name, seed, time.Now().UnixNano()&0xffffff),
		expected: map[*member]bool{}, homes: map[string]int32{},
	}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	r.dir = filepath.Join(h.dir, fmt.Sprintf("%s-%d", s.Name, seed))
	r.result.Dir = r.dir
	if err := os.RemoveAll(r.dir); err != nil {
		return r, err
	}
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return r, err
	}
	if r.story, err = os.Create(filepath.Join(r.dir, "story.log")); err != nil {
		return r, err
	}
	senders := usualSenders
	if s.ByName {
		senders = max(senders, soakSenders*int(h.soak/time.Minute))
	}
	if r.generator, err = newGenerator(seed, senders, usualDays, s.setup.wrongs.orUsual()); err != nil {
		return r, err
	}
	if r.kafka, err = newKafka(h.brokers[0].address); err != nil {
		return r, err
	}
	addresses, err := r.startRedis()
	if err != nil {
		return r, err
	}
	if err := r.configure(addresses); err != nil {
		return r, err
	}
	if r.store, err = r.storeIn(r.client); err != nil {
		return r, err
	}
	return r, r.createTopics()
}

// storeIn gives the store that the service keeps in a Redis.
func (r *Run) storeIn(client redis.UniversalClient) (*redisstore.Store, error) {
	set, err := app.NewSet(&r.config)
	if err != nil {
		return nil, err
	}
	return redisstore.New(client, redisstore.Options{Layout: redisstore.Layout(set.Layout()...), TTL: time.Hour}), nil
}

// The usual size of a log.
const (
	usualSenders = 240
	usualDays    = 40
)

// orUsual gives every log some records that are no events.
func (w wrongs) orUsual() wrongs {
	return wrongs{
		malformed: cmp.Or(w.malformed, 400), future: cmp.Or(w.future, 900), scans: cmp.Or(w.scans, 300), poison: w.poison,
	}
}

// proxyPatience is the redis.timeout of scenarios that play tricks with time.
const proxyPatience = 500 * time.Millisecond

// startRedis starts what the setup asks for, and gives the addresses for the service.
func (r *Run) startRedis() ([]string, error) {
	if r.scenario.setup.cluster {
		return r.startCluster()
	}
	server, err := r.addRedis("redis", r.scenario.setup.redis...)
	if err != nil {
		return nil, err
	}
	r.client = server.client
	if !r.scenario.setup.proxy {
		return []string{server.address}, nil
	}
	if r.proxy, err = newProxy(server.address, r.result.Seed, proxyPatience); err != nil {
		return nil, err
	}
	return []string{r.proxy.address}, nil
}

// addRedis starts one more server.
func (r *Run) addRedis(name string, lines ...string) (*redisServer, error) {
	server, err := r.harness.servers.newRedis(r.dir, name, lines...)
	if err != nil {
		return nil, err
	}
	r.servers = append(r.servers, server)
	return server, server.start(r.ctx)
}

func (r *Run) createTopics() error {
	t := r.config.Kafka.Topics
	return r.kafka.create(
		r.ctx, r.input(),
		topic{name: t.Alerts, partitions: outputPartitions},
		topic{name: t.Flagged, partitions: outputPartitions},
		topic{name: t.DeadLetters, partitions: 1},
	)
}

// input is the topic of shipments.
func (r *Run) input() topic {
	t := topic{name: r.config.Kafka.Topics.Shipments, partitions: r.partitions, config: r.scenario.setup.topic}
	if r.scenario.setup.twoBrokers {
		for p := range r.partitions {
			t.leaders = append(t.leaders, int32(1+2*p/r.partitions))
		}
	}
	return t
}

// close ends what the run has started. Its topics go too; a broker that can't now keeps them.
func (r *Run) close() {
	for _, m := range r.members {
		m.kill()
		m.unwatch()
	}
	if r.proxy != nil {
		r.proxy.close()
	}
	for _, s := range r.servers {
		s.close()
	}
	if r.scenario.setup.cluster && r.client != nil {
		_ = r.client.Close()
	}
	if r.kafka != nil {
		t := r.config.Kafka.Topics
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), requestTimeout)
		defer cancel()
		if t.Shipments != "" {
			_ = r.kafka.remove(ctx, t.Shipments, t.Alerts, t.Flagged, t.DeadLetters)
		}
		r.kafka.close()
	}
	if r.story != nil {
		r.story.Close()
	}
}

// tell writes a line of what happens.
func (r *Run) tell(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.story, "%s %s\n", time.Now().UTC().Format("15:04:05.000"), fmt.Sprintf(format, args...))
}

// fault notes that one has been injected, and that it is over.
func (r *Run) fault(format string, args ...any) {
	r.tell("fault: "+format, args...)
	r.faultsWere(1)
}

// faultsWere notes faults that were injected elsewhere.
func (r *Run) faultsWere(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Faults += n
	r.lastFault = time.Now()
}

// wrong notes what the service must not do.
func (r *Run) wrong(format string, args ...any) {
	r.tell("wrong: "+format, args...)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.problem(format, args...)
}

// wait passes a random time.
func (r *Run) wait(from, to time.Duration) error {
	return pause(r.ctx, from+time.Duration(r.random.Int64N(int64(to-from)+1)))
}

// add starts a member of the service, with more of its environment.
func (r *Run) add(env ...string) (*member, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	n := len(r.members) + 1
	m := &member{address: fmt.Sprintf("%s:%d", host, port), log: filepath.Join(r.dir, fmt.Sprintf("member-%d.log", n))}
	file := filepath.Join(r.dir, fmt.Sprintf("member-%d.yaml", n))
	yaml, err := os.ReadFile(r.file)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, fmt.Appendf(yaml, "http: {address: %q}\n", m.address), 0o600); err != nil {
		return nil, err
	}
	name := fmt.Sprintf("member %d", n)
	m.child, err = r.harness.children.launchWith(env, name, r.dir, m.log, r.harness.binary, "run", "--config", file)
	if err != nil {
		return nil, err
	}
	m.watch(r.ctx)
	r.members = append(r.members, m)
	r.tell("%s starts, pid %d %v", name, m.cmd.Process.Pid, env)
	return m, nil
}

// living are the members that run.
func (r *Run) living() []*member {
	var all []*member
	for _, m := range r.members {
		if m.running() {
			all = append(all, m)
		}
	}
	return all
}

// any gives one of the members that run, nil if none does.
func (r *Run) any() *member {
	all := r.living()
	if len(all) == 0 {
		return nil
	}
	return all[r.random.IntN(len(all))]
}

// kill ends a member without warning.
func (r *Run) kill(m *member) {
	r.expected[m] = true
	m.die(r.ctx)
}

// leave lets a member end, which it must do well.
func (r *Run) leave(m *member) {
	r.expected[m] = true
	if err := m.leave(r.ctx); err != nil {
		r.wrong("%v", err)
	}
}

// recoveryLimit is how long a service may take until all is counted.
const recoveryLimit = 90 * time.Second

// perform plays the scenario, and compares what came of it.
func (r *Run) perform() error {
	for range max(0, cmp.Or(r.scenario.setup.members, 2)) {
		if _, err := r.add(); err != nil {
			return err
		}
	}
	if err := r.scenario.play(r); err != nil {
		return err
	}
	if err := r.pour(0).wait(); err != nil { // what is left of the log
		return err
	}
	if err := r.reread(); err != nil {
		return err
	}
	if err := r.settle(); err != nil {
		return err
	}
	for _, m := range r.members {
		switch {
		case m.running():
			r.leave(m)
		case !r.expected[m]:
			r.wrong("%s ended by itself: %v", m.name, m.err)
		}
	}
	return r.verify(r.ctx)
}

// settle waits until every record is counted in all buckets and committed.
func (r *Run) settle() error {
	began := r.lastWrite
	if r.lastFault.After(began) {
		began = r.lastFault
	}
	r.tell("%d records are written, %d faults were injected", len(r.written), r.result.Faults)
	ctx, cancel := context.WithTimeout(r.ctx, recoveryLimit)
	defer cancel()
	err := r.awaitCounted(ctx)
	r.result.Recovery = time.Since(began)
	switch {
	case err == nil:
		r.tell("all is counted and committed after %v", r.result.Recovery)
		return nil
	case r.ctx.Err() != nil:
		return r.ctx.Err()
	case errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil:
		r.wrong("not all is counted and committed after %v: %v", recoveryLimit, err)
		return nil
	}
	return err
}
