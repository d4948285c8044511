package chaos

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// logScenarios are what happens to Kafka and to the log in it.
var logScenarios = []Scenario{
	{
		Name: "broker-restart", Story: "the broker is killed and started again",
		setup: setup{most: 2},
		play: func(r *Run) error {
			return r.meanwhile(500*time.Millisecond, 3*time.Second, func() error { return r.restartBroker(0, 500*time.Millisecond, 3*time.Second) })
		},
	},
	{
		Name: "no-leader", Story: "half of the partitions have no leader for a while",
		setup: setup{twoBrokers: true, most: 2},
		play: func(r *Run) error {
			return r.meanwhile(500*time.Millisecond, 2*time.Second, func() error { return r.restartBroker(1, 4*time.Second, 7*time.Second) })
		},
	},
	{
		Name: "topic-anew", Story: "the topic is deleted and created again, while the service runs or while it is down", Short: true,
		play: playTopicAnew,
	},
	{
		Name: "partitions-added", Story: "the topic gets more partitions, twice",
		play: func(r *Run) error {
			for range 2 {
				if err := r.write(r.some(3000), 2*time.Second); err != nil {
					return err
				}
				// Who moves to another partition must not overtake itself.
				if err := r.awaitCounted(r.ctx); err != nil {
					return err
				}
				if err := r.kafka.grow(r.ctx, r.input().name, r.partitions, r.partitions+2); err != nil {
					return err
				}
				r.partitions += 2
				if err := r.reconnect(); err != nil {
					return err
				}
				r.fault("%d partitions", r.partitions)
			}
			return r.pour(usualPour / 2).wait()
		},
	},
	{
		Name: "retention", Story: "records are cut from the log before they were read: lost, and named", Short: true,
		play: playRetention,
	},
	{
		Name: "beyond-the-log", Story: "FLUSHALL when the log holds no longer what was counted: lost, and named",
		setup: setup{forgets: true, saysMore: true},
		play: func(r *Run) error {
			if err := r.write(r.some(5000), 3*time.Second); err != nil {
				return err
			}
			if err := r.awaitCounted(r.ctx); err != nil {
				return err
			}
			n, err := r.cutSome(0)
			if err != nil {
				return err
			}
			if err := r.servers[0].client.FlushAll(r.ctx).Err(); err != nil {
				return err
			}
			r.fault("FLUSHALL, and %d records are not in the log any more", n)
			return r.pour(usualPour / 2).wait()
		},
	},
	{
		Name: "compaction", Story: "the topic is compacted: its offsets have gaps",
		setup: setup{members: -1, topic: map[string]string{
			"cleanup.policy": "compact", "segment.ms": "300", "min.cleanable.dirty.ratio": "0.0001", "delete.retention.ms": "100",
		}},
		play: playCompaction,
	},
	{
		Name: "transactions", Story: "the log is written in transactions, whose marks stand in it too",
		play: playTransactions,
	},
	{
		Name: "poison", Story: "records that make the code panic, when decoded or when judged", Short: true,
		setup: setup{wrongs: wrongs{poison: 600}},
		play: func(r *Run) error {
			err := r.pour(usualPour).wait()
			r.faultsAre(poison)
			return err
		},
	},
	{
		Name: "clocks", Story: "producers whose clocks are years ahead",
		setup: setup{wrongs: wrongs{future: 7}},
		play: func(r *Run) error {
			err := r.pour(usualPour).wait()
			r.faultsAre(future)
			return err
		},
	},
}

// faultsAre notes the records of a fate as faults.
func (r *Run) faultsAre(fate string) {
	n := 0
	for i := range r.written {
		if r.written[i].fate == fate {
			n++
		}
	}
	r.faultsWere(n)
}

// restartBroker kills one and starts it again after a while.
func (r *Run) restartBroker(n int, from, to time.Duration) error {
	b := r.harness.brokers[n]
	b.process.kill()
	r.tell("broker %d is killed", b.id)
	if err := r.wait(from, to); err != nil {
		return err
	}
	if err := b.start(r.ctx); err != nil {
		return err
	}
	r.fault("broker %d was killed and is back", b.id)
	return nil
}

// playTopicAnew deletes the topic when all of it is counted, and creates it again: offsets start over.
func playTopicAnew(r *Run) error {
	const rounds = 3
	for round := range rounds {
		// Sometimes more than the topic before held, sometimes less.
		if err := r.write(r.some(1000+r.random.IntN(3000)), 2*time.Second); err != nil {
			return err
		}
		if err := r.awaitCounted(r.ctx); err != nil {
			return err
		}
		down := (round+int(r.result.Seed))%2 == 0
		if down {
			for _, m := range r.living() {
				r.leave(m)
			}
		}
		if err := r.anew(); err != nil {
			return err
		}
		r.fault("the topic is new; the service was down: %t", down)
		if down {
			if err := r.produce(r.some(r.random.IntN(3000))); err != nil {
				return err
			}
			for range 2 {
				if _, err := r.add(); err != nil {
					return err
				}
			}
		}
	}
	return r.pour(usualPour / 4).wait()
}

// anew deletes the input topic and creates it again, at once or after a moment.
func (r *Run) anew() error {
	if err := r.kafka.remove(r.ctx, r.input().name); err != nil {
		return err
	}
	if err := r.wait(0, 2*time.Second); err != nil {
		return err
	}
	if err := r.reconnect(); err != nil {
		return err
	}
	r.epoch++
	return r.kafka.create(r.ctx, r.input())
}

// reconnect forgets what the harness's client knows of topics.
func (r *Run) reconnect() (err error) {
	r.kafka.close()
	r.kafka, err = newKafka(r.harness.brokers[0].address)
	return err
}

// playRetention cuts records that nobody has read: while the service is down, or stopped for a moment.
func playRetention(r *Run) error {
	const rounds = 2
	for round := range rounds {
		if err := r.write(r.some(2500), 2*time.Second); err != nil {
			return err
		}
		if err := r.awaitCounted(r.ctx); err != nil {
			return err
		}
		down := (round+int(r.result.Seed))%2 == 0
		for _, m := range r.living() {
			if down {
				r.leave(m)
			} else {
				m.signal(syscall.SIGSTOP)
			}
		}
		// A fetch that was under way finds nothing yet.
		if err := pause(r.ctx, 500*time.Millisecond); err != nil {
			return err
		}
		before := len(r.written)
		if err := r.produce(r.some(1500)); err != nil {
			return err
		}
		n, err := r.cutSome(before)
		if err != nil {
			return err
		}
		for _, m := range r.living() {
			m.signal(syscall.SIGCONT)
		}
		r.fault("%d records are cut that nobody has read; the service was down: %t", n, down)
		if down {
			for range 2 {
				if _, err := r.add(); err != nil {
					return err
				}
			}
		}
	}
	return r.pour(usualPour / 4).wait()
}

// cutSome cuts a part of what was written since, in each partition, and gives how many records that were.
func (r *Run) cutSome(since int) (int, error) {
	first, last := map[int32]int64{}, map[int32]int64{}
	for _, w := range r.written[since:] {
		if _, ok := first[w.partition]; !ok {
			first[w.partition] = w.offset
		}
		last[w.partition] = w.offset
	}
	before := map[int32]int64{}
	for p := range int32(r.partitions) {
		if from, ok := first[p]; ok {
			before[p] = from + r.random.Int64N(last[p]-from+1)
		}
	}
	n := 0
	for i := range r.written[since:] {
		w := &r.written[since+i]
		if w.offset < before[w.partition] {
			w.fate = gone
			n++
		}
	}
	return n, r.kafka.cut(r.ctx, r.input().name, before)
}

// playCompaction writes records that others replace, waits until the broker has thrown them out, and lets the service read
// what is left.
func playCompaction(r *Run) error {
	const rounds = 2
	for round := range rounds {
		part := r.some(5000)
		for i := range part {
			part[i].key = fmt.Appendf(nil, "%d-%d", round, i)
			if i > 0 && r.random.IntN(3) == 0 {
				part[i].key = part[r.random.IntN(i)].key
			}
		}
		if err := r.write(part, time.Second); err != nil {
			return err
		}
		if err := r.awaitCompaction(); err != nil {
			return err
		}
		if _, err := r.add(); err != nil {
			return err
		}
		if err := r.awaitCounted(r.ctx); err != nil {
			return err
		}
		for _, m := range r.living() {
			r.leave(m)
		}
	}
	r.generator.stop()
	_, err := r.add()
	return err
}

// awaitCompaction waits until the broker has thrown out whatever it will, and strikes it from the log. Only segments that
// are not written to any more are compacted, so each partition gets a few records more first.
func (r *Run) awaitCompaction() error {
	if err := pause(r.ctx, time.Second); err != nil {
		return err
	}
	last := r.some(200)
	for i := range last {
		last[i].key = fmt.Appendf(nil, "last-%d-%d", len(r.written), i)
	}
	if err := r.produce(last); err != nil {
		return err
	}
	before := 0
	for _, w := range r.written {
		if w.fate != compacted {
			before++
		}
	}
	for left, same := before, 0; same < 3; {
		if err := pause(r.ctx, time.Second); err != nil {
			return err
		}
		held, err := r.held()
		if err != nil {
			return err
		}
		if len(held) == left && left < before*9/10 {
			same++
		} else {
			left, same = len(held), 0
		}
	}
	held, err := r.held()
	if err != nil {
		return err
	}
	n := 0
	for i := range r.written {
		if w := &r.written[i]; !held[[2]int64{int64(w.partition), w.offset}] && w.fate != compacted {
			w.fate = compacted
			n++
		}
	}
	r.fault("%d records were compacted away", n)
	return nil
}

// held are the records that the input topic holds now, by partition and offset.
func (r *Run) held() (map[[2]int64]bool, error) {
	held := map[[2]int64]bool{}
	ctx, cancel := context.WithTimeout(r.ctx, requestTimeout)
	defer cancel()
	err := r.kafka.read(ctx, r.input().name, r.partitions, func(m *kgo.Record) error {
		held[[2]int64{int64(m.Partition), m.Offset}] = true
		return nil
	})
	return held, err
}

// playTransactions writes pieces of the log, most of them as transactions of one or several pieces.
func playTransactions(r *Run) error {
	plain := r.kafka
	client, err := kgo.NewClient(append(plain.client.Opts(), kgo.TransactionalID(r.name))...)
	if err != nil {
		return err
	}
	defer client.Close()
	defer func() { r.kafka = plain }()
	for {
		pieces := 1 + r.random.IntN(4)
		transaction := r.random.IntN(4) > 0
		r.kafka = plain
		if transaction {
			r.kafka = &kafka{client}
			if err := client.BeginTransaction(); err != nil {
				return err
			}
		}
		for range pieces {
			piece := r.some(1 + r.random.IntN(300))
			if err := r.write(piece, 100*time.Millisecond); err != nil {
				return err
			}
			if len(piece) == 0 {
				if transaction {
					err = client.EndTransaction(r.ctx, kgo.TryCommit)
				}
				return err
			}
		}
		if transaction {
			if err := client.EndTransaction(r.ctx, kgo.TryCommit); err != nil {
				return err
			}
			r.fault("a transaction of %d pieces", pieces)
		}
	}
}
