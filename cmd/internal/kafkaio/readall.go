package kafkaio

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
)

// noProgress is how many fetches in a row may bring nothing before the end of a partition is reached.
const noProgress = 10

// ReadAll gives every record that the topic holds at the time of the call to fn, one partition after the other, each
// in order of offset. It belongs to no group, commits nothing and tries nothing twice. fn's error ends it.
func ReadAll(ctx context.Context, o Options, topic string, fn func(partition int, r pipeline.Record) error) error {
	r := NewReader(o, topic, time.Time{})
	defer r.Close()
	return r.Read(ctx, fn)
}

// Reader is ReadAll by and by: each call of Read goes on where the one before ended. One goroutine may use it.
type Reader struct {
	cluster *cluster
	topic   string
	since   time.Time
	next    map[int]int64 // the offset to go on at, by partition
}

// NewReader makes a reader of the records whose timestamps are not before since, and of all if that is zero: to be
// exact, of those from the first such record on. It does nothing until Read.
func NewReader(o Options, topic string, since time.Time) *Reader {
	return &Reader{cluster: o.withDefaults().connect(topic), topic: topic, since: since, next: map[int]int64{}}
}

// Close ends the connections.
func (r *Reader) Close() { r.cluster.close() }

// Read gives every record that the topic holds at the time of the call, and that no call before has given, to fn, as
// ReadAll does. After an error some may be given again.
func (r *Reader) Read(ctx context.Context, fn func(partition int, r pipeline.Record) error) error {
	partitions, err := r.cluster.partitions(ctx, r.topic)
	if err != nil {
		return err
	}
	ends := make([]int64, len(partitions))
	for i, p := range partitions {
		s := &source{cluster: r.cluster, topic: r.topic, partition: p.ID}
		first, end, err := s.Bounds(ctx)
		if err != nil {
			return err
		}
		if next, begun := r.next[p.ID]; begun {
			first = max(first, next)
		} else if first < end && !r.since.IsZero() {
			if first, err = s.offsetAt(ctx, r.since, end); err != nil {
				return err
			}
		}
		r.next[p.ID], ends[i] = first, end
	}
	for i, p := range partitions {
		s := &source{cluster: r.cluster, topic: r.topic, partition: p.ID}
		if err := s.readAll(ctx, r.next[p.ID], ends[i], fn); err != nil {
			return err
		}
		r.next[p.ID] = max(r.next[p.ID], ends[i])
	}
	return nil
}

// offsetAt gives the offset of the first record that is not before a time, end if there is none.
func (s *source) offsetAt(ctx context.Context, t time.Time, end int64) (offset int64, err error) {
	err = s.once(ctx, s.cluster.options.Timeout, func(conn *kafka.Conn) error {
		offset, err = conn.ReadOffset(t)
		return err
	})
	if err != nil {
		return 0, s.failed(ctx, "find a time in", err)
	}
	if offset < 0 {
		return end, nil
	}
	return offset, nil
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
