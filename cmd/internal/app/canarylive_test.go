package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/parcelsentry/parcelsentry/cmd/internal/app"
	"github.com/parcelsentry/parcelsentry/cmd/internal/canary"
	"github.com/parcelsentry/parcelsentry/cmd/internal/kafkaio"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/config"
)

// withCanaries lets the service of a bench test itself every second.
func (b *bench) withCanaries() {
	b.t.Helper()
	b.config.Kafka.Topics.Canary = b.config.Kafka.Group + "-canary"
	b.config.Canary = config.Canary{
		Interval: config.Duration(time.Second), Timeout: config.Duration(time.Second),
		KeyFile: filepath.Join(filepath.Dir(b.file), "canary.key"),
	}
	if err := os.WriteFile(b.config.Canary.KeyFile, []byte(strings.Repeat("secret", 6)), 0o600); err != nil {
		b.t.Fatal(err)
	}
	if err := kafkaio.CreateTopics(b.context(), b.options, kafkaio.TopicSpec{Name: b.config.Kafka.Topics.Canary, Partitions: 1}); err != nil {
		b.t.Fatal(err)
	}
}

// back tells of how many partitions a canary came back.
func back(t *testing.T, s *app.Service) int {
	t.Helper()
	n, err := testutil.GatherAndCount(s.Registry(), "parcelsentry_canary_seconds")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestCanaries lets two instances work through shipments while each writes canaries to all four partitions. All come back,
// those of each to itself, and what is counted and said of shipments is what a replay without the key gives.
func TestCanaries(t *testing.T) {
	b := newBench(t)
	b.withCanaries()
	store := b.store()
	one, stopOne := b.serve()
	two, stopTwo := b.serve()
	all := b.shipments(3000)
	b.produce(all[:1500])
	ticks := time.NewTicker(50 * time.Millisecond)
	defer ticks.Stop()
	for back(t, one) < 4 || back(t, two) < 4 {
		select {
		case <-b.context().Done():
			t.Fatalf("canaries of %d and %d partitions came back, want 4 and 4", back(t, one), back(t, two))
		case err := <-b.ended:
			t.Fatal(err)
		case <-ticks.C:
		}
	}
	stopOne()
	stopTwo()
	b.config.Canary = config.Canary{} // whoever goes on knows nothing of canaries
	stop := b.start()
	b.produce(all[1500:])
	log := b.readLog()
	b.awaitEverywhere(store, int64(len(log)))
	stop()
	b.verify(store)

	sealed, singing := 0, 0
	for i := range log {
		if _, ok := log[i].Header(canary.Header); ok {
			sealed++
		}
	}
	count := func(_ int, r pipeline.Record) error {
		if strings.Contains(string(r.Value), `"rule":"limit"`) {
			singing++
		}
		return nil
	}
	if err := kafkaio.ReadAll(b.context(), b.options, b.config.Kafka.Topics.Canary, count); err != nil {
		t.Fatal(err)
	}
	if sealed < 8 || singing < 8 || len(log) != len(all)+sealed {
		t.Errorf("%d canaries in a log of %d, %d alerts of canaries", sealed, len(log), singing)
	}
	for _, a := range b.topicAlerts() {
		if strings.Contains(string(a.Entity.ID), "canary") || a.Observed == 1 && a.Rule == "limit" {
			t.Errorf("an alert of a canary reached people: %+v", a)
		}
	}
}
