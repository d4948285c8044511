package kafkaio

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/metadata"
	"github.com/segmentio/kafka-go/protocol/produce"
)

// discard is a cluster of one broker that takes everything: requests are encoded as for the wire, then dropped.
type discard struct {
	partitions int
	bytes      int64 // of all requests
}

func (d *discard) Write(b []byte) (int, error) {
	d.bytes += int64(len(b))
	return len(b), nil
}

// RoundTrip implements kafka.RoundTripper.
func (d *discard) RoundTrip(_ context.Context, _ net.Addr, request kafka.Request) (kafka.Response, error) {
	const producing = 8 // the version that brokers and kafka-go agree on
	switch r := request.(type) {
	case *metadata.Request:
		topic := metadata.ResponseTopic{Name: r.TopicNames[0]}
		for id := range d.partitions {
			topic.Partitions = append(topic.Partitions, metadata.ResponsePartition{PartitionIndex: int32(id)})
		}
		return &metadata.Response{Topics: []metadata.ResponseTopic{topic}}, nil
	case *produce.Request:
		if err := protocol.WriteRequest(d, producing, 1, "parcelsentry", r); err != nil {
			return nil, err
		}
		partition := []produce.ResponsePartition{{Partition: r.Topics[0].Partitions[0].Partition}}
		return &produce.Response{Topics: []produce.ResponseTopic{{Topic: r.Topics[0].Topic, Partitions: partition}}}, nil
	}
	return nil, io.ErrUnexpectedEOF
}

// flags are messages as flagged shipments are.
func flags(n int) []Message {
	all := make([]Message, n)
	headers := []Header{{"detected_at", []byte("2026-03-02T10:00:00.000Z")}}
	random := rand.New(rand.NewPCG(1, 2))
	var incident [2]uint64
	for i := range all {
		if i%5 == 0 {
			incident = [2]uint64{random.Uint64(), random.Uint64()}
		}
		key := fmt.Sprintf("RR%09dVN", random.IntN(1_000_000_000))
		all[i] = Message{
			Topic: "flagged-shipments", Key: []byte(key), Headers: headers,
			Value: fmt.Appendf(nil, `{"item_id":"%s","event_id":"01JBP7X%019d","fingerprint":"%016x%016x","score":%d.%03d,"event_time":"2026-03-02T10:%02d:%02d.%03dZ"}`,
				key, random.Uint64()>>1, incident[0], incident[1], 3+i%7, i%1000, i/600%60, i/10%60, i%1000),
		}
	}
	return all
}

// BenchmarkProduce tells what a flagged shipment costs by compression and by how many go to a partition at once.
func BenchmarkProduce(b *testing.B) {
	for _, compression := range []string{"none", "snappy", "lz4", "zstd"} {
		for _, each := range []int{100, 500, 5000} {
			b.Run(fmt.Sprintf("%s/%d", compression, each), func(b *testing.B) {
				p := NewProducer(Options{Brokers: []string{"127.0.0.1:1"}, Compression: compression})
				defer p.Close()
				broker := &discard{partitions: 1}
				p.cluster.client.Transport = broker
				messages := flags(each)
				b.ReportAllocs()
				n := 0
				for b.Loop() {
					if err := p.Write(b.Context(), messages); err != nil {
						b.Fatal(err)
					}
					n += each
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/message")
				b.ReportMetric(float64(broker.bytes)/float64(n), "B/message")
			})
		}
	}
}
