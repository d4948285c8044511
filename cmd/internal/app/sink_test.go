package app

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/kafkaio"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/config"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

var now = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func header(m kafkaio.Message, key string) string {
	for _, h := range m.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// instantly is a broker that acknowledges at once.
type instantly struct{ messages int }

func (i *instantly) Write(_ context.Context, messages []kafkaio.Message) error {
	i.messages += len(messages)
	return nil
}

// TestSinkGathersFlags: an alert is acknowledged as soon as it can be, a flag's write keeps the next one waiting, but not beyond
// the end of the worker.
func TestSinkGathersFlags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broker := &instantly{}
		s := &sink{producer: broker, topics: config.Default().Kafka.Topics}
		ended, end := context.WithCancel(t.Context())
		end()
		flag := []pipeline.Output{{Flag: &detector.Flag{EventID: "event", EventAt: now}}}
		for _, c := range []struct {
			name    string
			ctx     context.Context
			outputs []pipeline.Output
			want    time.Duration
		}{
			{"an alert", t.Context(), []pipeline.Output{{Alert: &detector.Alert{ID: "1"}}}, 0},
			{"a flag", t.Context(), flag, gather},
			{"a flag at the end", ended, flag, 0},
		} {
			began := time.Now()
			if err := s.Write(c.ctx, c.outputs); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			if took := time.Since(began); took != c.want {
				t.Errorf("%s takes %v, want %v", c.name, took, c.want)
			}
		}
		if broker.messages != 3 {
			t.Errorf("%d messages, want 3", broker.messages)
		}
	})
}

func TestSinkAlert(t *testing.T) {
	s := &sink{topics: config.Default().Kafka.Topics}
	m := s.message(&pipeline.Output{
		Alert:       &detector.Alert{ID: "1", Entity: detector.EntityRef{Kind: detector.KindSender, ID: "shop"}},
		Redelivered: true,
	}, newPacking(1, now))
	if m.Topic != "high-risk-alerts" || string(m.Key) != "shop" {
		t.Errorf("topic %s, key %s", m.Topic, m.Key)
	}
	if header(m, "detected_at") != "2026-03-02T10:00:00.000Z" || header(m, "redelivered") != "true" || header(m, "degraded") != "" {
		t.Errorf("headers %+v", m.Headers)
	}
	if strings.Contains(string(m.Value), "detected_at") {
		t.Error("what depends on the run stands in the alert itself")
	}
}

func TestSinkFlag(t *testing.T) {
	s := &sink{topics: config.Default().Kafka.Topics}
	for _, c := range []struct{ item, key string }{{"CA473124829VN", "CA473124829VN"}, {"", "event"}} {
		m := s.message(&pipeline.Output{Flag: &detector.Flag{Item: c.item, EventID: "event", EventAt: now}, Degraded: true}, newPacking(1, now))
		if m.Topic != "flagged-shipments" || string(m.Key) != c.key || header(m, "degraded") != "true" {
			t.Errorf("item %q: %+v", c.item, m)
		}
	}
}

// TestSinkDeadLetter looks at what goes out of a record that names a person.
func TestSinkDeadLetter(t *testing.T) {
	letter := &pipeline.DeadLetter{
		Reason: "malformed", Field: "event_time", Error: "event_time: missing",
		At:     windows.Coordinates{Source: windows.Source{Topic: "shipments", Partition: 3}, Offset: 7},
		Record: pipeline.Record{Offset: 7, Time: now, Key: []byte("Nguyễn Văn An"), Value: []byte(`{"sender_id":"Nguyễn Văn An"}`)},
	}
	for _, payload := range []bool{false, true} {
		m := (&sink{topics: config.Default().Kafka.Topics, payload: payload}).message(&pipeline.Output{DeadLetter: letter}, newPacking(1, now))
		all := string(m.Key) + string(m.Value)
		for _, h := range m.Headers {
			all += string(h.Value)
		}
		if strings.Contains(all, "Nguyễn") != payload {
			t.Errorf("payload %v: %s", payload, all)
		}
		if m.Topic != "dead-letters" || header(m, "reason") != "malformed" || header(m, "offset") != "7" || header(m, "partition") != "3" {
			t.Errorf("payload %v: %+v", payload, m)
		}
	}
	// One of a resubmitted record says where its message stood first, too.
	first := pipeline.Resubmission{First: windows.Coordinates{Source: windows.Source{Topic: "shipments", Partition: 3}, Offset: 2}, Time: now}
	letter.Record.Headers, letter.Reached = first.Headers(), true
	again := (&sink{topics: config.Default().Kafka.Topics}).message(&pipeline.Output{DeadLetter: letter}, newPacking(1, now))
	if header(again, "offset") != "7" || header(again, "first") != "shipments/0/3/2" || header(again, "first_time") != "2026-03-02T10:00:00.000Z" || header(again, "reached") != "true" {
		t.Errorf("of a resubmitted record: %+v", again)
	}
	letter.Record.Value = make([]byte, maxPayload)
	m := (&sink{topics: config.Default().Kafka.Topics, payload: true}).message(&pipeline.Output{DeadLetter: letter}, newPacking(1, now))
	if len(m.Value) > 1000 {
		t.Errorf("a dead letter of %d bytes, which brokers refuse", len(m.Value))
	}
}

func TestPayload(t *testing.T) {
	for _, c := range []struct {
		payload    config.Payload
		pseudonyms []config.Party
		want       bool
	}{
		{config.PayloadAuto, []config.Party{config.Sender}, false},
		{config.PayloadAuto, nil, true},
		{config.PayloadAlways, []config.Party{config.Sender}, true},
		{config.PayloadNever, nil, false},
	} {
		conf := config.Default()
		conf.Events.DeadLetter.Payload, conf.Privacy.Pseudonyms = c.payload, c.pseudonyms
		if got := payload(&conf); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestPseudonymKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	conf := config.Default()
	conf.Privacy.KeyFile = file
	event := []byte(`{"event_time":"2026-03-02T10:00:00Z","sender_id":"shop"}`)
	sender := func(key string) string {
		t.Helper()
		if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := NewDecoders(&conf, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		var e detector.Event
		if err := d.New().DecodeInto(&e, event, windows.Coordinates{}, now); err != nil {
			t.Fatal(err)
		}
		return string(e.Sender)
	}
	one, two := sender(strings.Repeat("1", 32)), sender(strings.Repeat("2", 32)+"\n")
	if one == two || one == "shop" || len(one) != 22 {
		t.Errorf("pseudonyms %s and %s", one, two)
	}
	for _, key := range []string{"", "short", strings.Repeat(" ", 64)} {
		if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := NewDecoders(&conf, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "at least 32") {
			t.Errorf("key %q: %v", key, err)
		}
	}
}

// Messages share memory, and each is what it would be alone, whatever comes after it.
func TestSinkMessagesOfOneWrite(t *testing.T) {
	s := &sink{topics: config.Default().Kafka.Topics}
	var outputs []pipeline.Output
	for n := range 3_000 {
		o := pipeline.Output{Redelivered: n%2 == 0, Degraded: n%3 == 0}
		if n%100 == 0 {
			o.Alert = &detector.Alert{ID: strconv.Itoa(n), Items: slices.Repeat([]string{"item"}, n), EventAt: now}
		} else {
			o.Flag = &detector.Flag{Item: strings.Repeat("i", n%40), EventID: strconv.Itoa(n), EventAt: now}
		}
		outputs = append(outputs, o)
	}
	p := newPacking(len(outputs), now)
	var together []kafkaio.Message
	for i := range outputs {
		together = append(together, s.message(&outputs[i], p))
	}
	for i := range outputs {
		alone := s.message(&outputs[i], newPacking(1, now))
		if !reflect.DeepEqual(together[i], alone) || alone.Key == nil {
			t.Fatalf("message %d is %+v, alone %+v", i, together[i], alone)
		}
	}
}

func BenchmarkSinkFlags(b *testing.B) {
	s := &sink{topics: config.Default().Kafka.Topics}
	const each = 1_000
	outputs := make([]pipeline.Output, each)
	for i := range outputs {
		outputs[i].Flag = &detector.Flag{
			Item: "RR123456785VN", EventID: "01JBP7X8Q0W3M5N6R7S8T9V0AB", Fingerprint: "0123456789abcdef0123456789abcdef",
			Score: 7.125, EventAt: now,
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		p := newPacking(each, now)
		messages := make([]kafkaio.Message, each)
		for i := range outputs {
			messages[i] = s.message(&outputs[i], p)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*each), "ns/message")
}
