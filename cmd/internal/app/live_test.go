package app_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/parcelsentry/parcelsentry/cmd/internal/app"
	"github.com/parcelsentry/parcelsentry/cmd/internal/backtest"
	"github.com/parcelsentry/parcelsentry/cmd/internal/canary"
	"github.com/parcelsentry/parcelsentry/cmd/internal/codec"
	"github.com/parcelsentry/parcelsentry/cmd/internal/kafkaio"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/cmd/internal/synth"
	"github.com/parcelsentry/parcelsentry/config"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/redisstore"
	"github.com/parcelsentry/parcelsentry/windows/windowstest"
)

// bench is a real Kafka and a real Redis with topics, and a name space in Redis, of a test's own.
type bench struct {
	t       *testing.T
	config  config.Config
	file    string // the configuration, as a file
	key     []byte // of the pseudonyms: senders of two tests never meet in Redis
	options kafkaio.Options
	ctx     context.Context
	ended   chan error // why a member of the service ended that nobody stopped
	// read is the time of each sender's shipments, found by reading the log.
	read map[string][]time.Time
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return newBenchAt(t, windowstest.Server(t, "PARCELSENTRY_TEST_KAFKA"), windowstest.Server(t, "PARCELSENTRY_TEST_REDIS"), "")
}

// newBenchAt takes any broker and Redis, and more configuration.
func newBenchAt(t *testing.T, kafka, server, more string) *bench {
	t.Helper()
	dir := t.TempDir()
	name := fmt.Sprintf("t%x-", time.Now().UnixNano())
	b := &bench{t: t, key: []byte(strings.Repeat(name, 8)), ctx: t.Context(), ended: make(chan error, 4)}
	if deadline, ok := t.Deadline(); ok {
		var cancel context.CancelFunc
		b.ctx, cancel = context.WithDeadline(b.ctx, deadline.Add(-15*time.Second))
		t.Cleanup(cancel)
	}
	if err := os.WriteFile(filepath.Join(dir, "key"), b.key, 0o600); err != nil {
		t.Fatal(err)
	}
	b.file = filepath.Join(dir, "parcelsentry.yaml")
	yaml := fmt.Sprintf(`
kafka:
  brokers: [%q]
  group: %sgroup
  topics: {shipments: %sshipments, alerts: %salerts, flagged: %sflagged, dead_letters: %sdead}
  fetch_bytes: 256KiB
  fetch_wait: 20ms
  commit_interval: 200ms
  session_timeout: 3s
  heartbeat_interval: 300ms
  rebalance_timeout: 5s
redis:
  addresses: [%q]
  flush_events: 500
  flush_interval: 100ms
  checkpoint_interval: 1s
privacy:
  key_file: key
windows:
  working_set: 1MiB
http:
  address: 127.0.0.1:0
%s`, kafka, name, name, name, name, name, server, more)
	if err := os.WriteFile(b.file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.LoadFile(b.file)
	if err != nil {
		t.Fatal(err)
	}
	b.config = c
	b.options = kafkaio.Options{Brokers: c.Kafka.Brokers}
	topics := c.Kafka.Topics
	if err := kafkaio.CreateTopics(b.context(), b.options,
		kafkaio.TopicSpec{Name: topics.Shipments, Partitions: 4},
		kafkaio.TopicSpec{Name: topics.Alerts, Partitions: 2},
		kafkaio.TopicSpec{Name: topics.Flagged, Partitions: 2},
		kafkaio.TopicSpec{Name: topics.DeadLetters, Partitions: 1},
	); err != nil {
		t.Fatal(err)
	}
	return b
}

// context is one that ends before the test binary is killed for taking too long, so that a test that waits in vain can
// say what for.
func (b *bench) context() context.Context { return b.ctx }

// start runs a member of the service in this process, and gives what stops it and waits.
func (b *bench) start() (stop func()) {
	b.t.Helper()
	_, stop = b.serve()
	return stop
}

// serve is start, and gives the member too, once its HTTP server takes connections.
func (b *bench) serve() (s *app.Service, stop func()) {
	b.t.Helper()
	s, err := app.New(app.Options{Config: b.config, Log: quiet(), Version: "test"})
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Run(ctx); err != nil {
			b.ended <- err
		}
	}()
	select {
	case <-s.Listening():
	case err := <-b.ended:
		b.t.Fatalf("the service ended with: %v", err)
	}
	return s, func() {
		cancel()
		<-done
		select {
		case err := <-b.ended:
			b.t.Errorf("the service ended with: %v", err)
		default:
		}
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// produce writes shipments to the topic, keyed by sender, with their event time as timestamp.
func (b *bench) produce(messages []kafkaio.Message) {
	b.t.Helper()
	o := b.options
	o.OutputTopics = []string{b.config.Kafka.Topics.Shipments}
	p := kafkaio.NewProducer(o)
	defer p.Close()
	for part := range slices.Chunk(messages, 1000) {
		if err := p.Write(b.context(), part); err != nil {
			b.t.Fatal(err)
		}
	}
}

// counted gives how many records are counted: those up to the highest fence of each partition, and those that every
// bucket knows of.
func (b *bench) counted(store windows.Store) (some, everywhere int64) {
	b.t.Helper()
	for p := range 4 {
		f, err := store.Fences(b.context(), b.config.Kafka.Topics.Shipments, p)
		if err != nil {
			b.t.Fatal(err)
		}
		lowest, highest := f.At[0].Offset, f.At[0].Offset
		for i, fence := range f.At {
			if !f.Present[i] {
				lowest, highest = windows.NoOffset, windows.NoOffset
				break
			}
			lowest, highest = min(lowest, fence.Offset), max(highest, fence.Offset)
		}
		some += highest + 1
		everywhere += lowest + 1
	}
	return some, everywhere
}

// await waits until so many records are counted.
func (b *bench) await(store windows.Store, records int64) {
	b.t.Helper()
	b.until(store, func(some, _ int64) bool { return some >= records })
}

// awaitEverywhere waits until every bucket knows of so many records.
func (b *bench) awaitEverywhere(store windows.Store, records int64) {
	b.t.Helper()
	b.until(store, func(_, everywhere int64) bool { return everywhere >= records })
}

func (b *bench) until(store windows.Store, reached func(some, everywhere int64) bool) {
	b.t.Helper()
	ticks := time.NewTicker(20 * time.Millisecond)
	defer ticks.Stop()
	for {
		some, everywhere := b.counted(store)
		if reached(some, everywhere) {
			return
		}
		select {
		case err := <-b.ended:
			b.t.Fatalf("the service ended with: %v", err)
		case <-b.context().Done():
			b.t.Fatalf("only %d records are counted, %d in every bucket", some, everywhere)
		case <-ticks.C:
		}
	}
}

func (b *bench) store() *redisstore.Store {
	b.t.Helper()
	set, err := app.NewSet(&b.config)
	if err != nil {
		b.t.Fatal(err)
	}
	return redisstore.New(b.client(), redisstore.Options{Layout: redisstore.Layout(set.Layout()...), TTL: time.Hour})
}

func (b *bench) client() *redis.Client {
	client := redis.NewClient(&redis.Options{Addr: b.config.Redis.Addresses[0]})
	b.t.Cleanup(func() { client.Close() })
	return client
}

// verify holds what the service left in Redis and said in its topics against a replay and a plain count of the log. It
// gives the alerts of both.
func (b *bench) verify(store *redisstore.Store) (said, replayed []detector.Alert) {
	t := b.t
	t.Helper()
	log := b.readLog()
	replayed, flags, summary := b.replay(log)
	alerts := fingerprints(replayed)
	t.Logf("%d records, %d senders; replay: %d alerts, %d flagged, %d dead letters",
		len(log), len(b.read), len(alerts), len(flags), summary.DeadLetters)
	if len(alerts) == 0 || len(flags) == 0 {
		t.Error("the log makes no alerts, so this test shows nothing")
	}
	said = b.topicAlerts()
	same(t, "alerts of senders", keys(fingerprints(said)), keys(alerts))
	same(t, "shipments flagged for their sender", ofSenders(b.topicFlags(), fingerprints(said)), ofSenders(flags, alerts))
	b.verifyCounts(store)
	return said, replayed
}

// fingerprints gives those of the alerts of senders, by the alerts' ids.
func fingerprints(alerts []detector.Alert) map[string]string {
	ids := map[string]string{}
	for i := range alerts {
		if a := &alerts[i]; a.Entity.Kind == detector.KindSender {
			ids[a.ID] = a.Fingerprint
		}
	}
	return ids
}

func keys(alerts map[string]string) map[string]bool {
	ids := map[string]bool{}
	for id := range alerts {
		ids[id] = true
	}
	return ids
}

// ofSenders leaves out the flags of incidents that have no alert of a sender: what is concluded of a recipient or a
// lane, which several partitions feed, depends on the order in which these were read.
func ofSenders(flags map[string]bool, alerts map[string]string) map[string]bool {
	incidents := map[string]bool{}
	for _, fingerprint := range alerts {
		incidents[fingerprint] = true
	}
	return maps.Collect(func(yield func(string, bool) bool) {
		for flag := range flags {
			if _, fingerprint, _ := strings.Cut(flag, " "); incidents[fingerprint] && !yield(flag, true) {
				return
			}
		}
	})
}

// same compares two sets of names.
func same(t *testing.T, what string, got, want map[string]bool) {
	t.Helper()
	missing, extra := 0, 0
	for name := range want {
		if !got[name] {
			missing++
		}
	}
	for name := range got {
		if !want[name] {
			extra++
		}
	}
	if missing+extra > 0 {
		t.Errorf("%s: %d missing, %d too many, %d expected", what, missing, extra, len(want))
	}
}

// readLog reads the input topic, all partitions in the order of time, and counts each sender's shipments by itself.
func (b *bench) readLog() []pipeline.Record {
	b.t.Helper()
	decoders, err := app.NewDecoders(&b.config, quiet())
	if err != nil {
		b.t.Fatal(err)
	}
	d := decoders.New()
	b.read = map[string][]time.Time{}
	var log []pipeline.Record
	err = kafkaio.ReadAll(b.context(), b.options, b.config.Kafka.Topics.Shipments, func(_ int, r pipeline.Record) error {
		log = append(log, r)
		var e detector.Event
		if err := d.DecodeInto(&e, r.Value, windows.Coordinates{}, r.Time); err == nil && e.Type != canary.EventType {
			b.read[string(e.Sender)] = append(b.read[string(e.Sender)], e.Time)
		}
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	slices.SortStableFunc(log, func(a, b pipeline.Record) int { return a.Time.Compare(b.Time) })
	return log
}

// replay runs the log through the replay of the same configuration, with the profiles that the service decided on. It
// gives its alerts.
func (b *bench) replay(log []pipeline.Record) (alerts []detector.Alert, flags map[string]bool, s backtest.Summary) {
	b.t.Helper()
	set, err := app.NewSet(&b.config)
	if err != nil {
		b.t.Fatal(err)
	}
	decoders, err := app.NewDecoders(&b.config, quiet())
	if err != nil {
		b.t.Fatal(err)
	}
	flags = map[string]bool{}
	s, err = backtest.Replay(b.context(), backtest.Options{
		Set: set, Decoder: decoders.New(), Lines: &records{rest: log}, Name: "log", WorkingSet: 1 << 20, Log: quiet(),
		Profiles: b.profiles(set),
		AppendAlert: func(b []byte, a *detector.Alert) []byte {
			alerts = append(alerts, *a)
			return b
		},
		Alerts: io.Discard,
		Flag:   func(f *detector.Flag) { flags[f.EventID+" "+f.Fingerprint] = true },
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return alerts, flags, s
}

// profiles are those that the service has decided on.
func (b *bench) profiles(set *detector.Set) pipeline.Profiles {
	b.t.Helper()
	recorded, err := redisstore.NewProfiles(b.client(), redisstore.Layout(set.Layout()...)).Recorded(b.context())
	if err != nil {
		b.t.Fatal(err)
	}
	chain := pipeline.NewProfileChain(set)
	if err := chain.Record(recorded); err != nil {
		b.t.Fatal(err)
	}
	return chain
}

// records are lines for a replay.
type records struct{ rest []pipeline.Record }

func (r *records) Next() ([]byte, error) {
	if len(r.rest) == 0 {
		return nil, io.EOF
	}
	value := r.rest[0].Value
	r.rest = r.rest[1:]
	return value, nil
}

// topicAlerts gives the alerts of the topic. Those of senders must not differ if they come twice.
func (b *bench) topicAlerts() (alerts []detector.Alert) {
	b.t.Helper()
	first := map[string]string{}
	err := kafkaio.ReadAll(b.context(), b.options, b.config.Kafka.Topics.Alerts, func(_ int, r pipeline.Record) error {
		a, err := codec.ParseAlert(r.Value)
		if err != nil {
			return err
		}
		alerts = append(alerts, a)
		if a.Entity.Kind != detector.KindSender {
			return nil
		}
		if before, ok := first[a.ID]; ok && before != string(r.Value) {
			return fmt.Errorf("alert %s was said in two ways:\n%s\n%s", a.ID, before, r.Value)
		}
		first[a.ID] = string(r.Value)
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return alerts
}

func (b *bench) topicFlags() map[string]bool {
	b.t.Helper()
	flags := map[string]bool{}
	err := kafkaio.ReadAll(b.context(), b.options, b.config.Kafka.Topics.Flagged, func(_ int, r pipeline.Record) error {
		f, err := codec.ParseFlag(r.Value)
		flags[f.EventID+" "+f.Fingerprint] = true
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return flags
}

// verifyCounts compares every pane in Redis with a plain count of the sender's shipments.
func (b *bench) verifyCounts(store *redisstore.Store) {
	t := b.t
	t.Helper()
	set, _ := app.NewSet(&b.config)
	stored := map[string]*windows.Entity{}
	for sender := range b.read {
		stored[windows.NewKey(detector.KindSender, sender).ID] = nil
	}
	err := store.Scan(b.context(), detector.KindSender, func(e *windows.Entity) error {
		if _, ours := stored[e.Key.ID]; ours {
			e.Settle(set.Ladder())
			stored[e.Key.ID] = e
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wrong := 0
	for sender, times := range b.read {
		if problem := compare(stored[windows.NewKey(detector.KindSender, sender).ID], times, set.Ladder()); problem != "" {
			if wrong++; wrong <= 5 {
				t.Errorf("sender %s: %s", sender, problem)
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d senders are counted wrong", wrong, len(b.read))
	}
}

func compare(e *windows.Entity, times []time.Time, ladder windows.Ladder) string {
	if e == nil {
		return "is not in Redis"
	}
	if e.Events() != int64(len(times)) {
		return fmt.Sprintf("%d events in Redis, %d in the log", e.Events(), len(times))
	}
	newest := slices.MaxFunc(times, time.Time.Compare)
	for _, r := range ladder {
		want := map[int64]int64{}
		for _, at := range times {
			if p := r.Pane(at); p > r.Pane(newest)-r.Keep {
				want[p]++
			}
		}
		got := map[int64]int64{}
		for _, p := range e.Panes('i', r, windows.Sub{}) {
			got[p.Pane] = p.N
		}
		// Detectors decide which resolutions items are counted at.
		if len(got) > 0 && !maps.Equal(got, want) {
			return fmt.Sprintf("by %c %v in Redis, %v in the log", r.Name, got, want)
		}
		var places, all int64
		for _, panes := range e.Subs('o', r) {
			for _, p := range panes {
				places += p.N
			}
		}
		for _, n := range want {
			all += n
		}
		if places > 0 && places != all {
			return fmt.Sprintf("by place and %c %d in Redis, %d in the log", r.Name, places, all)
		}
	}
	return ""
}

// shipments makes up n of them, with incidents, and some records that are no shipments.
func (b *bench) shipments(n int) []kafkaio.Message {
	b.t.Helper()
	stream, err := synth.New(synth.Options{
		Seed: 7, Senders: 1500, Start: time.Date(2026, 2, 2, 0, 0, 0, 0, time.UTC), Span: 60 * 24 * time.Hour, Rate: 1.4,
		Bursts: 20, Routes: 20, NewSenders: 20,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	var all []kafkaio.Message
	for len(all) < n {
		s, ok := stream.Next()
		if !ok {
			b.t.Fatalf("only %d shipments were made up", len(all))
		}
		m := kafkaio.Message{Topic: b.config.Kafka.Topics.Shipments, Key: []byte(s.Sender), Value: s.AppendJSON(nil), Time: s.Time}
		all = append(all, m)
		if len(all)%5000 == 0 {
			m.Value = []byte(`{"event_time": "yesterday"}`)
			all = append(all, m)
		}
	}
	return all
}
