package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/parcelsentry/parcelsentry/cmd/internal/codec"
	"github.com/parcelsentry/parcelsentry/cmd/internal/testbed"
)

// live measures how long alerts take: events come evenly, each with the present as its time, and an alert's delay is from the time
// of the record that set it off until a consumer has it. The service starts anew, with an empty Redis.
func (h *harness) live(ctx context.Context, workload, name string) ([]time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, h.Live+catchUpLimit)
	defer cancel()
	topic := h.name + name + "-shipments"
	if err := h.kafka.Create(ctx, testbed.Topic{Name: topic, Partitions: usualPartitions}); err != nil {
		return nil, err
	}
	s, err := h.newStage(ctx, name, topic, Setup{})
	if err != nil {
		return nil, err
	}
	defer s.close()
	t, err := s.begin(ctx, job{workload: workload, name: name, set: h.Set})
	if err != nil {
		return nil, err
	}
	defer t.close()
	if err := t.ready(ctx); err != nil {
		return nil, err
	}
	listener, err := kgo.NewClient(
		kgo.SeedBrokers(h.Broker), kgo.ConsumeTopics(t.place.outputs()["alerts"]), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100*time.Millisecond),
	)
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	var delays, bare []time.Duration
	listening, stop := context.WithCancel(ctx)
	var g errgroup.Group
	g.Go(func() error { return listen(listening, listener, &delays) })
	g.Go(func() (err error) {
		bare, err = h.probe(listening, topic+"-probe")
		return err
	})
	err = t.speak(ctx, topic)
	stop()
	var used Result
	err = errors.Join(err, t.cost(ctx, &used))
	if err := errors.Join(err, g.Wait()); err != nil {
		return nil, err
	}
	if err := t.stop(ctx); err != nil {
		return nil, err
	}
	slices.Sort(delays)
	each := h.Live.Seconds() * float64(h.Rate)
	cpu := func(d time.Duration) float64 { return float64(d.Microseconds()) / each }
	h.note("%s: %d alerts came while events did; CPU an event: service %.1f us, Redis %.1f us, broker %.1f us; a bare record took %s ms, p99 %s",
		name, len(delays), cpu(used.Job), cpu(used.Redis), cpu(used.Broker), quantile(bare, 0.50), quantile(bare, 0.99))
	return delays, nil
}

// speak writes events at the rate, and waits until they are committed: by then the alerts are written.
func (t *trial) speak(ctx context.Context, topic string) error {
	h := t.h
	g := NewGenerator(h.Seed, "l", Shape{})
	total, made := int(h.Live.Seconds()*float64(h.Rate)), 0
	began := time.Now()
	late := time.Duration(0)
	err := h.produce(ctx, topic, func() (Shipment, bool) {
		if made == total {
			return Shipment{}, false
		}
		ahead := time.Until(began.Add(time.Duration(made) * time.Second / time.Duration(h.Rate)))
		if ahead > time.Millisecond && testbed.Pause(ctx, ahead) != nil {
			return Shipment{}, false
		}
		late = max(late, -ahead)
		made++
		s := g.Next()
		s.Restamp(time.Now())
		return s, true
	})
	if err != nil {
		return err
	}
	h.note("%d events in %.1f s, at worst %v behind", made, time.Since(began).Seconds(), late.Round(time.Millisecond))
	in := input{topic: topic, partitions: usualPartitions}
	if in.ends, err = h.kafka.Ends(ctx, topic, usualPartitions); err != nil {
		return err
	}
	if err := t.awaitCommitted(ctx, &in); err != nil {
		return err
	}
	const arrival = time.Second // for what is written to be read
	return testbed.Pause(ctx, arrival)
}

// listen notes the delay of each alert until ctx ends.
func listen(ctx context.Context, client *kgo.Client, delays *[]time.Duration) error {
	for ctx.Err() == nil {
		for r := range client.PollFetches(ctx).RecordsAll() {
			now := time.Now()
			a, err := codec.ParseAlert(r.Value)
			if err != nil {
				return fmt.Errorf("the topic of alerts holds something else: %w", err)
			}
			*delays = append(*delays, now.Sub(a.EventAt))
		}
	}
	return nil
}
