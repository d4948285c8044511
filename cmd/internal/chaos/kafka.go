package chaos

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// requestTimeout bounds what is asked of a broker about topics.
const requestTimeout = 20 * time.Second

// kafka is how the harness itself talks to the brokers: with another client than the service.
type kafka struct{ client *kgo.Client }

func newKafka(brokers ...string) (*kafka, error) {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0),
		kgo.MetadataMinAge(100*time.Millisecond), kgo.MetadataMaxAge(2*time.Second), kgo.UnknownTopicRetries(-1),
		kgo.RetryTimeout(requestTimeout), kgo.DialTimeout(2*time.Second),
	)
	if err != nil {
		return nil, err
	}
	return &kafka{client}, nil
}

func (k *kafka) close() { k.client.Close() }

// topic is one to create.
type topic struct {
	name       string
	partitions int
	// leaders name the broker of each partition; nil means broker 1 for all.
	leaders []int32
	config  map[string]string
}

// create makes topics, and waits until their partitions have leaders.
func (k *kafka) create(ctx context.Context, topics ...topic) error {
	request := kmsg.NewPtrCreateTopicsRequest()
	request.TimeoutMillis = int32(requestTimeout.Milliseconds())
	for _, t := range topics {
		r := kmsg.NewCreateTopicsRequestTopic()
		r.Topic, r.NumPartitions, r.ReplicationFactor = t.name, -1, -1
		for p := range t.partitions {
			a := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
			a.Partition, a.Replicas = int32(p), []int32{1}
			if t.leaders != nil {
				a.Replicas = []int32{t.leaders[p]}
			}
			r.ReplicaAssignment = append(r.ReplicaAssignment, a)
		}
		for _, name := range slices.Sorted(maps.Keys(t.config)) {
			c := kmsg.NewCreateTopicsRequestTopicConfig()
			c.Name, c.Value = name, kmsg.StringPtr(t.config[name])
			r.Configs = append(r.Configs, c)
		}
		request.Topics = append(request.Topics, r)
	}
	answer, err := request.RequestWith(ctx, k.client)
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	for _, t := range answer.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return fmt.Errorf("create topic %s: %w", t.Topic, err)
		}
	}
	for _, t := range topics {
		if err := k.awaitTopic(ctx, t.name, t.partitions); err != nil {
			return err
		}
	}
	return nil
}

// awaitTopic waits until a topic has so many partitions, all with a leader; 0 means until it is gone.
func (k *kafka) awaitTopic(ctx context.Context, name string, partitions int) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	for {
		led, err := k.led(ctx, name)
		if err == nil && led == partitions {
			return nil
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("topic %s has %d partitions with leaders, not %d", name, led, partitions)
		}
	}
}

// led gives the number of a topic's partitions that have a leader.
func (k *kafka) led(ctx context.Context, name string) (int, error) {
	request := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = kmsg.StringPtr(name)
	request.Topics = append(request.Topics, t)
	answer, err := request.RequestWith(ctx, k.client)
	if err != nil {
		return 0, err
	}
	led := 0
	for _, t := range answer.Topics {
		for _, p := range t.Partitions {
			if p.ErrorCode == 0 && p.Leader >= 0 {
				led++
			}
		}
	}
	return led, nil
}

// remove deletes topics, and waits until they are gone.
func (k *kafka) remove(ctx context.Context, names ...string) error {
	request := kmsg.NewPtrDeleteTopicsRequest()
	request.TimeoutMillis = int32(requestTimeout.Milliseconds())
	for _, name := range names {
		t := kmsg.NewDeleteTopicsRequestTopic()
		t.Topic = kmsg.StringPtr(name)
		request.Topics = append(request.Topics, t)
		request.TopicNames = append(request.TopicNames, name)
	}
	answer, err := request.RequestWith(ctx, k.client)
	if err != nil {
		return fmt.Errorf("delete topics: %w", err)
	}
	for _, t := range answer.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return fmt.Errorf("delete topics: %w", err)
		}
	}
	for _, name := range names {
		if err := k.awaitTopic(ctx, name, 0); err != nil {
			return err
		}
	}
	k.client.PurgeTopicsFromClient(names...) // it would write to the id of the old one
	return nil
}

// grow gives a topic more partitions, on broker 1.
func (k *kafka) grow(ctx context.Context, name string, from, to int) error {
	request := kmsg.NewPtrCreatePartitionsRequest()
	request.TimeoutMillis = int32(requestTimeout.Milliseconds())
	t := kmsg.NewCreatePartitionsRequestTopic()
	t.Topic, t.Count = name, int32(to)
	for range to - from {
		a := kmsg.NewCreatePartitionsRequestTopicAssignment()
		a.Replicas = []int32{1}
		t.Assignment = append(t.Assignment, a)
	}
	request.Topics = append(request.Topics, t)
	answer, err := request.RequestWith(ctx, k.client)
	if err != nil {
		return fmt.Errorf("add partitions: %w", err)
	}
	for _, t := range answer.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return fmt.Errorf("add partitions: %w", err)
		}
	}
	return k.awaitTopic(ctx, name, to)
}

// cut deletes the records before an offset of each partition, as retention does.
func (k *kafka) cut(ctx context.Context, name string, before map[int32]int64) error {
	request := kmsg.NewPtrDeleteRecordsRequest()
	request.TimeoutMillis = int32(requestTimeout.Milliseconds())
	t := kmsg.NewDeleteRecordsRequestTopic()
	t.Topic = name
	for p, offset := range before {
		r := kmsg.NewDeleteRecordsRequestTopicPartition()
		r.Partition, r.Offset = p, offset
		t.Partitions = append(t.Partitions, r)
	}
	request.Topics = append(request.Topics, t)
	answer, err := request.RequestWith(ctx, k.client)
	if err != nil {
		return fmt.Errorf("delete records: %w", err)
	}
	for _, t := range answer.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("delete records of partition %d: %w", p.Partition, err)
			}
		}
	}
	return nil
}

// ends gives the offset after the last record of each partition.
func (k *kafka) ends(ctx context.Context, name string, partitions int) (map[int32]int64, error) {
	request := kmsg.NewPtrListOffsetsRequest()
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = name
	for p := range partitions {
		r := kmsg.NewListOffsetsRequestTopicPartition()
		r.Partition, r.Timestamp = int32(p), -1
		t.Partitions = append(t.Partitions, r)
	}
	request.Topics = append(request.Topics, t)
	answer, err := request.RequestWith(ctx, k.client)
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

// committed gives a group's offsets; a partition without one is left out.
func (k *kafka) committed(ctx context.Context, group, name string, partitions int) (map[int32]int64, error) {
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
	answer, err := request.RequestWith(ctx, k.client)
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

// read gives every record that a topic holds now, one partition after the other as they come. No record may be missing at its end.
func (k *kafka) read(ctx context.Context, name string, partitions int, fn func(*kgo.Record) error) error {
	ends, err := k.ends(ctx, name, partitions)
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
	client, err := kgo.NewClient(append(k.client.Opts(), kgo.KeepControlRecords(), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{name: from}))...)
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

// pause waits, unless ctx ends first.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
