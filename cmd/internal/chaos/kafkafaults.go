package chaos

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/parcelsentry/parcelsentry/cmd/internal/testbed"
)

// kafkaScenarios are what happens to the brokers and to the input topic.
var kafkaScenarios = []Scenario{
	{
		Name: "broker-restart", Story: "the broker is killed and started again",
		setup: setup{most: 3},
		play: func(r *Run) error {
			return r.meanwhile(500*time.Millisecond, 2*time.Second, func() error { return r.restart(0) })
		},
	},
	{
		Name: "leaderless", Story: "half of the input's partitions have no leader for a while",
		setup: setup{twoBrokers: true, most: 3},
		play: func(r *Run) error {
			return r.meanwhile(500*time.Millisecond, 2*time.Second, func() error { return r.restart(1) })
		},
	},
	{
		Name: "topic-recreated", Story: "the input topic is deleted and created again while members run, and grows beyond its old length", Short: true,
		play: func(r *Run) error {
			return r.recreate(func(again func() error) error { return again() })
		},
	},
	{
		Name: "topic-recreated-down", Story: "the same while no member runs",
		play: func(r *Run) error {
			return r.recreate(func(again func() error) error { return r.without(again) })
		},
	},
	{
		Name: "partitions-added", Story: "the input topic gets two more partitions",
		// Anything that makes the group deal out its partitions anew would show them to it, sooner or later.
		setup: setup{recovery: time.Minute},
		play: func(r *Run) error {
			log := r.pour(usualPour)
			if err := r.wait(2*time.Second, 5*time.Second); err != nil {
				return err
			}
			if err := r.grow(2); err != nil {
				return err
			}
			return log.wait()
		},
	},
	{
		Name: "retention", Story: "records are cut from the log before they were read, while members run and while none does", Short: true,
		play: playRetention,
	},
	{
		Name: "compacted", Story: "the input topic is compacted: offsets are missing",
		// A fetch brings one of the log's batches and no more, so one whose last records are gone brings nothing new.
		setup: setup{members: -1, fetchBytes: "16KiB", topic: map[string]string{
			"compression.type": "uncompressed",
			"cleanup.policy":   "compact", "min.cleanable.dirty.ratio": "0.001",
			// By the records' own time, so it makes a dozen segments; the last is never compacted.
			"segment.ms": "259200000",
		}},
		play: playCompacted,
	},
	{
		Name: "transaction", Story: "the log is written in transactions, whose marks are records, too",
		play: playTransaction,
	},
}

// restart kills a broker, and starts it again after a while.
func (r *Run) restart(broker int) error {
	b := r.harness.brokers[broker]
	r.producing.Lock()
	b.Process.Kill()
	r.producing.Unlock()
	r.tell("broker %d is killed", b.ID)
	if err := r.wait(500*time.Millisecond, 4*time.Second); err != nil {
		return err
	}
	if err := b.Start(r.ctx); err != nil {
		return err
	}
	r.fault("broker %d runs again", b.ID)
	return nil
}

// without does something while no member runs.
func (r *Run) without(do func() error) error {
	all := r.living()
	for _, m := range all {
		r.leave(m)
	}
	if err := do(); err != nil {
		return err
	}
	for range all {
		if _, err := r.add(); err != nil {
			return err
		}
	}
	return nil
}

// recreate writes a part of the log, waits until it is counted, deletes the topic and creates it again, and writes a larger part:
// then the new topic holds every offset that the old one had.
func (r *Run) recreate(how func(again func() error) error) error {
	part := 800 + r.random.IntN(800)
	if err := r.write(r.some(part), time.Second); err != nil {
		return err
	}
	if err := r.awaitCounted(r.ctx); err != nil {
		return err
	}
	err := how(func() error {
		if err := r.kafka.Remove(r.ctx, r.config.Kafka.Topics.Shipments); err != nil {
			return err
		}
		if err := r.wait(0, 2*time.Second); err != nil {
			return err
		}
		r.mu.Lock()
		r.epoch++
		r.mu.Unlock()
		if err := r.kafka.Create(r.ctx, r.input()); err != nil {
			return err
		}
		r.fault("the input topic is another one")
		return r.write(r.some(2*part), 0)
	})
	if err != nil {
		return err
	}
	return r.pour(usualPour / 2).wait()
}

// grow gives the input topic more partitions. Senders that were seen stay where they are.
func (r *Run) grow(by int) error {
	r.mu.Lock()
	from := r.partitions
	r.mu.Unlock()
	if err := r.kafka.Grow(r.ctx, r.config.Kafka.Topics.Shipments, from, from+by); err != nil {
		return err
	}
	r.mu.Lock()
	r.partitions += by
	r.mu.Unlock()
	r.fault("the input topic has %d partitions", from+by)
	return nil
}

// playRetention cuts records twice: while no member runs, and while all are stopped for less than a session, so that they go on
// where the log has nothing any more.
func playRetention(r *Run) error {
	if err := r.write(r.some(1000+r.random.IntN(500)), 2*time.Second); err != nil {
		return err
	}
	if err := r.awaitCounted(r.ctx); err != nil {
		return err
	}
	if err := r.without(func() error { return r.writeAndCut(600) }); err != nil {
		return err
	}
	if err := r.write(r.some(500), 2*time.Second); err != nil {
		return err
	}
	if err := r.awaitCounted(r.ctx); err != nil {
		return err
	}
	all := r.living()
	for _, m := range all {
		m.Signal(syscall.SIGSTOP)
	}
	// A fetch that is under way at the broker ends before there is something for it.
	if err := testbed.Pause(r.ctx, 200*time.Millisecond); err != nil {
		return err
	}
	err := r.writeAndCut(400)
	for _, m := range all {
		m.Signal(syscall.SIGCONT)
	}
	if err != nil {
		return err
	}
	return r.pour(usualPour / 2).wait()
}

// writeAndCut writes n records and cuts the first ones of them from each partition.
func (r *Run) writeAndCut(n int) error {
	name := r.config.Kafka.Topics.Shipments
	ends, err := r.kafka.Ends(r.ctx, name, r.partitions)
	if err != nil {
		return err
	}
	if err := r.write(r.some(n), 0); err != nil {
		return err
	}
	grown, err := r.kafka.Ends(r.ctx, name, r.partitions)
	if err != nil {
		return err
	}
	before := map[int32]int64{}
	for p := range int32(r.partitions) {
		before[p] = ends[p] + r.random.Int64N(grown[p]-ends[p]+1)
	}
	if err := r.kafka.Cut(r.ctx, name, before); err != nil {
		return err
	}
	r.mu.Lock()
	cut := 0
	for i := range r.written {
		if w := &r.written[i]; w.epoch == r.epoch && w.offset >= ends[w.partition] && w.offset < before[w.partition] {
			w.fate = gone
			cut++
		}
	}
	r.mu.Unlock()
	r.fault("%d records are cut from the log before they were read", cut)
	return nil
}

// playCompacted writes the log with records between that compaction takes away, and starts members when it has.
func playCompacted(r *Run) error {
	const pieces, piece = 6, 500
	all := r.some(pieces * piece)
	for i := range all {
		// What is to stay has a key of its own; what is to go is a scan, whose key comes again and again. So are the last ones of
		// each piece, with which a batch ends.
		all[i].key = fmt.Appendf(nil, "%s %d", all[i].shipment.Sender, i)
		if (i%5 == 1 || i%piece >= piece*9/10) && i < len(all)*3/4 {
			all[i].fate, all[i].key = skipped, []byte("scan")
			all[i].value = fmt.Appendf(nil, `{"event_time": %q, "sender_id": %q, "event_type": "arrived"}`,
				all[i].shipment.Time.Format(time.RFC3339), all[i].shipment.Sender)
		}
	}
	if err := r.write(all, pieces*pieceEvery); err != nil {
		return err
	}
	missing := 0
	err := r.await(r.ctx, func(context.Context) error {
		held := 0
		err := r.kafka.Read(r.ctx, r.config.Kafka.Topics.Shipments, r.partitions, func(*kgo.Record) error {
			held++
			return nil
		})
		if missing = len(all) - held; err == nil && missing < 100 {
			err = fmt.Errorf("only %d records are compacted away", missing)
		}
		return err
	})
	if err != nil {
		return err
	}
	r.tell("%d offsets have no record", missing)
	r.faultsWere(missing)
	for range 2 {
		if _, err := r.add(); err != nil {
			return err
		}
	}
	rest := r.some(1000)
	for i := range rest {
		rest[i].key = fmt.Appendf(nil, "%s later %d", rest[i].shipment.Sender, i)
	}
	if err := r.write(rest, 2*time.Second); err != nil {
		return err
	}
	r.generator = nil
	return nil
}

// playTransaction writes the log in transactions, each of which leaves a mark in every partition that it wrote to.
func playTransaction(r *Run) error {
	client, err := kgo.NewClient(append(r.kafka.Client.Opts(), kgo.TransactionalID(r.name+"log"))...)
	if err != nil {
		return err
	}
	defer client.Close()
	for {
		part := r.some(50 + r.random.IntN(300))
		if len(part) == 0 {
			return nil
		}
		if err := client.BeginTransaction(); err != nil {
			return err
		}
		if err := r.produceBy(client, part); err != nil {
			return err
		}
		if err := client.EndTransaction(r.ctx, kgo.TryCommit); err != nil {
			return err
		}
		r.fault("a transaction of %d records is committed", len(part))
		if err := r.wait(0, 500*time.Millisecond); err != nil {
			return err
		}
	}
}
