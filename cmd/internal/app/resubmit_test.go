package app_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/twmb/franz-go/pkg/kfake"
	"golang.org/x/sync/errgroup"

	"github.com/parcelsentry/parcelsentry/cmd/internal/app"
	"github.com/parcelsentry/parcelsentry/cmd/internal/codec"
	"github.com/parcelsentry/parcelsentry/cmd/internal/kafkaio"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/redisstore"
	"github.com/parcelsentry/parcelsentry/windows/windowstest"
)

// A configuration that takes no time of this test's for one.
const noTimes = `
events:
  time_range: {to: 2026-01-01}
  dead_letter: {payload: %s}
`

// TestResubmit: a wrong setting makes every event of a morning a dead letter. It is corrected, and two people resubmit
// them at once, and again afterwards. Every event counts once, and still does when Redis has lost everything and all of
// the log is read with the corrected setting, by which the first records can be read too.
func TestResubmit(t *testing.T) {
	for _, payload := range []string{"always", "never"} {
		t.Run(payload, func(t *testing.T) {
			cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.BrokerConfigs(map[string]string{"group.min.session.timeout.ms": "1000"}))
			if err != nil {
				t.Fatal(err)
			}
			defer cluster.Close()
			b := newBenchAt(t, cluster.ListenAddrs()[0], miniredis.RunT(t).Addr(), fmt.Sprintf(noTimes, payload))
			store := resubmitTwice(b)
			said := alertIDs(b)
			if payload == "always" {
				return // the first records are no others
			}
			if err := b.client().FlushAll(b.context()).Err(); err != nil {
				t.Fatal(err)
			}
			stop := b.start()
			b.awaitEverywhere(store, b.records(b.config.Kafka.Topics.Shipments))
			stop()
			b.wantMorning(store)
			if again := alertIDs(b); !slices.Equal(again, said) {
				t.Errorf("alerts %v after all state was lost, and %v before", again, said)
			}
		})
	}
}

// TestResubmitWithServers is the first part of it on a real broker and Redis.
func TestResubmitWithServers(t *testing.T) {
	resubmitTwice(newBenchAt(t, windowstest.Server(t, "PARCELSENTRY_TEST_KAFKA"), windowstest.Server(t, "PARCELSENTRY_TEST_REDIS"),
		fmt.Sprintf(noTimes, "auto")))
}

const morning = 120 // events, of three senders in turn

func resubmitTwice(b *bench) *redisstore.Store {
	t := b.t
	t.Helper()
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	var messages []kafkaio.Message
	for n := range morning {
		at := at.Add(time.Duration(n) * time.Minute)
		messages = append(messages, kafkaio.Message{
			Topic: b.config.Kafka.Topics.Shipments, Key: fmt.Appendf(nil, "shop-%d", n%3), Time: at,
			Value: fmt.Appendf(nil, `{"event_time":%q,"sender_id":"shop-%d"}`, at.Format(time.RFC3339), n%3),
		})
	}
	stop := b.start()
	b.produce(messages)
	store := b.store()
	b.awaitEverywhere(store, morning)
	stop()
	b.wantEvents(store, 0)

	b.config.Events.TimeRange.To = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	o := app.ResubmitOptions{Reasons: []string{"malformed"}}
	o.DryRun = true
	if sum := b.resubmit(o); sum.Written != morning {
		t.Errorf("a dry run: %+v", sum)
	}
	o.DryRun, o.Until = false, at.Add(morning*time.Minute)
	var g errgroup.Group
	for range 2 {
		g.Go(func() error {
			b.resubmit(o)
			return nil
		})
	}
	_ = g.Wait()
	written := b.records(b.config.Kafka.Topics.Shipments) - morning
	if written < morning {
		t.Errorf("%d records written again, want at least %d", written, morning)
	}
	t.Logf("%d of %d records written twice", written-morning, morning)
	if sum := b.resubmit(o); sum != (app.ResubmitSummary{Before: morning}) {
		t.Errorf("once more: %+v", sum)
	}
	for _, none := range []app.ResubmitOptions{{Reasons: []string{"poison"}}, {Reasons: o.Reasons, Since: o.Until}, {Reasons: o.Reasons, Until: at}} {
		if sum := b.resubmit(none); sum != (app.ResubmitSummary{}) {
			t.Errorf("where there is none: %+v", sum)
		}
	}
	stop = b.start()
	b.awaitEverywhere(store, morning+written)
	stop()
	b.wantMorning(store)
	return store
}

// wantMorning compares what is counted with what happened.
func (b *bench) wantMorning(store *redisstore.Store) {
	b.t.Helper()
	b.wantEvents(store, morning/3)
	for _, a := range b.topicAlerts() {
		if !strings.HasPrefix(a.EventID, b.config.Kafka.Topics.Shipments+"/") {
			b.t.Errorf("an alert on event %q, which has no id of its own", a.EventID)
			continue
		}
		var partition, offset int
		if _, err := fmt.Sscanf(strings.TrimPrefix(a.EventID, b.config.Kafka.Topics.Shipments+"/"), "%d/%d", &partition, &offset); err != nil || offset >= morning {
			b.t.Errorf("an alert on event %q, which is not named by where it stood first", a.EventID)
		}
	}
}

// wantEvents compares the total of each sender.
func (b *bench) wantEvents(store *redisstore.Store, want int64) {
	b.t.Helper()
	for n := range 3 {
		key := windows.NewKey(detector.KindSender, codec.Pseudonym(b.key, "sender", fmt.Sprintf("shop-%d", n)))
		loaded, err := store.Load(b.context(), windows.Source{}, []windows.Key{key})
		if err != nil || loaded[0].Entity.Events() != want {
			b.t.Errorf("shop-%d has %d events, want %d (%v)", n, loaded[0].Entity.Events(), want, err)
		}
	}
}

func alertIDs(b *bench) []string {
	ids := map[string]bool{}
	for _, a := range b.topicAlerts() {
		ids[a.ID] = true
	}
	if len(ids) == 0 {
		b.t.Error("no alert, so this test shows little")
	}
	return slices.Sorted(maps.Keys(ids))
}

// resubmit runs the command's work.
func (b *bench) resubmit(o app.ResubmitOptions) app.ResubmitSummary {
	b.t.Helper()
	o.Config, o.Log, o.Read = b.config, quiet(), func(int) {}
	if o.Left == nil {
		o.Left = func(l *app.LeftAlone) { b.t.Errorf("left alone: %+v", l) }
	}
	sum, err := app.Resubmit(b.context(), o)
	if err != nil {
		b.t.Error(err)
	}
	return sum
}

// records is how many records a topic holds.
func (b *bench) records(topic string) (n int64) {
	b.t.Helper()
	if err := kafkaio.ReadAll(b.context(), b.options, topic, func(int, pipeline.Record) error {
		n++
		return nil
	}); err != nil {
		b.t.Fatal(err)
	}
	return n
}

// TestRepair: what was listed is repaired by hand and written once; the rest is named and stays.
func TestRepair(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.BrokerConfigs(map[string]string{"group.min.session.timeout.ms": "1000"}))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	b := newBenchAt(t, cluster.ListenAddrs()[0], miniredis.RunT(t).Addr(), "")
	topic := b.config.Kafka.Topics.Shipments
	came := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	var messages []kafkaio.Message
	for _, value := range []string{
		`{"event_time":"2026-03-02T10:00:00Z","sender_id":"shop-0"}`, // a good one
		`{"event_time":"2026-03-02T10:00:00Z","sender":"shop-0"}`,
		`{"event_time":"02.03.2026 10:00","sender_id":"shop-0"}`,
		`not even JSON`,
		`{"event_time":"2026-03-02T15:00:00Z","sender_id":"shop-0"}`, // future
	} {
		messages = append(messages, kafkaio.Message{Topic: topic, Key: []byte("shop-0"), Value: []byte(value), Time: came})
	}
	stop := b.start()
	b.produce(messages)
	store := b.store()
	b.awaitEverywhere(store, 5)
	stop()

	var listed []codec.Repair
	var left []string
	all := app.ResubmitOptions{
		Reasons: []string{"malformed", "too_late", "future"},
		Output:  func(r *codec.Repair) error { listed = append(listed, *r); return nil },
		Left:    func(l *app.LeftAlone) { left = append(left, strings.TrimSpace(l.Reason+" "+l.Field)) },
	}
	if sum := b.resubmit(all); sum.Listed != 4 || sum.Written != 0 || sum.Left != 4 {
		t.Errorf("listed: %+v", sum)
	}
	if want := []string{"malformed sender_id", "malformed event_time", "malformed", "future event_time"}; !slices.Equal(left, want) {
		t.Errorf("left %q, want %q", left, want)
	}
	if listed[0].Field != "sender_id" || string(listed[0].Key) != "shop-0" || !listed[0].RecordTime.Equal(came) {
		t.Errorf("listed %+v", listed[0])
	}
	// The first two are repaired, the third is not, the fourth only in part; and somebody else's line is there.
	listed[0].Value = []byte(strings.Replace(string(listed[0].Value), "sender", "sender_id", 1))
	listed[1].Value = []byte(strings.Replace(string(listed[1].Value), "02.03.2026 10:00", "2026-03-02T10:00:00Z", 1))
	listed[3].Value = []byte(strings.Replace(string(listed[3].Value), "15:", "14:", 1))
	other := listed[0]
	other.At.Offset = 0
	listed = append(listed, other, listed[1])
	repaired := app.ResubmitOptions{Left: all.Left}
	for run, want := range []app.ResubmitSummary{{Written: 2, Left: 4}, {Before: 2, Left: 4}} {
		left = nil
		lines := slices.Clone(listed)
		repaired.Repaired = func() (codec.Repair, error) {
			if len(lines) == 0 {
				return codec.Repair{}, io.EOF
			}
			line := lines[0]
			lines = lines[1:]
			return codec.ReadRepair(codec.AppendRepair(nil, &line)) // through the file
		}
		if sum := b.resubmit(repaired); sum != want {
			t.Errorf("run %d: %+v, want %+v", run, sum, want)
		}
		slices.Sort(left)
		if want := []string{"future event_time", "malformed", "twice", "unknown"}; !slices.Equal(left, want) {
			t.Errorf("run %d: left %q, want %q", run, left, want)
		}
	}
	stop = b.start()
	b.awaitEverywhere(store, 7)
	stop()
	key := windows.NewKey(detector.KindSender, codec.Pseudonym(b.key, "sender", "shop-0"))
	loaded, err := store.Load(b.context(), windows.Source{}, []windows.Key{key})
	if err != nil || loaded[0].Entity.Events() != 3 {
		t.Errorf("%d events, want the good one and two repaired (%v)", loaded[0].Entity.Events(), err)
	}
}

// TestResubmitGone: what the input topic does not hold any more is named, and so is what stops by itself.
func TestResubmitGone(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.BrokerConfigs(map[string]string{"group.min.session.timeout.ms": "1000"}))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	b := newBenchAt(t, cluster.ListenAddrs()[0], miniredis.RunT(t).Addr(), fmt.Sprintf(noTimes, "never"))
	topic := b.config.Kafka.Topics.Shipments
	event := []byte(`{"event_time":"2026-03-02T10:00:00Z","sender_id":"shop-0"}`)
	partition, at := 1, time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	stop := b.start()
	for range 3 {
		b.produce([]kafkaio.Message{{Topic: topic, Partition: &partition, Value: event, Time: at}})
	}
	store := b.store()
	b.awaitEverywhere(store, 3)
	stop()
	if err := cluster.DeleteRecords(topic, 1, 2); err != nil {
		t.Fatal(err)
	}
	b.config.Events.TimeRange.To = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	gone := 0
	o := app.ResubmitOptions{Reasons: []string{"malformed"}, DryRun: true, Left: func(l *app.LeftAlone) {
		if gone++; l.Reason != "gone" || l.At.Source.Partition != 1 {
			t.Errorf("left alone: %+v", l)
		}
	}}
	if sum := b.resubmit(o); sum.Written != 1 || sum.Left != 2 || gone != 2 {
		t.Errorf("%+v, %d gone", sum, gone)
	}
	ctx, cancel := context.WithCancel(b.context())
	cancel()
	o.Config, o.Log, o.Read = b.config, quiet(), func(int) {}
	if _, err := app.Resubmit(ctx, o); err == nil {
		t.Error("no error though it was ended")
	}
}
