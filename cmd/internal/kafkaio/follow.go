package kafkaio

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/segmentio/kafka-go"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
)

// Follow gives fn every record that is written to the topic from now on, until ctx ends. It calls started, once, when
// now is. fn is called by a goroutine for each partition that the topic has then. It belongs to no group and commits
// nothing; what fails is tried again, and records that the log no longer holds are passed over.
func Follow(ctx context.Context, o Options, topic string, started func(), fn func(pipeline.Record)) {
	c := o.withDefaults().connect(topic)
	defer c.close()
	var following sync.WaitGroup
	defer following.Wait()
	for ctx.Err() == nil {
		sources, ends, err := c.ends(ctx, topic)
		if err != nil {
			c.options.Log.Debug("can't follow a topic yet", "topic", topic, "error", err)
			_ = pause(ctx, joinPause) // the loop looks at ctx
			continue
		}
		for i, s := range sources {
			following.Go(func() { s.follow(ctx, ends[i], fn) })
		}
		started()
		return
	}
}

// ends gives a topic's partitions, and where each ends.
func (c *cluster) ends(ctx context.Context, topic string) ([]*source, []int64, error) {
	all, err := c.partitions(ctx, topic)
	if err != nil {
		return nil, nil, err
	}
	sources, ends := make([]*source, len(all)), make([]int64, len(all))
	for i, p := range all {
		sources[i] = &source{cluster: c, topic: topic, partition: p.ID}
		if _, ends[i], err = sources[i].Bounds(ctx); err != nil {
			return nil, nil, err
		}
	}
	return sources, ends, nil
}

func (s *source) follow(ctx context.Context, from int64, fn func(pipeline.Record)) {
	defer s.close()
	for ctx.Err() == nil {
		b, err := s.Fetch(ctx, from)
		if errors.Is(err, pipeline.ErrOutOfRange) {
			_, from, err = s.Bounds(ctx)
		}
		if err != nil {
			s.cluster.options.Log.Debug("can't read on, will try again", "error", err)
			_ = pause(ctx, joinPause) // the loop looks at ctx
			continue
		}
		for _, r := range b.Records {
			fn(r)
		}
		from = max(from, b.Next)
	}
}

// Keys gives for each partition of a topic a key whose messages go there.
func (p *Producer) Keys(ctx context.Context, topic string) (map[int][]byte, error) {
	partitions, err := p.partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	ids := make([]int, len(partitions))
	for i := range partitions {
		ids[i] = partitions[i].ID
	}
	var balancer kafka.Murmur2Balancer
	keys := map[int][]byte{}
	for n := 0; len(keys) < len(ids); n++ {
		key := fmt.Appendf(nil, "key-%d", n)
		if to := balancer.Balance(kafka.Message{Key: key}, ids...); keys[to] == nil {
			keys[to] = key
		}
	}
	return keys, nil
}
