package chaos

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/parcelsentry/parcelsentry/cmd/internal/app"
	"github.com/parcelsentry/parcelsentry/cmd/internal/testbed"
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

	kafka      *testbed.Kafka
	partitions int              // of the input
	homes      map[string]int32 // the partition of each sender
	epoch      int              // counts the topics that the input was
	servers    []*testbed.Redis
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
	if r.kafka, err = testbed.NewKafka(h.brokers[0].Address); err != nil {
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
	r.client = server.Client
	if !r.scenario.setup.proxy {
		return []string{server.Address}, nil
	}
	if r.proxy, err = newProxy(server.Address, r.result.Seed, proxyPatience); err != nil {
		return nil, err
	}
	return []string{r.proxy.address}, nil
}

// addRedis starts one more server.
func (r *Run) addRedis(name string, lines ...string) (*testbed.Redis, error) {
	server, err := r.harness.servers.NewRedis(r.dir, name, lines...)
	if err != nil {
		return nil, err
	}
	r.servers = append(r.servers, server)
	return server, server.Start(r.ctx)
}

func (r *Run) createTopics() error {
	t := r.config.Kafka.Topics
	return r.kafka.Create(
		r.ctx, r.input(),
		testbed.Topic{Name: t.Alerts, Partitions: outputPartitions},
		testbed.Topic{Name: t.Flagged, Partitions: outputPartitions},
		testbed.Topic{Name: t.DeadLetters, Partitions: 1},
	)
}

// input is the topic of shipments.
func (r *Run) input() testbed.Topic {
	t := testbed.Topic{Name: r.config.Kafka.Topics.Shipments, Partitions: r.partitions, Config: r.scenario.setup.topic}
	if r.scenario.setup.twoBrokers {
		for p := range r.partitions {
			t.Leaders = append(t.Leaders, int32(1+2*p/r.partitions))
		}
	}
	return t
}

// close ends what the run has started. Its topics go too; a broker that can't now keeps them.
func (r *Run) close() {
	for _, m := range r.members {
		m.Kill()
		m.unwatch()
	}
	if r.proxy != nil {
		r.proxy.close()
	}
	for _, s := range r.servers {
		s.Close()
	}
	if r.scenario.setup.cluster && r.client != nil {
		_ = r.client.Close()
	}
	if r.kafka != nil {
		t := r.config.Kafka.Topics
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), testbed.RequestTimeout)
		defer cancel()
		if t.Shipments != "" {
			_ = r.kafka.Remove(ctx, t.Shipments, t.Alerts, t.Flagged, t.DeadLetters)
		}
		r.kafka.Close()
	}
	if r.story != nil {
		r.story.Close()
	}
}
