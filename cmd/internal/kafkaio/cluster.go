package kafkaio

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

// metadataTTL bounds how long a moved leader or a new topic stays unknown. The client's default is 6 s.
const metadataTTL = 2 * time.Second

// cluster is how brokers are reached. kafka-go has two ways: a Client, which finds the right broker, multiplexes and
// knows contexts, and a Conn to one broker, which is twice as fast at fetching.
type cluster struct {
	options   Options
	client    *kafka.Client
	transport *kafka.Transport
}

// connect makes a cluster without any IO yet. It knows about the topics named, or about all if none are.
func (o Options) connect(topics ...string) *cluster {
	transport := &kafka.Transport{
		ClientID:       o.ClientID,
		DialTimeout:    o.Timeout,
		MetadataTTL:    metadataTTL,
		MetadataTopics: topics,
	}
	return &cluster{
		options:   o,
		transport: transport,
		client:    &kafka.Client{Addr: kafka.TCP(o.Brokers...), Timeout: o.Timeout, Transport: transport},
	}
}

func (c *cluster) close() { c.transport.CloseIdleConnections() }

func (o Options) dialer() *kafka.Dialer {
	return &kafka.Dialer{ClientID: o.ClientID, Timeout: o.Timeout}
}

// partitions gives a topic's partitions, as known at most metadataTTL ago. kafka.Client asks for metadata without the
// permission to create topics; kafka.Conn and everything that looks up a leader through it would give that permission.
func (c *cluster) partitions(ctx context.Context, topic string) ([]kafka.Partition, error) {
	r, err := c.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, err
	}
	for _, t := range r.Topics {
		if t.Name == topic && t.Error != nil {
			return nil, fmt.Errorf("topic %s: %w", topic, t.Error)
		}
		if t.Name == topic && len(t.Partitions) > 0 {
			return t.Partitions, nil
		}
	}
	return nil, fmt.Errorf("topic %s: %w", topic, kafka.UnknownTopicOrPartition)
}

// dialLeader connects to the broker that leads the partition. The caller closes the connection.
func (c *cluster) dialLeader(ctx context.Context, topic string, partition int) (*kafka.Conn, error) {
	all, err := c.partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if p.ID != partition {
			continue
		}
		if p.Leader.Host == "" {
			return nil, fmt.Errorf("partition %d of %s: %w", partition, topic, kafka.LeaderNotAvailable)
		}
		return c.options.dialer().DialPartition(ctx, "tcp", "", p)
	}
	return nil, fmt.Errorf("partition %d of %s: %w", partition, topic, kafka.UnknownTopicOrPartition)
}

// bind lets a connection, which knows no context, end with ctx and with limit. False from release means that ctx has
// ended and the connection is closed.
func bind(ctx context.Context, conn *kafka.Conn, limit time.Duration) (release func() bool) {
	_ = conn.SetDeadline(time.Now().Add(limit)) // gives no error, ever
	return context.AfterFunc(ctx, func() { _ = conn.Close() })
}

// pause waits, unless ctx ends first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
