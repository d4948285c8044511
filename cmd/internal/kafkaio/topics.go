package kafkaio

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
)

// TopicSpec is a topic to create.
type TopicSpec struct {
	Name       string
	Partitions int
	// Replication is the number of copies; 0 leaves it to the broker.
	Replication int
	// Config holds topic settings such as "cleanup.policy".
	Config map[string]string
}

// CreateTopics creates topics, and waits until a broker knows them. A topic that exists already is left as it is.
func CreateTopics(ctx context.Context, o Options, topics ...TopicSpec) error {
	c := o.withDefaults().connect()
	defer c.close()
	request := &kafka.CreateTopicsRequest{}
	for _, t := range topics {
		config := kafka.TopicConfig{Topic: t.Name, NumPartitions: t.Partitions, ReplicationFactor: or(t.Replication, -1)}
		for name, value := range t.Config {
			config.ConfigEntries = append(config.ConfigEntries, kafka.ConfigEntry{ConfigName: name, ConfigValue: value})
		}
		request.Topics = append(request.Topics, config)
	}
	r, err := c.client.CreateTopics(ctx, request)
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	for name, err := range r.Errors {
		if err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
			return fmt.Errorf("create topic %s: %w", name, err)
		}
	}
	return nil
}

const (
	// A topic that was created a moment ago is not known to every broker yet.
	missingAttempts = 4
	missingPause    = 200 * time.Millisecond
)

// CheckTopics reports topics that do not exist as a *MissingTopicsError, and creates none. Any other error, which
// Fatal can judge, means that it could not find out.
func CheckTopics(ctx context.Context, o Options, topics ...string) error {
	o = o.withDefaults()
	for attempt := 1; ; attempt++ {
		err := checkTopics(ctx, o, topics)
		var missing *MissingTopicsError
		if !errors.As(err, &missing) || attempt == missingAttempts {
			return err
		}
		if err := pause(ctx, missingPause); err != nil {
			return err
		}
	}
}

// checkTopics asks a broker itself: what a cluster in use knows may be old.
func checkTopics(ctx context.Context, o Options, topics []string) error {
	topics = slices.Compact(slices.Sorted(slices.Values(topics)))
	if len(topics) == 0 {
		return nil
	}
	c := o.connect(topics...)
	defer c.close()
	missing := &MissingTopicsError{Brokers: o.Brokers}
	for _, topic := range topics {
		_, err := c.partitions(ctx, topic)
		switch {
		case errors.Is(err, kafka.UnknownTopicOrPartition):
			missing.Topics = append(missing.Topics, topic)
		case errors.Is(err, kafka.LeaderNotAvailable):
			// It exists; it is new, or a broker is down.
		case err != nil:
			return fmt.Errorf("look up topics: %w", err)
		}
	}
	if len(missing.Topics) > 0 {
		return missing
	}
	return nil
}
