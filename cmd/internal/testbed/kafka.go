package testbed

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// RequestTimeout bounds what is asked of a broker about topics.
const RequestTimeout = 20 * time.Second

// Kafka is how a harness itself talks to the brokers: with another client than the service.
type Kafka struct{ Client *kgo.Client }

// NewKafka makes a client that writes records to the partitions that they name.
func NewKafka(brokers ...string) (*Kafka, error) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0),
		kgo.MetadataMinAge(100*time.Millisecond), kgo.MetadataMaxAge(2*time.Second), kgo.UnknownTopicRetries(-1),
		kgo.RetryTimeout(RequestTimeout), kgo.DialTimeout(2*time.Second),
	)
	if err != nil {
		return nil, err
	}
	return &Kafka{client}, nil
}

// Close ends its connections.
func (k *Kafka) Close() { k.Client.Close() }

// Ends gives the offset after the last record of each partition.
func (k *Kafka) Ends(ctx context.Context, name string, partitions int) (map[int32]int64, error) {
	request := kmsg.NewPtrListOffsetsRequest()
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = name
	for p := range partitions {
		r := kmsg.NewListOffsetsRequestTopicPartition()
		r.Partition, r.Timestamp = int32(p), -1
		t.Partitions = append(t.Partitions, r)
	}
	request.Topics = append(request.Topics, t)
	answer, err := request.RequestWith(ctx, k.Client)
	if err != nil {
		return nil, fmt.Errorf("list offsets of %s: %w", name, err)
	}
	ends := map[int32]int64{}
	for _, t := range answer.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return nil, fmt.Errorf("list offsets of %s/%d: %w", name, p.Partition, err)
			}
			ends[p.Partition] = p.Offset
		}
	}
	return ends, nil
}

// Committed gives a group's offsets; a partition without one is left out.
func (k *Kafka) Committed(ctx context.Context, group, name string, partitions int) (map[int32]int64, error) {
	request := kmsg.NewPtrOffsetFetchRequest()
	g := kmsg.NewOffsetFetchRequestGroup()
	g.Group = group
	t := kmsg.NewOffsetFetchRequestGroupTopic()
	t.Topic = name
	for p := range partitions {
		t.Partitions = append(t.Partitions, int32(p))
	}
	g.Topics = append(g.Topics, t)
	request.Groups = append(request.Groups, g)
	answer, err := request.RequestWith(ctx, k.Client)
	if err != nil {
		return nil, fmt.Errorf("committed offsets: %w", err)
	}
	offsets := map[int32]int64{}
	for _, g := range answer.Groups {
		if err := kerr.ErrorForCode(g.ErrorCode); err != nil {
			return nil, fmt.Errorf("committed offsets: %w", err)
		}
		for _, t := range g.Topics {
			for _, p := range t.Partitions {
				if p.ErrorCode == 0 && p.Offset >= 0 {
					offsets[p.Partition] = p.Offset
				}
			}
		}
	}
	return offsets, nil
}

// Read gives every record that a topic holds now, one partition after the other as they come. No record may be missing at its end.
func (k *Kafka) Read(ctx context.Context, name string, partitions int, fn func(*kgo.Record) error) error {
	ends, err := k.Ends(ctx, name, partitions)
	if err != nil {
		return err
	}
	from := map[int32]kgo.Offset{}
	for p, end := range ends {
		if end > 0 {
			from[p] = kgo.NewOffset().AtStart()
		}
	}
	if len(from) == 0 {
		return nil
	}
	client, err := kgo.NewClient(append(k.Client.Opts(), kgo.KeepControlRecords(), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{name: from}))...)
	if err != nil {
		return err
	}
	defer client.Close()
	for left := len(from); left > 0; {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for r := range fetches.RecordsAll() {
			if !r.Attrs.IsControl() { // the mark of a transaction may be the last
				if err := fn(r); err != nil {
					return err
				}
			}
			if r.Offset == ends[r.Partition]-1 {
				left--
			}
		}
	}
	return nil
}

// Pause waits, unless ctx ends first.
func Pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
