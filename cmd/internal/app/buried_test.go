package app

import (
	"log/slog"
	"maps"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/parcelsentry/parcelsentry/cmd/internal/codec"
	"github.com/parcelsentry/parcelsentry/cmd/internal/kafkaio"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/config"
	"github.com/parcelsentry/parcelsentry/windows"
)

// TestBuried: which dead letters a partition hears of, as more of them come and another one asks for older ones.
func TestBuried(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "dead-letters"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	o := kafkaio.Options{Brokers: cluster.ListenAddrs()}
	p := kafkaio.NewProducer(o)
	defer p.Close()
	source := windows.Source{Topic: "shipments", Partition: 3}
	s := &sink{topics: config.Default().Kafka.Topics}
	write := func(written time.Time, partition int, offset int64, reason string, reached bool) {
		t.Helper()
		m := s.deadLetter(&pipeline.DeadLetter{
			Reason: reason, Reached: reached, At: windows.Coordinates{Source: windows.Source{Topic: "shipments", Epoch: 1, Partition: partition}, Offset: offset},
			Record: pipeline.Record{Time: now.Add(time.Duration(offset) * time.Second)},
		})
		m.Time = written
		if err := p.Write(t.Context(), []kafkaio.Message{m}); err != nil {
			t.Fatal(err)
		}
	}
	b := &buried{kafka: o, topic: "dead-letters", log: slog.New(slog.DiscardHandler)}
	want := func(from int64, since time.Time, offsets ...int64) {
		t.Helper()
		got, err := b.from(t.Context(), source, from, since)
		all := map[int64]int64{}
		for _, offset := range offsets {
			all[offset] = now.Add(time.Duration(offset) * time.Second).UnixMilli()
		}
		if err != nil || !maps.Equal(got, all) {
			t.Errorf("from %d: %v, %v; want %v", from, got, err, all)
		}
	}
	want(0, time.Time{})
	write(now, 3, 10, "malformed", false)
	write(now.Add(time.Hour), 3, 20, "poison", false)
	write(now.Add(time.Hour), 3, 21, "too_late", true)
	write(now.Add(time.Hour), 2, 22, "malformed", false)
	write(now.Add(time.Hour), 3, 23, codec.ReasonResubmitted, false)
	want(0, time.Time{}, 10, 20)
	want(11, time.Time{}, 20)
	b.close()

	b = &buried{kafka: o, topic: "dead-letters", log: slog.New(slog.DiscardHandler)}
	want(0, now.Add(time.Hour), 20)
	write(now.Add(2*time.Hour), 3, 30, "future", false)
	want(0, now.Add(time.Hour), 20, 30)
	want(0, now, 10, 20, 30) // which it has to read anew for
	b.close()
}
