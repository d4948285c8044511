package kafkaio

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
)

// Once calls work for each partition of the topic, each in a goroutine of its own, with a source that ends at the offset
// that the group had committed when Once was called or, without one, where the log ended. The sources belong to no
// group: they commit nothing. It returns when all work has; the first error ends the others.
func Once(ctx context.Context, o Options, work Work) error {
	o = o.withDefaults()
	c := o.connect(o.Topic)
	defer c.close()
	partitions, err := c.partitions(ctx, o.Topic)
	if err != nil {
		return err
	}
	var sources []*ending
	for _, p := range partitions {
		s := &ending{source: source{
			cluster: c, topic: o.Topic, partition: p.ID, spare: newSpare(), commit: func(int64) error { return nil },
		}}
		if _, s.end, err = s.Bounds(ctx); err != nil {
			return err
		}
		committed, err := s.committedSoon(ctx)
		if err != nil {
			return err
		}
		if committed >= 0 {
			s.end = min(s.end, committed)
		}
		sources = append(sources, s)
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range sources {
		g.Go(func() error {
			defer s.close()
			if err := work(ctx, s.partition, s); err != nil {
				return fmt.Errorf("partition %d of %s: %w", s.partition, o.Topic, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// ending is a source that ends before an offset.
type ending struct {
	source
	end  int64
	idle int // fetches in a row that brought nothing
}

// committedSoon is Committed, tried again for a while: a new broker has no coordinator for its first moments.
func (s *ending) committedSoon(ctx context.Context) (int64, error) {
	const attempts = 30
	for n := 1; ; n++ {
		offset, err := s.Committed(ctx)
		if err == nil || Fatal(err) || n == attempts {
			return offset, err
		}
		if err := pause(ctx, joinPause); err != nil {
			return 0, err
		}
	}
}

// Fetch implements pipeline.Source. A log whose last records are gone, as by compaction, ends where the broker gives no
// more.
func (s *ending) Fetch(ctx context.Context, offset int64) (pipeline.Batch, error) {
	if offset >= s.end {
		return pipeline.Batch{Next: offset, End: s.end, Done: true}, nil
	}
	b, err := s.source.Fetch(ctx, offset)
	if err != nil {
		return b, err
	}
	for n := len(b.Records); n > 0 && b.Records[n-1].Offset >= s.end; n-- {
		b.Records = b.Records[:n-1]
	}
	if s.idle++; b.Next > offset {
		s.idle = 0
	}
	b.Next = min(b.Next, s.end)
	b.Done = b.Next == s.end || s.idle == noProgress
	return b, nil
}
