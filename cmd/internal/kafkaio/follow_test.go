package kafkaio

import (
	"context"
	"sync"
	"testing"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
)

// TestFollow reads what is written from now on, in every partition, and nothing from before.
func TestFollow(t *testing.T) {
	everywhere(t, func(t *testing.T, o Options) {
		create(t, o, partitions)
		write(t, o, "key", "too early")
		ctx, stop := context.WithCancel(limited(t))
		started, read := make(chan struct{}), make(chan string, 100)
		var following sync.WaitGroup
		following.Go(func() {
			Follow(ctx, o, o.Topic, func() { close(started) }, func(r pipeline.Record) { read <- string(r.Value) })
		})
		await(ctx, t, started)

		p := NewProducer(o)
		defer p.Close()
		keys, err := p.Keys(ctx, o.Topic)
		if err != nil || len(keys) != partitions {
			t.Fatalf("%d keys, %v", len(keys), err)
		}
		for round := range 2 {
			for partition, key := range keys {
				value := string(numbered(10*round+partition, 10*round+partition+1)[0])
				write(t, o, string(key), value)
				if got := await(ctx, t, read); got != value {
					t.Errorf("read %q, want %q", got, value)
				}
			}
		}
		stop()
		following.Wait()
		all := everything(t, o)
		for partition := range partitions {
			want := numbered(partition, partition+1)[0]
			if len(all[partition]) < 2 || all[partition][len(all[partition])-2] != want {
				t.Errorf("partition %d holds %q, want %q before the last", partition, all[partition], want)
			}
		}
	})
}
