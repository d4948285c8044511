package kafkaio

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// Message is one message to write.
type Message struct {
	Topic string
	// Key decides the partition, as Java producers do (murmur2). Without one, nil, any partition may be taken.
	Key, Value []byte
	Headers    []Header
	// Partition, unless nil, is where the message goes whatever its key is, not negative; counted round if the topic has
	// not so many.
	Partition *int
	// Time is the message's timestamp; zero stands for now.
	Time time.Time
}

// Header is a name and a value beside a message.
type Header struct {
	Key   string
	Value []byte
}

// Producer writes messages, acknowledged by all replicas in sync. Many goroutines may use one.
//
// It stands on kafka.Client rather than kafka.Writer, which goes on writing in the background when a caller has given
// up, writes a later batch of a partition when an earlier one has failed, and makes every small write wait.
type Producer struct {
	options     Options
	cluster     *cluster
	compression kafka.Compression
	wrong       error // why nothing can be written
}

// lane is a partition with what is to be written to it.
type lane struct {
	topic     string
	partition int
	leader    int // the broker that leads it, as far as is known
	messages  []*Message
}

// NewProducer makes a producer that does nothing until the first Write. A setting that can't work is told by Write.
func NewProducer(o Options) *Producer {
	o = o.withDefaults()
	p := &Producer{options: o, cluster: o.connect(o.OutputTopics...)}
	if err := p.compression.UnmarshalText([]byte(o.Compression)); err != nil {
		p.wrong = fmt.Errorf("%w: %w", errSetting, err)
	}
	return p
}

// Close ends the connections. No Write may be running or come later.
func (p *Producer) Close() error {
	p.cluster.close()
	return nil
}

// Write returns nil once every message is acknowledged. Messages of one key, in one call or in calls that follow each
// other, are written in order. What fails is tried again for some seconds.
//
// After an error each message may or may not have been written; the same call can be made again and repeats them in
// order. A *TooLargeError found beforehand means that none was. After ctx ends nothing more is sent.
func (p *Producer) Write(ctx context.Context, messages []Message) error {
	if p.wrong != nil {
		return p.wrong
	}
	for i := range messages {
		m := &messages[i]
		if size := m.size(); size > p.options.MessageBytes {
			return &TooLargeError{Topic: m.Topic, Size: size, Limit: p.options.MessageBytes}
		}
	}
	lanes, err := p.route(ctx, messages)
	if err != nil {
		return err
	}
	left := lanes
	if len(lanes) > 1 {
		left = p.together(ctx, lanes)
	}
	var writing sync.WaitGroup
	failed := make(chan error, len(left))
	for _, l := range left {
		writing.Go(func() {
			if err := p.send(ctx, l, l.messages); err != nil {
				failed <- err
			}
		})
	}
	writing.Wait()
	close(failed)
	return <-failed
}

// route sorts messages by partition, keeping their order. Only lanes with messages are given.
func (p *Producer) route(ctx context.Context, messages []Message) ([]*lane, error) {
	var all []*fan
	var f *fan // of the last message: the next one is mostly of the same topic
	for i := range messages {
		m := &messages[i]
		if f == nil || f.topic != m.Topic {
			var err error
			if f, err = p.fan(ctx, &all, m.Topic); err != nil {
				return nil, err
			}
		}
		l := f.lane(m)
		l.messages = append(l.messages, m)
	}
	var lanes []*lane
	for _, f := range all {
		for i := range f.lanes {
			if len(f.lanes[i].messages) > 0 {
				lanes = append(lanes, &f.lanes[i])
			}
		}
	}
	return lanes, nil
}

// fan is a topic with all its partitions.
type fan struct {
	topic string
	lanes []lane
	index []int // 0, 1, … as many as lanes: what the balancer chooses from
}

// fan gives the topic's among all, to which it adds a new one.
func (p *Producer) fan(ctx context.Context, all *[]*fan, topic string) (*fan, error) {
	for _, f := range *all {
		if f.topic == topic {
			return f, nil
		}
	}
	partitions, err := p.partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	f := &fan{topic: topic, lanes: make([]lane, len(partitions)), index: make([]int, len(partitions))}
	for i, part := range partitions {
		f.lanes[i] = lane{topic: topic, partition: part.ID, leader: -1}
		if part.Leader.Host != "" {
			f.lanes[i].leader = part.Leader.ID
		}
		f.index[i] = i
	}
	*all = append(*all, f)
	return f, nil
}

// lane gives the message's.
func (f *fan) lane(m *Message) *lane {
	if m.Partition != nil {
		return &f.lanes[*m.Partition%len(f.lanes)]
	}
	return &f.lanes[kafka.Murmur2Balancer{}.Balance(kafka.Message{Key: m.Key}, f.index...)]
}

// partitions gives a topic's partitions by their ids. A topic that is new is unknown for a moment.
func (p *Producer) partitions(ctx context.Context, topic string) ([]kafka.Partition, error) {
	if known := p.options.OutputTopics; len(known) > 0 && !slices.Contains(known, topic) {
		return nil, fmt.Errorf("%w: topic %s is not among the output topics", errSetting, topic)
	}
	var all []kafka.Partition
	err := p.persist(ctx, func() (err error) {
		all, err = p.cluster.partitions(ctx, topic)
		return err
	})
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b kafka.Partition) int { return a.ID - b.ID })
	return all, err
}

// send writes the messages of one partition, in requests of bounded size, each after the one before is acknowledged.
func (p *Producer) send(ctx context.Context, to *lane, messages []*Message) error {
	for len(messages) > 0 {
		n, size := 1, messages[0].size()
		for n < len(messages) && size+messages[n].size() <= p.options.MessageBytes {
			size += messages[n].size()
			n++
		}
		if err := p.deliver(ctx, to, messages[:n]); err != nil {
			return err
		}
		messages = messages[n:]
	}
	return nil
}

// deliver writes messages as one record batch; in halves where the broker finds it too large.
func (p *Producer) deliver(ctx context.Context, to *lane, messages []*Message) error {
	err := p.persist(ctx, func() error { return p.produce(ctx, to, messages) })
	switch {
	case err == nil:
		return nil
	case !tooLarge(err):
		return fmt.Errorf("write %d messages to partition %d of %s: %w", len(messages), to.partition, to.topic, err)
	case len(messages) == 1:
		return &TooLargeError{Topic: to.topic, Size: messages[0].size()}
	}
	half := len(messages) / 2
	if err := p.deliver(ctx, to, messages[:half]); err != nil {
		return err
	}
	return p.deliver(ctx, to, messages[half:])
}

func tooLarge(err error) bool {
	return errors.Is(err, kafka.MessageSizeTooLarge) || errors.Is(err, kafka.RecordListTooLarge)
}

func (p *Producer) produce(ctx context.Context, to *lane, messages []*Message) error {
	r, err := p.cluster.client.Produce(ctx, &kafka.ProduceRequest{
		Topic: to.topic, Partition: to.partition, RequiredAcks: kafka.RequireAll,
		Compression: p.compression, Records: &records{messages: messages, now: time.Now()},
	})
	if err != nil {
		return err
	}
	return r.Error
}

const (
	// Together about 8 s, several times as long as a moved leader stays unknown.
	attempts   = 12
	firstPause = 25 * time.Millisecond
	longPause  = time.Second
)

// persist does something until it succeeds, ctx ends, or it makes no sense to go on.
func (p *Producer) persist(ctx context.Context, do func() error) error {
	wait := firstPause
	for attempt := 1; ; attempt++ {
		err := do()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("the outcome is unknown: %w", ctx.Err())
		case attempt == attempts || Fatal(err) || tooLarge(err):
			return err
		}
		if err := pause(ctx, wait); err != nil {
			return fmt.Errorf("the outcome is unknown: %w", err)
		}
		wait = min(2*wait, longPause)
	}
}

// size is what a message takes at most, without compression: the lengths and the head of a record, and its share of
// the head of a record batch.
func (m *Message) size() int {
	const overhead, headerOverhead = 100, 10
	n := overhead + len(m.Key) + len(m.Value)
	for _, h := range m.Headers {
		n += headerOverhead + len(h.Key) + len(h.Value)
	}
	return n
}
