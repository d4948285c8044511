package bench

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/parcelsentry/parcelsentry/cmd/internal/testbed"
)

// A Setup says what a run has of everything. Zero stands for the usual: 4, one, and a Redis that is no cluster.
type Setup struct {
	// Partitions has the topic of shipments.
	Partitions int
	// Members of the service run, each in a process of its own, and share the partitions.
	Members int
	// Masters has the Redis Cluster.
	Masters int
}

// A stage is what the service runs on: a Redis, topics of its own for what it writes, and an input. Trials on one stage go on
// where the last one ended.
type stage struct {
	h     *harness
	place place
	state *state
}

// newStage makes one for an input. The name begins those of its topics and group.
func (h *harness) newStage(ctx context.Context, name, topic string, setup Setup) (s *stage, err error) {
	dir := filepath.Join(h.Dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s = &stage{h: h}
	if s.state, err = h.newState(ctx, dir, setup.Masters); err != nil {
		return nil, err
	}
	s.place = place{broker: h.Broker, redis: s.state.addresses(), cluster: setup.Masters > 0, prefix: h.name + name + "-", input: topic}
	for _, topic := range s.place.outputs() {
		if err := h.kafka.Create(ctx, testbed.Topic{Name: topic, Partitions: usualPartitions}); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

func (s *stage) close() { s.state.close() }

// forget removes all topics of it, the input too.
func (s *stage) forget(ctx context.Context) error {
	return s.h.kafka.Remove(ctx, append(slices.Collect(maps.Values(s.place.outputs())), s.place.input)...)
}
