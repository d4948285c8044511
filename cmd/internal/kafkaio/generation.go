package kafkaio

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

// begin starts the work of a generation. kafka-go's rule for the functions given to Start: one that returns while the
// generation lives ends it for all; and once it has ended, the next does not begin before all have returned, so the
// last commit of a partition comes before its next owner's first look.
func (m *member) begin(ctx context.Context, gen *kafka.Generation) {
	assigned := gen.Assignments[m.options.Topic]
	m.options.Metrics.generations.Inc()
	m.options.Log.Info("joined the consumer group", "group", m.options.Group, "generation", gen.ID, "partitions", len(assigned))
	m.group.assigned.Store(int64(len(assigned)))
	m.group.join(1) // before any work begins: who works has joined
	for _, a := range assigned {
		m.workers.Add(1)
		gen.Start(func(lifetime context.Context) {
			m.attend(ctx, lifetime, gen, a.ID)
			<-lifetime.Done()
		})
	}
	m.watchers.Add(1)
	gen.Start(func(lifetime context.Context) {
		defer m.watchers.Done()
		defer m.group.join(-1)
		m.watch(lifetime)
	})
}

// attend does the work of one partition.
func (m *member) attend(ctx, lifetime context.Context, gen *kafka.Generation, partition int) {
	defer m.workers.Done()
	if lifetime.Err() != nil {
		return // ended before it began; kafka-go does not wait for this function then
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(lifetime, cancel)()
	s := &source{cluster: m.cluster, topic: m.options.Topic, partition: partition, spare: newSpare()}
	s.commit = func(offset int64) error { return m.commit(lifetime, gen, partition, offset) }
	defer s.close()
	if err := m.work(ctx, partition, s); err != nil {
		m.fail(fmt.Errorf("partition %d of %s: %w", partition, m.options.Topic, err))
	}
}

// commit commits an offset as this generation. Where that can't succeed any more it is noted and no error: the
// partition has another owner or will have one, who begins at the last commit and reads a few records twice. So it is
// when the broker says that the generation is over; and when the generation has ended and its connection fails, since
// kafka-go makes no other for it.
func (m *member) commit(lifetime context.Context, gen *kafka.Generation, partition int, offset int64) error {
	err := gen.CommitOffsets(map[string]map[int]int64{m.options.Topic: {partition: offset}})
	over := errors.Is(err, kafka.IllegalGeneration) || errors.Is(err, kafka.UnknownMemberId) ||
		errors.Is(err, kafka.RebalanceInProgress) || lifetime.Err() != nil
	if err == nil || !over {
		return err
	}
	m.options.Metrics.lostCommits.Inc()
	m.options.Log.Info("not committed, the next owner reads these records again", "group", m.options.Group, "generation", gen.ID,
		"topic", m.options.Topic, "partition", partition, "offset", offset, "error", err)
	return nil
}

// watch returns when the generation has ended or the number of partitions has changed, which ends it. kafka-go's own
// watcher is of no use here: it asks with the permission to create, so a topic that an operator deletes would be back
// at once. (A leader of the group asks like that too, but only when members come or go.)
func (m *member) watch(lifetime context.Context) {
	if lifetime.Err() != nil {
		return // ended before it began; the next generation's may be running
	}
	ticker := time.NewTicker(m.options.WatchInterval)
	defer ticker.Stop()
	for {
		if all, err := m.cluster.partitions(lifetime, m.options.Topic); err == nil {
			before := m.count
			m.count = len(all)
			m.options.Metrics.partitions.Set(float64(m.count))
			if before != 0 && before != m.count {
				m.options.Log.Info("the number of partitions has changed", "topic", m.options.Topic, "before", before, "now", m.count)
				return
			}
		}
		select {
		case <-ticker.C:
		case <-lifetime.Done():
			return
		}
	}
}
