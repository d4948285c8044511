package kafkaio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
)

// opJoin is what a Group does from when it has no generation until it has one.
const opJoin = "join"

// joinPause comes between attempts to join; a new broker has no coordinator for its first moments.
const joinPause = 300 * time.Millisecond

// Work is what is done with one partition. It blocks until ctx ends, which is when the partition is given away or the
// group stops. Then it may still flush and commit, with contexts of its own, and returns: within the session time-out,
// or the group goes on without it. An error ends the whole Group. The source is good until Work returns.
type Work func(ctx context.Context, partition int, source pipeline.Source) error

// Group is a member of a consumer group.
type Group struct {
	options Options
	// generations is how many are under way, which is one or none.
	generations atomic.Int64
	// assigned is how many partitions this member has been given last.
	assigned atomic.Int64
	// said is the last failure that was logged, empty after a success; Run's alone.
	said string
}

// NewGroup makes a member that does nothing until Run.
func NewGroup(o Options) *Group { return &Group{options: o.withDefaults()} }

// Joined reports whether the group has dealt out its partitions and this member is part of it, perhaps without any.
func (g *Group) Joined() bool { return g.generations.Load() > 0 }

// Assigned is the number of partitions that this member was given last. While work runs it is not below 1.
func (g *Group) Assigned() int { return int(g.assigned.Load()) }

// Run joins the group and calls work for each partition that the group gives it, each in a goroutine of its own, again
// and again as partitions come and go. A partition has one worker at a time in the whole group: the next begins when
// the last has returned, or has been silent for too long.
//
// It returns nil when ctx has ended, all work has returned and the group is left, and an error where work gave one, or
// where a retry makes no sense: a missing topic, a refused permission. All other errors are logged, counted and retried.
// Call it once at a time.
func (g *Group) Run(ctx context.Context, work Work) error {
	o := g.options
	o.Activity.Begin(opJoin)
	defer o.Activity.End(opJoin)
	if err := g.awaitTopics(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: o.Group, Topics: []string{o.Topic}, Brokers: o.Brokers, Dialer: o.dialer(),
		SessionTimeout: o.SessionTimeout, HeartbeatInterval: o.HeartbeatInterval, RebalanceTimeout: o.RebalanceTimeout,
		JoinGroupBackoff: joinPause, Timeout: o.Timeout,
		ErrorLogger: kafka.LoggerFunc(func(format string, args ...any) {
			o.Log.Debug(fmt.Sprintf(format, args...), "group", o.Group)
		}),
	})
	if err != nil {
		return fmt.Errorf("%w: %w", errSetting, err)
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	cluster := o.connect(o.Topic)
	defer cluster.close()
	m := &member{group: g, options: o, cluster: cluster, work: work, end: end, failure: make(chan error, 1)}
	m.join(ctx, group)
	// The member keeps sending heartbeats until its last commit, and only then leaves.
	m.workers.Wait()
	_ = group.Close() // gives no error, ever
	m.watchers.Wait()
	select {
	case err := <-m.failure:
		return err
	default:
		return nil
	}
}

// awaitTopics returns once the brokers have been asked for the topics.
func (g *Group) awaitTopics(ctx context.Context) error {
	o := g.options
	topics := append([]string{o.Topic}, o.OutputTopics...)
	for {
		err := CheckTopics(ctx, o, topics...)
		if ctx.Err() != nil {
			return nil
		}
		if err == nil || Fatal(err) {
			return err
		}
		g.failed(err)
		if pause(ctx, joinPause) != nil {
			return nil
		}
	}
}

// failed counts an attempt that failed, and logs it unless it is the same as the one before.
func (g *Group) failed(err error) {
	g.options.Activity.Failed(opJoin, err)
	g.options.Activity.Begin(opJoin)
	g.options.Metrics.errors.Inc()
	level := slog.LevelWarn
	if err.Error() == g.said {
		level = slog.LevelDebug
	}
	g.said = err.Error()
	g.options.Log.Log(context.Background(), level, "can't join the consumer group, will try again", "group", g.options.Group, "error", err)
}

func (g *Group) join(generations int64) {
	if g.generations.Add(generations) > 0 {
		g.options.Activity.End(opJoin)
	} else {
		g.options.Activity.Begin(opJoin)
	}
	g.options.Metrics.joined.Add(float64(generations))
}

// member is one run of a Group.
type member struct {
	group   *Group
	options Options
	cluster *cluster
	work    Work
	end     context.CancelFunc
	failure chan error // the first one

	workers, watchers sync.WaitGroup
	// count is the number of partitions when last looked, 0 before.
	count int
}

// fail ends the run with an error.
func (m *member) fail(err error) {
	select {
	case m.failure <- err:
	default:
	}
	m.end()
}

// join takes part in one generation of the group after another until ctx ends.
func (m *member) join(ctx context.Context, group *kafka.ConsumerGroup) {
	for {
		gen, err := group.Next(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			m.group.said = ""
			m.begin(ctx, gen)
		case Fatal(err):
			m.fail(fmt.Errorf("join group %s: %w", m.options.Group, err))
			return
		case errors.Is(err, kafka.RebalanceInProgress):
			// Somebody else came or went while this member joined: the ordinary way of things.
			m.options.Activity.Begin(opJoin)
		default:
			m.group.failed(err)
		}
	}
}
