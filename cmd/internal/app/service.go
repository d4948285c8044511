// Package app puts the parts together: it is the only package that knows them all.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/parcelsentry/parcelsentry/cmd/internal/httpserver"
	"github.com/parcelsentry/parcelsentry/cmd/internal/kafkaio"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/cmd/internal/watchdog"
	"github.com/parcelsentry/parcelsentry/config"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows/redisstore"
)

// Options are what a Service is made of.
type Options struct {
	Config config.Config
	Log    *slog.Logger
	// Version is what the binary calls itself.
	Version string
}

// Service is the running service: shipments in, alerts out.
type Service struct {
	config   config.Config
	log      *slog.Logger
	set      *detector.Set
	decoders *Decoders
	registry *prometheus.Registry
	metrics  *pipeline.Metrics
	client   redis.UniversalClient
	store    *redisstore.Store
	profiles *pipeline.StoredProfiles
	group    *kafkaio.Group
	producer *kafkaio.Producer
	buried   *buried
	http     *httpserver.Server
	watchdog *watchdog.Watchdog
	redis    *redisWatch
	canaries *canaries // nil for none
	faults   injector
}

// New wires a service that does nothing until Run, or says what can't work.
func New(o Options) (*Service, error) {
	c := o.Config
	set, err := NewSet(&c)
	if err != nil {
		return nil, err
	}
	decoders, err := NewDecoders(&c, o.Log)
	if err != nil {
		return nil, err
	}
	faults, err := newInjector(o.Log)
	if err != nil {
		return nil, err
	}
	registry := newRegistry(&c, o.Version)
	canaries, err := newCanaries(&c, registry, o.Log)
	if err != nil {
		return nil, err
	}
	client, err := newRedis(&c.Redis) // last of what can fail, as it has to be closed
	if err != nil {
		return nil, err
	}
	s := &Service{
		config: c, log: o.Log, set: set, decoders: decoders, client: client, registry: registry, canaries: canaries, faults: faults,
	}
	s.metrics = pipeline.NewMetrics(s.registry, set.Rules())
	layout := redisstore.Layout(set.Layout()...)
	s.profiles = pipeline.NewStoredProfiles(set, redisstore.NewProfiles(client, layout))
	s.store = redisstore.New(client, storeOptions(&c, set))
	s.redis = newRedisWatch(s.store, o.Log)
	s.watchdog = watchdog.New(time.Duration(c.HTTP.StuckAfter), time.Now)
	s.registry.MustRegister(s.redis, hangs{s.watchdog, o.Log})
	kafka := kafkaOptions(&c.Kafka, o.Log)
	kafka.Metrics = kafkaio.NewMetrics(s.registry)
	if s.canaries != nil {
		kafka.OutputTopics = append(kafka.OutputTopics, c.Kafka.Topics.Canary)
	}
	kafka.Activity = s.watchdog.Watch("the consumer group", nil)
	s.group = kafkaio.NewGroup(kafka)
	s.producer = kafkaio.NewProducer(kafka)
	s.buried = &buried{kafka: kafka, topic: c.Kafka.Topics.DeadLetters, log: o.Log}
	s.http = httpserver.New(httpserver.Options{
		Address: c.HTTP.Address, Registry: s.registry, Log: o.Log,
		Healthy: s.watchdog.Stuck,
		Ready:   s.ready,
	})
	return s, nil
}

func kafkaOptions(c *config.Kafka, log *slog.Logger) kafkaio.Options {
	return kafkaio.Options{
		Brokers: c.Brokers, ClientID: c.ClientID, Group: c.Group, Topic: c.Topics.Shipments,
		OutputTopics:   []string{c.Topics.Alerts, c.Topics.Flagged, c.Topics.DeadLetters},
		SessionTimeout: time.Duration(c.SessionTimeout), HeartbeatInterval: time.Duration(c.HeartbeatInterval),
		RebalanceTimeout: time.Duration(c.RebalanceTimeout),
		FetchBytes:       int(c.FetchBytes), FetchWait: time.Duration(c.FetchWait),
		Compression: string(c.Compression), Log: log,
	}
}

func newRegistry(c *config.Config, version string) *prometheus.Registry {
	r := prometheus.NewRegistry()
	info := func(name, help string, labels prometheus.Labels) {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "parcelsentry_" + name, Help: help, ConstLabels: labels})
		g.Set(1)
		r.MustRegister(g)
	}
	info("build_info", "What this binary is.", prometheus.Labels{"version": version, "goversion": runtime.Version()})
	info("config_info", "The settings in force that decide findings.", prometheus.Labels{"hash": c.Hash()})
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Address gives the address of the HTTP server once Listening is closed.
func (s *Service) Address() string { return s.http.Address() }

// Listening is closed when the HTTP server takes connections.
func (s *Service) Listening() <-chan struct{} { return s.http.Listening() }

// Registry holds every metric of the service.
func (s *Service) Registry() *prometheus.Registry { return s.registry }

// Ready tells why the service can't work just now, nil if it can.
func (s *Service) Ready() error { return s.ready() }

// Run works until ctx ends, then finishes what is in hand. It returns an error only for what no retry mends.
func (s *Service) Run(ctx context.Context) error {
	defer s.close()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.http.Run(ctx) })
	g.Go(func() error {
		s.redis.run(ctx)
		return nil
	})
	g.Go(func() error {
		s.canaries.run(ctx)
		return nil
	})
	g.Go(func() error {
		hangs{s.watchdog, s.log}.run(ctx)
		return nil
	})
	g.Go(func() error {
		if err := s.checkRedis(ctx); err != nil {
			return err
		}
		if err := s.group.Run(ctx, s.work); err != nil {
			return err
		}
		return ctx.Err()
	})
	err := g.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// close ends what New made.
func (s *Service) close() {
	s.buried.close()
	if err := errors.Join(s.producer.Close(), s.client.Close()); err != nil {
		s.log.Warn("closing connections", "error", err)
	}
}

// checkRedis waits for Redis and refuses one that would throw counts away.
func (s *Service) checkRedis(ctx context.Context) error {
	const pause = time.Second
	task := s.watchdog.Watch("Redis", nil)
	defer task.Leave()
	for {
		task.Begin("check")
		err := s.store.Check(ctx)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, redisstore.ErrPolicyUnknown):
			s.log.Warn("can't tell whether Redis evicts keys when it is full; it must not", "error", err)
			return nil
		case redisstore.Fatal(err):
			return err
		}
		task.Failed("check", err)
		s.log.Warn("waiting for Redis", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// work carries one partition on until it is given away.
func (s *Service) work(ctx context.Context, partition int, source pipeline.Source) error {
	c := &s.config
	bounds := shared(limits(c), s.group.Assigned())
	worker := pipeline.NewWorker(s.faults.options(pipeline.Options{
		Set: s.set, Decoder: s.decoders.New(), Topic: c.Kafka.Topics.Shipments, Partition: partition,
		Limits: bounds, Metrics: s.metrics, Log: s.log, StartAtEnd: c.Kafka.Start == config.Latest,
		Canary: s.canaries.worker(),
	}))
	task := s.watchdog.Watch(fmt.Sprintf("partition %d of %s", partition, c.Kafka.Topics.Shipments), worker.Where)
	defer task.Leave()
	err := pipeline.Run(ctx, worker, s.faults.io(pipeline.IO{
		Source: source, Store: s.store, Profiles: s.profiles, Buried: s.buried.from,
		Sink: s.sink(),
		// Redis that refuses is waited for, with readiness off: somebody may mend it. Kafka that refuses for good
		// is a setting to correct.
		Fatal: kafkaio.Fatal,
		// The group waits for a member that falls silent no longer than this.
		Grace:    time.Duration(c.Kafka.SessionTimeout) * 2 / 3,
		Activity: task,
	}))
	if err == nil && ctx.Err() == nil {
		// The group would keep the partition, and nobody would read it.
		return errors.New("its worker ended though nobody stopped it")
	}
	return err
}

func (s *Service) sink() *sink {
	return &sink{producer: s.producer, topics: s.config.Kafka.Topics, payload: payload(&s.config), log: s.log}
}

// payload tells whether dead letters carry the original bytes: in doubt not, where people go by pseudonyms.
func payload(c *config.Config) bool {
	switch c.Events.DeadLetter.Payload {
	case config.PayloadAlways:
		return true
	case config.PayloadNever:
		return false
	}
	return len(c.Privacy.Pseudonyms) == 0
}

func (s *Service) ready() error {
	if !s.group.Joined() {
		return errors.New("not a member of the consumer group yet")
	}
	// Redis may answer and refuse all the same: a replica, or one that is full.
	if err := s.watchdog.Failing(); err != nil {
		return err
	}
	const patience = time.Second
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("redis does not answer: %w", err)
	}
	return nil
}
