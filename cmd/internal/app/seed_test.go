package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/parcelsentry/parcelsentry/cmd/internal/app"
	"github.com/parcelsentry/parcelsentry/cmd/internal/backtest"
	"github.com/parcelsentry/parcelsentry/cmd/internal/kafkaio"
	"github.com/parcelsentry/parcelsentry/cmd/internal/logfile"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/config"
)

// TestSeedBeforeTheService: a topic and a file hold the same two months. The file gives the first of them, with a break
// in the middle, the service the rest. Every counter must be that of a plain count of all.
func TestSeedBeforeTheService(t *testing.T) {
	b := embedded(t)
	all := b.shipments(7_000)
	var text bytes.Buffer
	for _, m := range all {
		text.Write(m.Value)
		text.WriteByte('\n')
	}
	file := filepath.Join(t.TempDir(), "history.jsonl")
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	until := all[6_000].Time.Truncate(time.Millisecond)
	before := 0
	for _, m := range all {
		if m.Time.Before(until) && !strings.Contains(string(m.Value), "yesterday") {
			before++
		}
	}
	o := app.SeedOptions{
		Config: b.config, Fingerprint: "0123", Until: until, Log: quiet(),
		Open: func() (backtest.File, error) { return logfile.Open([]string{file}, nil) },
	}

	ctx, cancel := context.WithCancel(b.context())
	broken := o
	broken.DeadLetter = func(*pipeline.DeadLetter) { cancel() } // there is one after 5,000 shipments
	first, err := app.Seed(ctx, broken)
	if !errors.Is(err, context.Canceled) || first.Counted == 0 {
		t.Fatalf("%+v, %v", first, err)
	}
	second, err := app.Seed(b.context(), o)
	if err != nil || second.Before == 0 || second.Counted > int64(before) {
		t.Errorf("after a break: %+v and %+v, %v; there are %d", first, second, err, before)
	}
	third, err := app.Seed(b.context(), o)
	if err != nil || third.Counted != 0 {
		t.Errorf("the third time: %+v, %v", third, err)
	}
	refused := func(change func(*app.SeedOptions), want string) {
		t.Helper()
		other := o
		change(&other)
		if _, err := app.Seed(b.context(), other); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	refused(func(o *app.SeedOptions) { o.Fingerprint = "4567" }, "counts of other files")
	refused(func(o *app.SeedOptions) { o.Until = until.Add(time.Hour) }, "seeded until "+until.Format("2006-01-02T15:04:05.000Z"))

	service, stop := b.serve()
	b.produce(all)
	store := b.store()
	b.await(store, int64(len(all)))
	stop()
	b.readLog()
	b.verifyCounts(store)
	if n := eventsTotal(t, service.Registry())["skipped seeded"]; n != float64(before) {
		t.Errorf("%v events skipped as seeded, want %d", n, before)
	}
	refused(func(*app.SeedOptions) {}, "counts of the topic "+b.config.Kafka.Topics.Shipments)
}

// embedded is a bench on a broker and a Redis in this process.
func embedded(t *testing.T) *bench {
	t.Helper()
	if testing.Short() {
		t.Skip("Redis scripts in this process take minutes under the race detector: not with -short")
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.BrokerConfigs(map[string]string{"group.min.session.timeout.ms": "1000"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	b := newBenchAt(t, cluster.ListenAddrs()[0], miniredis.RunT(t).Addr(), "")
	b.config.Redis.CheckpointInterval = config.Duration(time.Hour) // in memory they take longer than all else
	return b
}

// TestSeedFromTopic counts what the topic holds and tells nobody; the service goes on behind it. When Redis is empty
// again, as after a change of resolutions, the seed counts what the service had read, and that is not said again.
func TestSeedFromTopic(t *testing.T) {
	b := embedded(t)
	all := b.shipments(6_000)
	for i := range 250 { // 200 are too many, whoever sends them
		m := all[len(all)-1]
		m.Key, m.Value = []byte("new"), fmt.Appendf(nil, `{"event_id":"n%d","event_time":%q,"sender_id":"new"}`, i, m.Time.Format(time.RFC3339))
		all = append(all, m)
	}
	store := b.store()
	said := func() (alerts, letters int) {
		t.Helper()
		err := kafkaio.ReadAll(b.context(), b.options, b.config.Kafka.Topics.DeadLetters, func(int, pipeline.Record) error {
			letters++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return len(b.topicAlerts()), letters
	}
	seed := func() backtest.SeedSummary {
		t.Helper()
		sum, err := app.SeedFromTopic(b.context(), app.Options{Config: b.config, Log: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	const first = 5_900 // the parcels of a new sender come after it
	b.produce(all[:first])
	if sum := seed(); sum.Counted != first-1 || sum.DeadLetters != 1 {
		t.Errorf("%+v, want %d counted and a dead letter", sum, first-1)
	}
	if sum := seed(); sum.Counted != 0 || sum.DeadLetters != 0 {
		t.Errorf("the second time: %+v", sum)
	}
	if alerts, letters := said(); alerts != 0 || letters != 1 {
		t.Errorf("%d alerts and %d dead letters sent, want 0 and 1", alerts, letters)
	}
	_, stop := b.serve()
	b.produce(all[first:])
	b.await(store, int64(len(all)))
	stop()
	b.readLog()
	b.verifyCounts(store)
	alerts, letters := said()
	if alerts == 0 || letters != 1 {
		t.Errorf("%d alerts and %d dead letters sent, want some and 1", alerts, letters)
	}

	if err := b.client().FlushAll(b.context()).Err(); err != nil {
		t.Fatal(err)
	}
	if sum := seed(); sum.Counted != int64(len(all)-1) {
		t.Errorf("from nothing again: %+v, want %d counted", sum, len(all)-1)
	}
	_, stop = b.serve()
	b.await(store, int64(len(all)))
	stop()
	b.verifyCounts(store)
	if again, more := said(); again != alerts || more != letters {
		t.Errorf("%d alerts and %d dead letters sent, want %d and %d still", again, more, alerts, letters)
	}
}
