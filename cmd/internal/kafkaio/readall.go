package kafkaio

import (
	"context"
	"fmt"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
)

// noProgress is how many fetches in a row may bring nothing before the end of a partition is reached.
const noProgress = 10

// ReadAll gives every record that the topic holds at the time of the call to fn, one partition after the other, each
// in order of offset. It belongs to no group, commits nothing and tries nothing twice. fn's error ends it.
func ReadAll(ctx context.Context, o Options, topic string, fn func(partition int, r pipeline.Record) error) error {
	c := o.withDefaults().connect(topic)
	defer c.close()
	partitions, err := c.partitions(ctx, topic)
	if err != nil {
		return err
	}
	ends := make([]int64, len(partitions))
	firsts := make([]int64, len(partitions))
	for i, p := range partitions {
		s := &source{cluster: c, topic: topic, partition: p.ID}
		if firsts[i], ends[i], err = s.Bounds(ctx); err != nil {
			return err
		}
	}
	for i, p := range partitions {
		s := &source{cluster: c, topic: topic, partition: p.ID}
		if err := s.readAll(ctx, firsts[i], ends[i], fn); err != nil {
			return err
		}
	}
	return nil
}

func (s *source) readAll(ctx context.Context, from, end int64, fn func(int, pipeline.Record) error) error {
	defer s.close()
	for idle := 0; from < end; {
		b, err := s.Fetch(ctx, from)
		if err != nil {
			return err
		}
		if b.Next > from {
			idle = 0
		} else if idle++; idle == noProgress {
			return fmt.Errorf("partition %d of %s: the broker gives no records from offset %d on, but its log ends at %d", s.partition, s.topic, from, end)
		}
		for _, r := range b.Records {
			if r.Offset >= end {
				return nil
			}
			if err := fn(s.partition, r); err != nil {
				return err
			}
		}
		from = b.Next
	}
	return nil
}
