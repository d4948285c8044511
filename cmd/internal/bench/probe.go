package bench

import (
	"context"
	"encoding/binary"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/parcelsentry/parcelsentry/cmd/internal/testbed"
)

// probeEvery is how often a record is sent that nothing is done with.
const probeEvery = 10 * time.Millisecond

// probe measures how long a bare record takes through the broker, from a producer without linger to a consumer, until ctx ends: an
// alert goes that way twice, so no service can be faster. It gives the delays by rising length.
func (h *harness) probe(ctx context.Context, topic string) (delays []time.Duration, err error) {
	if err := h.kafka.Create(ctx, testbed.Topic{Name: topic, Partitions: 1}); err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(h.Broker), kgo.DefaultProduceTopic(topic), kgo.ProducerLinger(0), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100*time.Millisecond),
	)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	var g errgroup.Group
	g.Go(func() error {
		for testbed.Pause(ctx, probeEvery) == nil {
			now := binary.LittleEndian.AppendUint64(nil, uint64(time.Now().UnixNano()))
			client.Produce(ctx, &kgo.Record{Value: now}, nil)
		}
		return nil
	})
	for ctx.Err() == nil {
		for r := range client.PollFetches(ctx).RecordsAll() {
			delays = append(delays, time.Since(time.Unix(0, int64(binary.LittleEndian.Uint64(r.Value)))))
		}
	}
	slices.Sort(delays)
	return delays, g.Wait()
}
