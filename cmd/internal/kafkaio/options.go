package kafkaio

import (
	"log/slog"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
)

// Options say where Kafka is and how to talk to it. Zero values stand for the defaults named at each field; Brokers has
// none.
type Options struct {
	// Brokers are the addresses, host:port, to begin with. The cluster names the others.
	Brokers []string
	// ClientID is what the brokers' logs and quotas know this process by; default "parcelsentry".
	ClientID string

	// Group is the consumer group, Topic the topic that it reads. Only a Group needs them.
	Group, Topic string
	// OutputTopics are the topics that a Producer writes to; without any, it asks the brokers about all topics there
	// are. A Group refuses to start where one of them is missing.
	OutputTopics []string

	// SessionTimeout is how long the group waits for a member that has fallen silent; default 6 s. It is also how long
	// a member has for its last flush when the partitions are dealt out anew, since it sends no heartbeats then.
	SessionTimeout time.Duration
	// HeartbeatInterval is how often a member shows that it lives, and so how fast it hears of a change; default 1 s.
	HeartbeatInterval time.Duration
	// RebalanceTimeout is how long the group waits for members to join again; default 10 s.
	RebalanceTimeout time.Duration
	// WatchInterval is how often the number of partitions is looked at; default 5 s.
	WatchInterval time.Duration

	// Timeout bounds a request or a connection attempt; default 5 s.
	Timeout time.Duration
	// FetchBytes is how much a fetch may bring, unless a single record batch is bigger; default 4 MiB.
	FetchBytes int
	// FetchWait is how long a broker waits for a first record; default 500 ms.
	FetchWait time.Duration

	// Compression of what is written: "none" (default), "gzip", "snappy", "lz4" or "zstd".
	Compression string
	// MessageBytes bounds a message before compression, and what is written in one request to a partition; default
	// 1,000,000, which fits under the brokers' own default of 1,048,588.
	MessageBytes int

	// Log gets what an operator should know; default: nothing is logged.
	Log *slog.Logger
	// Metrics count for a Group; default: they are counted but shown nowhere.
	Metrics *Metrics
	// Activity learns when a Group joins; default: nobody does.
	Activity pipeline.Activity
}

func (o Options) withDefaults() Options {
	o.ClientID = or(o.ClientID, "parcelsentry")
	o.SessionTimeout = or(o.SessionTimeout, 6*time.Second)
	o.HeartbeatInterval = or(o.HeartbeatInterval, time.Second)
	o.RebalanceTimeout = or(o.RebalanceTimeout, 10*time.Second)
	o.WatchInterval = or(o.WatchInterval, 5*time.Second)
	o.Timeout = or(o.Timeout, 5*time.Second)
	o.FetchBytes = or(o.FetchBytes, 4<<20)
	o.FetchWait = or(o.FetchWait, 500*time.Millisecond)
	o.Compression = or(o.Compression, "none")
	o.MessageBytes = or(o.MessageBytes, 1_000_000)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(nil)
	}
	if o.Activity == nil {
		o.Activity = pipeline.Unwatched{}
	}
	return o
}

func or[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}
