package chaos

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/parcelsentry/parcelsentry/cmd/internal/testbed"
)

// usualPour is how long it takes to write a log of the usual size.
const usualPour = 8 * time.Second

// pouring is a log being written.
type pouring struct {
	done chan struct{}
	err  error
}

// active tells that it is not all written yet.
func (p *pouring) active() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// wait waits for the end, and gives why it failed.
func (p *pouring) wait() error {
	<-p.done
	return p.err
}

// pour begins to write the rest of the log, evenly over some time, if the brokers let it.
func (r *Run) pour(over time.Duration) *pouring {
	rest := r.some(math.MaxInt)
	p := &pouring{done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = r.write(rest, over)
	}()
	return p
}

// some gives the next n records of the log, fewer at its end.
func (r *Run) some(n int) []record {
	var all []record
	for r.generator != nil && len(all) < n {
		next, ok := r.generator.next()
		if !ok {
			break
		}
		all = append(all, next)
	}
	return all
}

// pieceEvery is how often a piece of the log is written.
const pieceEvery = 50 * time.Millisecond

// write writes records evenly over some time.
func (r *Run) write(all []record, over time.Duration) error {
	pieces := max(1, int(over/pieceEvery))
	began := time.Now()
	for i := range pieces {
		if err := r.produce(all[len(all)*i/pieces : len(all)*(i+1)/pieces]); err != nil {
			return err
		}
		if ahead := time.Until(began.Add(time.Duration(i+1) * over / time.Duration(pieces))); ahead > 0 {
			if err := testbed.Pause(r.ctx, ahead); err != nil {
				return err
			}
		}
	}
	return nil
}

// produce writes records now, each to the partition of its sender, and notes where they stand.
func (r *Run) produce(all []record) error { return r.produceBy(r.kafka.Client, all) }

func (r *Run) produceBy(client *kgo.Client, all []record) error {
	if len(all) == 0 {
		return nil
	}
	messages := make([]*kgo.Record, len(all))
	for i := range all {
		messages[i] = &kgo.Record{
			Topic: r.config.Kafka.Topics.Shipments, Partition: r.home(all[i].shipment.Sender),
			Key: all[i].key, Value: all[i].value, Timestamp: all[i].time,
		}
	}
	r.producing.RLock()
	err := client.ProduceSync(r.ctx, messages...).FirstErr()
	r.producing.RUnlock()
	if err != nil {
		return fmt.Errorf("write the log: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range all {
		all[i].epoch, all[i].partition, all[i].offset = r.epoch, messages[i].Partition, messages[i].Offset
	}
	r.written = append(r.written, all...)
	r.lastWrite = time.Now()
	return nil
}

// reread makes sure that the log holds what was written and nothing else, or the oracle would count another one.
func (r *Run) reread() error {
	known := map[[2]int64]string{}
	for i := range r.written {
		if w := &r.written[i]; w.epoch == r.epoch {
			known[[2]int64{int64(w.partition), w.offset}] = string(w.value)
		}
	}
	return r.kafka.Read(r.ctx, r.config.Kafka.Topics.Shipments, r.partitions, func(m *kgo.Record) error {
		if value, ok := known[[2]int64{int64(m.Partition), m.Offset}]; !ok || value != string(m.Value) {
			return fmt.Errorf("the log holds another record at %d/%d than was written: %s", m.Partition, m.Offset, m.Value)
		}
		return nil
	})
}

// home gives the partition of a sender. It stays the same when there are more partitions, so that the sender's events stay in
// order.
func (r *Run) home(sender string) int32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, known := r.homes[sender]
	if !known {
		h := fnv.New32a()
		_, _ = h.Write([]byte(sender))
		p = int32(h.Sum32() % uint32(r.partitions))
		r.homes[sender] = p
	}
	return p
}

// ends gives the offset of the last record of each partition that the service must reach.
func (r *Run) ends() map[int32]int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := map[int32]int64{}
	for i := range r.written {
		w := &r.written[i]
		if w.fate != gone && w.epoch == r.epoch {
			last[w.partition] = max(last[w.partition], w.offset)
		}
	}
	return last
}

// awaitCounted waits until every record written is counted in all buckets and committed.
func (r *Run) awaitCounted(ctx context.Context) error {
	return r.await(ctx, r.everywhere)
}

// await asks again and again.
func (r *Run) await(ctx context.Context, reached func(context.Context) error) error {
	for {
		err := reached(ctx)
		if err == nil {
			return nil
		}
		if testbed.Pause(ctx, 50*time.Millisecond) != nil {
			return err
		}
	}
}

// everywhere tells what is missing until all is counted in all buckets and committed.
func (r *Run) everywhere(ctx context.Context) error {
	name := r.config.Kafka.Topics.Shipments
	committed, err := r.kafka.Committed(ctx, r.config.Kafka.Group, name, r.partitions)
	if err != nil {
		return err
	}
	for p, last := range r.ends() {
		if committed[p] <= last {
			return fmt.Errorf("partition %d is committed up to %d of %d", p, committed[p], last+1)
		}
		f, err := r.store.Fences(ctx, name, int(p))
		if err != nil {
			return err
		}
		for b, fence := range f.At {
			if !f.Present[b] || fence.Offset < last {
				return fmt.Errorf("partition %d is counted up to %d of %d in bucket %d", p, fence.Offset, last, b)
			}
		}
	}
	return nil
}
