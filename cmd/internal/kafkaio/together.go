package kafkaio

import (
	"context"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/produce"
)

// together writes lanes by one request a leader, and gives those that may not be written, for another way. A request costs a broker
// much the same with one partition in it as with many; kafka.Client writes to one at a time.
func (p *Producer) together(ctx context.Context, lanes []*lane) (left []*lane) {
	byLeader := map[int][]*lane{}
	for _, l := range lanes {
		if l.leader < 0 || l.bytes() > p.options.MessageBytes {
			left = append(left, l)
			continue
		}
		byLeader[l.leader] = append(byLeader[l.leader], l)
	}
	failed := make(chan []*lane, len(byLeader))
	for _, some := range byLeader {
		go func() { failed <- p.produceAll(ctx, some) }()
	}
	for range byLeader {
		left = append(left, <-failed...)
	}
	return left
}

// produceAll writes lanes of one leader, and gives those that may not be written.
func (p *Producer) produceAll(ctx context.Context, lanes []*lane) (left []*lane) {
	ctx, cancel := context.WithTimeout(ctx, p.options.Timeout)
	defer cancel()
	now := time.Now()
	request := &produce.Request{Acks: int16(kafka.RequireAll), Timeout: int32(p.options.Timeout.Milliseconds())}
	at := map[string]int{}
	for _, l := range lanes {
		i, ok := at[l.topic]
		if !ok {
			i = len(request.Topics)
			at[l.topic] = i
			request.Topics = append(request.Topics, produce.RequestTopic{Topic: l.topic})
		}
		request.Topics[i].Partitions = append(request.Topics[i].Partitions, produce.RequestPartition{
			Partition: int32(l.partition),
			RecordSet: protocol.RecordSet{Attributes: protocol.Attributes(p.compression), Records: &records{messages: l.messages, now: now}},
		})
	}
	answer, err := p.cluster.transport.RoundTrip(ctx, p.cluster.client.Addr, request)
	written := map[string]map[int32]bool{}
	if response, ok := answer.(*produce.Response); ok && err == nil {
		for _, t := range response.Topics {
			written[t.Topic] = map[int32]bool{}
			for _, part := range t.Partitions {
				written[t.Topic][part.Partition] = part.ErrorCode == 0
			}
		}
	}
	for _, l := range lanes {
		if !written[l.topic][int32(l.partition)] {
			left = append(left, l)
		}
	}
	return left
}

// bytes is what the lane's messages take at most.
func (l *lane) bytes() (n int) {
	for _, m := range l.messages {
		n += m.size()
	}
	return n
}
