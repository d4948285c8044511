package kafkaio

import (
	"context"
	"errors"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
)

// lookupBytes is how much a fetch for single records may bring. A broker gives a whole record batch all the same.
const lookupBytes = 64 << 10

// Lookup gives the records of a partition at the offsets, which ascend, to fn, but for those that the log does not hold:
// any more, or at all. It tries nothing twice. fn's error ends it.
func Lookup(ctx context.Context, o Options, topic string, partition int, offsets []int64, fn func(pipeline.Record) error) error {
	o.FetchBytes = lookupBytes
	c := o.withDefaults().connect(topic)
	defer c.close()
	partitions, err := c.partitions(ctx, topic)
	if err != nil {
		return err
	}
	for _, p := range partitions {
		if p.ID == partition {
			s := &source{cluster: c, topic: topic, partition: partition}
			return s.lookup(ctx, offsets, fn)
		}
	}
	return nil
}

func (s *source) lookup(ctx context.Context, offsets []int64, fn func(pipeline.Record) error) error {
	defer s.close()
	first, end, err := s.Bounds(ctx)
	if err != nil {
		return err
	}
	for idle := 0; len(offsets) > 0 && offsets[0] < end; {
		wanted := offsets[0]
		if wanted < first {
			offsets = offsets[1:]
			continue
		}
		b, err := s.Fetch(ctx, wanted)
		if err != nil && !errors.Is(err, pipeline.ErrOutOfRange) { // which it is if the record was cut since
			return err
		}
		idle++
		switch {
		case b.Next > wanted:
			if offsets, err = pick(b, offsets, fn); err != nil {
				return err
			}
		case err == nil && idle < noProgress:
			continue
		default:
			offsets = offsets[1:]
		}
		idle = 0
	}
	return nil
}

// pick gives the records wanted of a batch to fn, and the offsets that lie behind it.
func pick(b pipeline.Batch, offsets []int64, fn func(pipeline.Record) error) ([]int64, error) {
	for _, r := range b.Records {
		for len(offsets) > 0 && offsets[0] < r.Offset {
			offsets = offsets[1:] // compacted away
		}
		if len(offsets) > 0 && offsets[0] == r.Offset {
			if err := fn(r); err != nil {
				return nil, err
			}
		}
	}
	for len(offsets) > 0 && offsets[0] < b.Next {
		offsets = offsets[1:]
	}
	return offsets, nil
}
