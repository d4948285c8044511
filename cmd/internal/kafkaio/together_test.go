package kafkaio

import (
	"slices"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestTogether: what goes to several partitions leaves in one request. Of what a broker does with it, each partition counts by
// itself: the one that it has not written comes again, alone, and the others don't.
func TestTogether(t *testing.T) {
	for _, c := range []struct {
		name     string
		meddle   func(*kmsg.ProduceRequest) // what happens to the first request on its way
		fault    *kerr.Error
		requests int32
	}{
		{"all is well", nil, nil, 1},
		{"a partition is not answered", func(r *kmsg.ProduceRequest) {
			r.Topics[0].Partitions = slices.DeleteFunc(r.Topics[0].Partitions, func(p kmsg.ProduceRequestTopicPartition) bool { return p.Partition == 1 })
		}, nil, 2},
		{"the broker does not lead them any more", nil, kerr.NotLeaderForPartition, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			cluster, o := fake(t)
			create(t, o, 3)
			if c.fault != nil {
				cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: c.fault, Count: 1})
			}
			var requests atomic.Int32
			cluster.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
				cluster.KeepControl()
				if requests.Add(1) == 1 && c.meddle != nil {
					c.meddle(r.(*kmsg.ProduceRequest))
				}
				return nil, nil, false
			})
			p := NewProducer(o)
			defer p.Close()
			keys, err := p.Keys(limited(t), o.Topic)
			if err != nil {
				t.Fatal(err)
			}
			values := numbered(0, 5)
			var all []Message
			for partition := range 3 {
				all = append(all, messages(o.Topic, string(keys[partition]), values...)...)
			}
			if err := p.Write(limited(t), all); err != nil {
				t.Fatal(err)
			}
			got := everything(t, o)
			for partition := range 3 {
				if !slices.Equal(got[partition], values) {
					t.Errorf("partition %d holds %q, want %q", partition, got[partition], values)
				}
			}
			if got := requests.Load(); got != c.requests {
				t.Errorf("%d requests, want %d", got, c.requests)
			}
		})
	}
}
