package app_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/parcelsentry/parcelsentry/cmd/internal/app"
	"github.com/parcelsentry/parcelsentry/cmd/internal/backtest"
	"github.com/parcelsentry/parcelsentry/cmd/internal/logfile"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
)

// TestSeedBeforeTheService: a topic and a file hold the same two months. The file gives the first of them, with a break
// in the middle, the service the rest. Every counter must be that of a plain count of all.
func TestSeedBeforeTheService(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.BrokerConfigs(map[string]string{"group.min.session.timeout.ms": "1000"}))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	b := newBenchAt(t, cluster.ListenAddrs()[0], miniredis.RunT(t).Addr(), "")
	all := b.shipments(12_000)
	var text bytes.Buffer
	for _, m := range all {
		text.Write(m.Value)
		text.WriteByte('\n')
	}
	file := filepath.Join(t.TempDir(), "history.jsonl")
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	until := all[7_000].Time.Truncate(time.Millisecond)
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
	if err != nil || second.Before == 0 || second.Counted > int64(before)-first.Counted {
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
	b.awaitEverywhere(store, int64(len(all)))
	stop()
	b.readLog()
	b.verifyCounts(store)
	if n := eventsTotal(t, service.Registry())["skipped seeded"]; n != float64(before) {
		t.Errorf("%v events skipped as seeded, want %d", n, before)
	}
	refused(func(*app.SeedOptions) {}, "counts of the topic "+b.config.Kafka.Topics.Shipments)
}
