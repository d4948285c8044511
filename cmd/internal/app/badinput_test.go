package app_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/parcelsentry/parcelsentry/cmd/internal/codec"
	"github.com/parcelsentry/parcelsentry/cmd/internal/kafkaio"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// TestBadInput sends every kind of record that can't be counted, with good ones between them.
func TestBadInput(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.BrokerConfigs(map[string]string{"group.min.session.timeout.ms": "1000"}))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	server := miniredis.RunT(t)
	b := newBenchAt(t, cluster.ListenAddrs()[0], server.Addr(), `
events:
  max_bytes: 2KiB
  duplicate_horizon: 1d
`)
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	event := func(id string, at time.Time) string {
		return fmt.Sprintf(`{"event_id":%q,"event_time":%q,"sender_id":"shop","event_type":"posted"}`, id, at.Format(time.RFC3339))
	}
	bad := []struct {
		name, value, reason, field string
	}{
		{"not JSON", `shipment`, "malformed", ""},
		{"no object", `[1]`, "malformed", ""},
		{"nothing", ``, "malformed", ""},
		{"wrong type", `{"event_time":"2026-03-02T10:00:00Z","sender_id":["shop"]}`, "malformed", "sender_id"},
		{"a number that is none", `{"event_time":"2026-03-02T10:00:00Z","sender_id":"shop","weight_g":"heavy"}`, "malformed", "weight_g"},
		{"no sender", `{"event_time":"2026-03-02T10:00:00Z"}`, "malformed", "sender_id"},
		{"no time", `{"sender_id":"shop"}`, "malformed", "event_time"},
		{"unreadable time", `{"event_time":"yesterday","sender_id":"shop"}`, "malformed", "event_time"},
		{"a time of no shipment", `{"event_time":"1066-10-14T09:00:00Z","sender_id":"shop"}`, "malformed", "event_time"},
		{"over the size limit", `{"event_time":"2026-03-02T10:00:00Z","sender_id":"shop","note":"` + strings.Repeat("x", 2048) + `"}`, "malformed", ""},
		{"invalid UTF-8", "{\"event_time\":\"2026-03-02T10:00:00Z\",\"sender_id\":\"shop\",\"origin\":\"\xff\"}", "malformed", ""},
		{"deep nesting", `{"event_time":"2026-03-02T10:00:00Z","sender_id":"shop","x":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `}`, "malformed", ""},
		{"too late", event("late", now.Add(-31*24*time.Hour)), "too_late", "event_time"},
		{"future", event("future", now.Add(2*time.Hour)), "future", "event_time"},
	}
	skipped := map[string]string{
		"duplicate":    event("good-0", now),
		"not_shipment": `{"event_time":"2026-03-02T10:00:00Z","sender_id":"shop","event_type":"departed"}`,
		"control":      "\x00\x00\x00\x00\x00\x07",
	}

	var messages []kafkaio.Message
	add := func(key, value string) {
		messages = append(messages, kafkaio.Message{
			Topic: b.config.Kafka.Topics.Shipments, Key: []byte(key), Value: []byte(value), Time: now,
		})
	}
	good := 0
	addGood := func() {
		add("shop", event(fmt.Sprintf("good-%d", good), now.Add(time.Duration(good)*time.Minute)))
		good++
	}
	addGood()
	for _, c := range bad {
		add("shop", c.value)
		addGood()
	}
	for reason, value := range skipped {
		key := "shop"
		if reason == "control" {
			key = "\x00\x00\x00\x01" // a commit marker
		}
		add(key, value)
		addGood()
	}

	service, stop := b.serve()
	b.produce(messages)
	store := b.store()
	b.awaitEverywhere(store, int64(len(messages)))
	stop()

	// The valid ones are counted, exactly.
	shop := codec.Pseudonym(b.key, "sender", "shop")
	loaded, err := store.Load(b.context(), windows.Source{}, []windows.Key{windows.NewKey(detector.KindSender, shop)})
	if err != nil || loaded[0].Entity.Events() != int64(good) {
		t.Errorf("%d good events counted, want %d (%v)", loaded[0].Entity.Events(), good, err)
	}
	// Each bad one is a dead letter with its reason and field, and without its content.
	want := map[string]int{}
	for _, c := range bad {
		want[c.reason+" "+c.field]++
	}
	got := map[string]int{}
	err = kafkaio.ReadAll(b.context(), b.options, b.config.Kafka.Topics.DeadLetters, func(_ int, r pipeline.Record) error {
		var letter struct{ Reason, Field, Error, Topic string }
		if err := json.Unmarshal(r.Value, &letter); err != nil {
			return err
		}
		got[letter.Reason+" "+letter.Field]++
		if letter.Topic != b.config.Kafka.Topics.Shipments || letter.Error == "" || strings.Contains(string(r.Value), "shop") {
			t.Errorf("dead letter %s", r.Value)
		}
		return nil
	})
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("dead letters %v, want %v (%v)", got, want, err)
	}
	// And everything is in the metrics.
	outcomes := map[string]float64{"counted ": float64(good)}
	for _, c := range bad {
		outcomes["dead_lettered "+c.reason]++
	}
	for reason := range skipped {
		outcomes["skipped "+reason]++
	}
	if counted := eventsTotal(t, service.Registry()); !maps.Equal(counted, outcomes) {
		t.Errorf("parcelsentry_events_total: %v, want %v", counted, outcomes)
	}
}

// eventsTotal gives parcelsentry_events_total by outcome and reason, without zeros.
func eventsTotal(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counted := map[string]float64{}
	for _, f := range families {
		if f.GetName() != "parcelsentry_events_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if v := m.GetCounter().GetValue(); v > 0 {
				counted[labels["outcome"]+" "+labels["reason"]] = v
			}
		}
	}
	return counted
}
