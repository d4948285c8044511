package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parcelsentry/parcelsentry/cmd/internal/canary"
	"github.com/parcelsentry/parcelsentry/cmd/internal/codec"
	"github.com/parcelsentry/parcelsentry/cmd/internal/kafkaio"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/config"
	"github.com/parcelsentry/parcelsentry/detector"
)

// canaries are how the service tests itself: it writes them to the input topic, its workers and those of all other
// instances know them by their seals, and it reads their alerts back. A nil one is off.
type canaries struct {
	config  config.Canary
	topics  config.Topics
	key     []byte
	set     *detector.Set
	kafka   kafkaio.Options
	account *canary.Account
	keys    map[int][]byte // what leads to each partition, as last known; fly's alone
	metrics canaryMetrics
	log     *slog.Logger
}

// newCanaries gives nil where the configuration wants none.
func newCanaries(c *config.Config, reg prometheus.Registerer, log *slog.Logger) (*canaries, error) {
	if !c.Canary.On() {
		return nil, nil
	}
	key, err := secret("canary.key_file", c.Canary.KeyFile)
	if err != nil {
		return nil, err
	}
	set, err := canarySet(c)
	if err != nil {
		return nil, err
	}
	kafka := kafkaOptions(&c.Kafka, log)
	kafka.OutputTopics = []string{c.Kafka.Topics.Shipments}
	return &canaries{
		config: c.Canary, topics: c.Kafka.Topics, key: key, set: set, kafka: kafka,
		account: canary.NewAccount(time.Duration(c.Canary.Timeout)),
		metrics: newCanaryMetrics(reg), log: log,
	}, nil
}

// secret reads a key of at least 32 bytes, the strength of the hash; blanks around it are ignored.
func secret(setting, file string) ([]byte, error) {
	key, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	const shortest = 32
	if key = bytes.TrimSpace(key); len(key) < shortest {
		return nil, fmt.Errorf("%s: %s holds %d bytes, needs at least %d, such as: openssl rand -hex 32", setting, file, len(key), shortest)
	}
	return key, nil
}

// canarySet fires at the first event of any sender.
func canarySet(c *config.Config) (*detector.Set, error) {
	l := ladder(c.Windows.Resolutions)
	return detector.New(detector.Settings{
		Ladder: l, MaxFields: c.Windows.MaxFields,
		Prior:      detector.Prior{Rate: c.Detectors.Prior.Rate, Dispersion: c.Detectors.Prior.Dispersion},
		Limit:      &detector.LimitSettings{Window: l[0].Slide, Shipments: 1},
		Alerts:     alertSettings(c),
		ConfigHash: c.Hash(),
	})
}

// worker gives what a worker needs to know them.
func (c *canaries) worker() *pipeline.Canary {
	if c == nil {
		return nil
	}
	return &pipeline.Canary{Recognise: c.recognise, MaxAge: canary.MaxAge, Set: c.set}
}

func (c *canaries) recognise(r *pipeline.Record) bool {
	seal, ok := r.Header(canary.Header)
	return ok && canary.Sealed(c.key, r.Value, seal)
}

// run writes canaries and waits for them until ctx ends.
func (c *canaries) run(ctx context.Context) {
	if c == nil {
		return
	}
	producer := kafkaio.NewProducer(c.kafka)
	defer producer.Close()
	following := c.kafka
	following.FetchWait = 5 * time.Second // an alert is sent at once; nothing is in a hurry to hear of none
	started := make(chan struct{})
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() {
		kafkaio.Follow(ctx, following, c.topics.Canary, func() { close(started) }, c.heard)
	})
	select {
	case <-started:
	case <-ctx.Done():
		return
	}
	c.fly(ctx, producer)
}

// fly writes canaries every so often, and gives up those that are missing.
func (c *canaries) fly(ctx context.Context, producer *kafkaio.Producer) {
	leave, look := time.NewTicker(time.Duration(c.config.Interval)), time.NewTicker(time.Duration(c.config.Timeout)/4)
	defer leave.Stop()
	defer look.Stop()
	c.send(ctx, producer)
	for {
		select {
		case <-ctx.Done():
			return
		case <-leave.C:
			c.send(ctx, producer)
		case now := <-look.C:
			c.miss(now)
		}
	}
}

// send writes a canary to every partition. One that can't be written is missed like one that does not come back.
func (c *canaries) send(ctx context.Context, producer *kafkaio.Producer) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(c.config.Timeout))
	defer cancel()
	if keys, err := producer.Keys(ctx, c.topics.Shipments); err == nil {
		c.keys = keys
	} else {
		c.log.Warn("can't look up where canaries go", "error", err)
	}
	var all []kafkaio.Message
	now := time.Now()
	for partition, key := range c.keys {
		id := rand.Text()
		value := canary.Value(id, now)
		all = append(all, kafkaio.Message{
			Topic: c.topics.Shipments, Key: key, Value: value, Time: now,
			Headers: []kafkaio.Header{{Key: canary.Header, Value: canary.Seal(c.key, value)}},
		})
		c.metrics.sent(partition)
		c.account.Sent(id, partition, now)
	}
	if err := producer.Write(ctx, all); err != nil && ctx.Err() == nil {
		c.log.Warn("can't write canaries", "error", err)
	}
}

// heard takes an alert from the topic of canaries.
func (c *canaries) heard(r pipeline.Record) {
	alert, err := codec.ParseAlert(r.Value)
	if err != nil {
		c.log.Warn("the topic of canaries holds something else", "topic", c.topics.Canary, "error", err)
		return
	}
	if partition, took, ok := c.account.Back(alert.EventID, time.Now()); ok {
		c.metrics.back(partition, took)
	}
}

func (c *canaries) miss(now time.Time) {
	for _, partition := range c.account.GiveUp(now) {
		c.metrics.missed(partition)
		c.log.Warn("a canary did not come back", "topic", c.topics.Shipments, "partition", partition, "after", c.config.Timeout)
	}
}

// canaryMetrics are by partition of the input topic.
type canaryMetrics struct {
	seconds, missing *prometheus.GaugeVec
	total            *prometheus.CounterVec
}

const (
	canaryBack    = "back"
	canaryMissing = "missing"
)

func newCanaryMetrics(reg prometheus.Registerer) canaryMetrics {
	m := canaryMetrics{
		seconds: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "parcelsentry_canary_seconds", Help: "Seconds until the alert of the partition's last canary that came back did so.",
		}, []string{"partition"}),
		missing: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "parcelsentry_canary_missing", Help: "Canaries of the partition in a row whose alert did not come back in time.",
		}, []string{"partition"}),
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "parcelsentry_canaries_total", Help: "Canaries that this process wrote, by whether their alert came back in time.",
		}, []string{"outcome"}),
	}
	for _, outcome := range []string{canaryBack, canaryMissing} {
		m.total.WithLabelValues(outcome)
	}
	reg.MustRegister(m.seconds, m.missing, m.total)
	return m
}

func (m *canaryMetrics) sent(partition int) { m.missing.WithLabelValues(strconv.Itoa(partition)) }

func (m *canaryMetrics) back(partition int, took time.Duration) {
	p := strconv.Itoa(partition)
	m.seconds.WithLabelValues(p).Set(took.Seconds())
	m.missing.WithLabelValues(p).Set(0)
	m.total.WithLabelValues(canaryBack).Inc()
}

func (m *canaryMetrics) missed(partition int) {
	m.missing.WithLabelValues(strconv.Itoa(partition)).Inc()
	m.total.WithLabelValues(canaryMissing).Inc()
}
