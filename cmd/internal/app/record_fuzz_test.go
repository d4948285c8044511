package app

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parcelsentry/parcelsentry/cmd/internal/canary"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/config"
	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/memstore"
)

// FuzzRecord sends any record, with any header, and a good one behind it, through decoder, worker and sink as shipped:
// each comes to one end, and the good one is counted. A sealed one has the header of a canary.
func FuzzRecord(f *testing.F) {
	c := config.Default()
	set, err := NewSet(&c)
	if err != nil {
		f.Fatal(err)
	}
	decoders, err := NewDecoders(&c, slog.New(slog.DiscardHandler))
	if err != nil {
		f.Fatal(err)
	}
	hidden := &canaries{key: []byte("0123456789abcdef0123456789abcdef")}
	if hidden.set, err = canarySet(&c); err != nil {
		f.Fatal(err)
	}
	good := []byte(`{"event_id":"e","sender_id":"shop","recipient_id":"r","event_time":"2026-03-02T10:00:00Z","origin":"P","destination":"X","weight_g":5}`)
	stamp := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC).UnixMilli()
	f.Add([]byte("shop"), good, stamp, true, "traceparent", []byte("00-ab"), false)
	f.Add([]byte{0, 0, 0, 1}, []byte{0, 0, 0, 0, 0, 9}, stamp, false, "", []byte(nil), false)
	f.Add([]byte{0, 0, 0, 9}, []byte{0, 0, 0, 0, 0}, int64(-1), true, canary.Header, []byte("0"), false)
	f.Add([]byte(nil), []byte(nil), int64(0), false, canary.Header, []byte(nil), true)
	f.Add([]byte("\xff\xfe"), []byte(`{"sender_id":"a","event_time":253402300799999}`), int64(1)<<62, true, "\xff\x00", []byte("\x00"), false)
	f.Add([]byte("k"), []byte(`{"sender_id":"a","event_time":"0001-01-01T00:00:00.001Z","declared_value":-1e308}`), int64(-1)<<62, true, canary.Header, []byte(nil), true)
	f.Add([]byte(nil), canary.Value("c", time.UnixMilli(stamp)), stamp, true, canary.Header, []byte(nil), true)
	f.Add([]byte(nil), canary.Value("c", time.UnixMilli(stamp)), stamp, true, canary.Header, canary.Seal([]byte("no"), []byte("no")), false)
	f.Add([]byte(nil), []byte(`{"sender_id":"a","event_type":"parcelsentry_canary","event_time":"2026-03-02T10:30:00Z"}`), stamp, true, "", []byte(nil), true)
	f.Fuzz(func(t *testing.T, key, value []byte, ms int64, payload bool, name string, header []byte, sealed bool) {
		if sealed {
			name, header = canary.Header, canary.Seal(hidden.key, value)
		}
		registry := prometheus.NewRegistry()
		worker := pipeline.NewWorker(pipeline.Options{
			Set: set, Decoder: decoders.New(), Topic: "shipments", Metrics: pipeline.NewMetrics(registry, set.Rules()), Limits: limits(&c),
			Canary: hidden.worker(),
		})
		out := &messages{sink: sink{topics: c.Kafka.Topics, payload: payload}, t: t}
		err := pipeline.Run(t.Context(), worker, pipeline.IO{
			Source: twoRecords{
				{Offset: 0, Time: time.UnixMilli(ms).UTC(), Key: key, Value: value, Headers: []pipeline.Header{{Key: name, Value: header}}},
				{Offset: 1, Time: time.UnixMilli(stamp).UTC(), Value: good},
			},
			Store: memstore.New(), Sink: out, Profiles: pipeline.NewProfileChain(set), Grace: time.Minute,
		})
		if err != nil {
			t.Fatal(err)
		}
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		ends := map[string]float64{}
		for _, family := range families {
			if family.GetName() != "parcelsentry_events_total" {
				continue
			}
			for _, m := range family.GetMetric() {
				ends[m.GetLabel()[0].GetValue()] += m.GetCounter().GetValue()
			}
		}
		if ends["counted"] < 1 || ends["counted"]+ends["skipped"]+ends["dead_lettered"] != 2 || ends["dead_lettered"] != float64(out.letters) {
			t.Errorf("two records came to %v, with %d dead letters", ends, out.letters)
		}
	})
}

// messages makes a message of each output, as the service does.
type messages struct {
	sink
	t       *testing.T
	letters int
}

// Write implements pipeline.Sink.
func (m *messages) Write(_ context.Context, outputs []pipeline.Output) error {
	for i := range outputs {
		message := m.message(&outputs[i], newPacking(1, time.Now()))
		if message.Topic == "" || len(message.Headers) == 0 {
			m.t.Errorf("%+v", message)
		}
		if outputs[i].DeadLetter != nil {
			m.letters++
		}
	}
	return nil
}

// twoRecords is a partition that ends.
type twoRecords [2]pipeline.Record

// Bounds implements pipeline.Source.
func (twoRecords) Bounds(context.Context) (first, end int64, err error) { return 0, 2, nil }

// Committed implements pipeline.Source.
func (twoRecords) Committed(context.Context) (int64, error) { return windows.NoOffset, nil }

// RecordTime implements pipeline.Source.
func (twoRecords) RecordTime(context.Context, int64) (time.Time, bool, error) {
	return time.Time{}, false, nil
}

// Fetch implements pipeline.Source.
func (r twoRecords) Fetch(_ context.Context, offset int64) (pipeline.Batch, error) {
	return pipeline.Batch{Records: r[offset:], Next: 2, End: 2, Done: true}, nil
}

// Commit implements pipeline.Source.
func (twoRecords) Commit(context.Context, int64) error { return nil }
