package bench

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/parcelsentry/parcelsentry/cmd/internal/codec"
	"github.com/parcelsentry/parcelsentry/cmd/internal/testbed"
	"github.com/parcelsentry/parcelsentry/windows"
)

// usualPartitions is how many a topic has that the harness makes, unless something else is asked for.
const usualPartitions = 4

// input is what a topic of shipments holds.
type input struct {
	topic      string
	partitions int
	ends       map[int32]int64 // the offset after the last record of each partition
	events     int64           // to be judged
	expected   Digest          // the alerts of W1
}

// writer gives a client that writes shipments by their keys, in batches of at most 64 KiB without compression, as the harness of
// the other engines does.
func (h *harness) writer() (*kgo.Client, error) {
	return kgo.NewClient(
		kgo.SeedBrokers(h.Broker), kgo.ProducerBatchMaxBytes(64<<10), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ProducerLinger(5*time.Millisecond), kgo.MaxBufferedRecords(50_000), kgo.MaxBufferedBytes(64<<20), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)),
	)
}

// produce writes what next gives, until it gives no more.
func (h *harness) produce(ctx context.Context, topic string, next func() (Shipment, bool)) error {
	client, err := h.writer()
	if err != nil {
		return err
	}
	defer client.Close()
	var failed atomic.Pointer[error]
	for s, ok := next(); ok && failed.Load() == nil; s, ok = next() {
		client.Produce(ctx, &kgo.Record{Topic: topic, Key: s.Sender, Value: s.Value, Timestamp: s.Time}, func(_ *kgo.Record, err error) {
			if err != nil {
				failed.CompareAndSwap(nil, &err)
			}
		})
	}
	if err := client.Flush(ctx); err != nil {
		return err
	}
	if err := failed.Load(); err != nil {
		return fmt.Errorf("write shipments: %w", *err)
	}
	return nil
}

// fill makes a topic and writes the events.
func (h *harness) fill(ctx context.Context, topic string) error {
	if err := h.kafka.Create(ctx, testbed.Topic{Name: topic, Partitions: usualPartitions}); err != nil {
		return err
	}
	return h.produceSome(ctx, topic, NewGenerator(h.Seed, "s", Shape{}), h.Events)
}

// produceSome writes so many shipments.
func (h *harness) produceSome(ctx context.Context, topic string, g *Generator, events int) error {
	made := 0
	return h.produce(ctx, topic, func() (Shipment, bool) {
		if made++; made > events {
			return Shipment{}, false
		}
		return g.Next(), true
	})
}

// survey asks how far a topic goes.
func (h *harness) survey(ctx context.Context, topic string) (input, error) {
	in := input{topic: topic}
	var err error
	if in.partitions, err = h.kafka.Led(ctx, topic); err != nil {
		return in, err
	}
	in.ends, err = h.kafka.Ends(ctx, topic, in.partitions)
	return in, err
}

// inspect reads a topic, whoever wrote it, and asks the oracle. A sender's events must be in one partition.
func (h *harness) inspect(ctx context.Context, topic string) (input, error) {
	in, err := h.survey(ctx, topic)
	if err != nil {
		return in, err
	}
	decoder, rule := codec.NewDecoder(codec.Options{}), Rule{}
	err = h.kafka.Read(ctx, topic, in.partitions, func(r *kgo.Record) error {
		e, err := decoder.Decode(r.Value, windows.Coordinates{}, r.Timestamp)
		if err != nil {
			return fmt.Errorf("the topic %s holds what is no event: %w", topic, err)
		}
		in.events++
		if said, ok := rule.Observe(string(e.Sender), e.Time); ok {
			in.expected.Add(said)
		}
		return nil
	})
	if err == nil && in.events == 0 {
		err = fmt.Errorf("%w: the topic %s is empty", testbed.ErrCannotRun, topic)
	}
	return in, err
}
