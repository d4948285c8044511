package testbed

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A Topic is one to create.
type Topic struct {
	Name       string
	Partitions int
	// Leaders name the broker of each partition; nil means broker 1 for all.
	Leaders []int32
	Config  map[string]string
}

// Create makes topics, and waits until their partitions have leaders.
func (k *Kafka) Create(ctx context.Context, topics ...Topic) error {
	request := kmsg.NewPtrCreateTopicsRequest()
	request.TimeoutMillis = int32(RequestTimeout.Milliseconds())
	for _, t := range topics {
		r := kmsg.NewCreateTopicsRequestTopic()
		r.Topic, r.NumPartitions, r.ReplicationFactor = t.Name, -1, -1
		for p := range t.Partitions {
			a := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
			a.Partition, a.Replicas = int32(p), []int32{1}
			if t.Leaders != nil {
				a.Replicas = []int32{t.Leaders[p]}
			}
			r.ReplicaAssignment = append(r.ReplicaAssignment, a)
		}
		for _, name := range slices.Sorted(maps.Keys(t.Config)) {
			c := kmsg.NewCreateTopicsRequestTopicConfig()
			c.Name, c.Value = name, kmsg.StringPtr(t.Config[name])
			r.Configs = append(r.Configs, c)
		}
		request.Topics = append(request.Topics, r)
	}
	answer, err := request.RequestWith(ctx, k.Client)
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	for _, t := range answer.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return fmt.Errorf("create topic %s: %w", t.Topic, err)
		}
	}
	for _, t := range topics {
		if err := k.awaitTopic(ctx, t.Name, t.Partitions); err != nil {
			return err
		}
	}
	return nil
}

// awaitTopic waits until a topic has so many partitions, all with a leader; 0 means until it is gone.
func (k *Kafka) awaitTopic(ctx context.Context, name string, partitions int) error {
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	for {
		led, err := k.Led(ctx, name)
		if err == nil && led == partitions {
			return nil
		}
		if err := Pause(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("topic %s has %d partitions with leaders, not %d", name, led, partitions)
		}
	}
}

// Led gives the number of a topic's partitions that have a leader.
func (k *Kafka) Led(ctx context.Context, name string) (int, error) {
	request := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = kmsg.StringPtr(name)
	request.Topics = append(request.Topics, t)
	answer, err := request.RequestWith(ctx, k.Client)
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

// Remove deletes topics, and waits until they are gone.
func (k *Kafka) Remove(ctx context.Context, names ...string) error {
	request := kmsg.NewPtrDeleteTopicsRequest()
	request.TimeoutMillis = int32(RequestTimeout.Milliseconds())
	for _, name := range names {
		t := kmsg.NewDeleteTopicsRequestTopic()
		t.Topic = kmsg.StringPtr(name)
		request.Topics = append(request.Topics, t)
		request.TopicNames = append(request.TopicNames, name)
	}
	answer, err := request.RequestWith(ctx, k.Client)
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
	k.Client.PurgeTopicsFromClient(names...) // it would write to the id of the old one
	return nil
}

// RemoveAll deletes the topics whose names begin so, and waits until they are gone.
func (k *Kafka) RemoveAll(ctx context.Context, prefix string) error {
	request := kmsg.NewPtrMetadataRequest() // without topics it asks for all
	answer, err := request.RequestWith(ctx, k.Client)
	if err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	var names []string
	for _, t := range answer.Topics {
		if t.Topic != nil && strings.HasPrefix(*t.Topic, prefix) {
			names = append(names, *t.Topic)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return k.Remove(ctx, names...)
}

// Grow gives a topic that is being written more partitions, on broker 1.
func (k *Kafka) Grow(ctx context.Context, name string, from, to int) error {
	request := kmsg.NewPtrCreatePartitionsRequest()
	request.TimeoutMillis = int32(RequestTimeout.Milliseconds())
	t := kmsg.NewCreatePartitionsRequestTopic()
	t.Topic, t.Count = name, int32(to)
	for range to - from {
		a := kmsg.NewCreatePartitionsRequestTopicAssignment()
		a.Replicas = []int32{1}
		t.Assignment = append(t.Assignment, a)
	}
	request.Topics = append(request.Topics, t)
	answer, err := request.RequestWith(ctx, k.Client)
	if err != nil {
		return fmt.Errorf("add partitions: %w", err)
	}
	for _, t := range answer.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return fmt.Errorf("add partitions: %w", err)
		}
	}
	if err := k.awaitTopic(ctx, name, to); err != nil {
		return err
	}
	return k.awaitKnown(ctx, name, to-1)
}

// awaitKnown waits until the client itself knows a partition of a topic that it writes; until then it refuses records for it.
func (k *Kafka) awaitKnown(ctx context.Context, name string, partition int) error {
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	for {
		if leader, _, err := k.Client.PartitionLeader(name, int32(partition)); err == nil && leader >= 0 {
			return nil
		}
		k.Client.ForceMetadataRefresh()
		if err := Pause(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("the client does not come to know partition %d of %s: %w", partition, name, err)
		}
	}
}

// Cut deletes the records before an offset of each partition, as retention does.
func (k *Kafka) Cut(ctx context.Context, name string, before map[int32]int64) error {
	request := kmsg.NewPtrDeleteRecordsRequest()
	request.TimeoutMillis = int32(RequestTimeout.Milliseconds())
	t := kmsg.NewDeleteRecordsRequestTopic()
	t.Topic = name
	for p, offset := range before {
		r := kmsg.NewDeleteRecordsRequestTopicPartition()
		r.Partition, r.Offset = p, offset
		t.Partitions = append(t.Partitions, r)
	}
	request.Topics = append(request.Topics, t)
	answer, err := request.RequestWith(ctx, k.Client)
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
