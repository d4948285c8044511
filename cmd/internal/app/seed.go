package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/backtest"
	"github.com/parcelsentry/parcelsentry/cmd/internal/kafkaio"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/config"
	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/redisstore"
)

// SeedOptions say what to fill Redis with before the service runs for the first time.
type SeedOptions struct {
	Config config.Config
	// Open gives the files' lines from the first on; it may be called again.
	Open func() (backtest.File, error)
	// Fingerprint names what the files hold: the same for the same, another for anything else.
	Fingerprint string
	// Until is the first instant that is left to the service, in whole milliseconds.
	Until time.Time
	// DeadLetter hears of every line that was not counted.
	DeadLetter func(*pipeline.DeadLetter)
	Log        *slog.Logger
}

// Seed counts files in Redis. It refuses where a topic or other files have been counted: they may hold the same
// shipments. Run again with the same files and the same end it counts only what it had not.
func Seed(ctx context.Context, o SeedOptions) (backtest.SeedSummary, error) {
	var none backtest.SeedSummary
	set, err := NewSet(&o.Config)
	if err != nil {
		return none, err
	}
	decoders, err := NewDecoders(&o.Config, o.Log)
	if err != nil {
		return none, err
	}
	client, err := newRedis(&o.Config.Redis)
	if err != nil {
		return none, err
	}
	defer client.Close()
	layout := redisstore.Layout(set.Layout()...)
	store := redisstore.New(client, storeOptions(&o.Config, set))
	if err := store.Check(ctx); errors.Is(err, redisstore.ErrPolicyUnknown) {
		o.Log.Warn("can't tell whether Redis evicts keys when it is full; it must not", "error", err)
	} else if err != nil {
		return none, err
	}
	name := pipeline.SeedPrefix + o.Fingerprint
	if err := reserve(ctx, store, name, o.Until, layout); err != nil {
		return none, err
	}
	sum, err := backtest.Seed(ctx, backtest.SeedOptions{
		Set: set, Decoder: decoders.New(), Open: o.Open, Name: name, Until: o.Until,
		Store: store, Profiles: pipeline.NewStoredProfiles(set, redisstore.NewProfiles(client, layout)),
		Limits: limits(&o.Config), DeadLetter: o.DeadLetter, Fatal: redisstore.Fatal, Log: o.Log,
	})
	if err != nil {
		return sum, err
	}
	// A part of Redis that lost its counts meanwhile lost its cut too, and has the counts again.
	return sum, pipeline.SetCut(ctx, store, o.Until)
}

// SeedFromTopic counts what the input topic holds as of now, as the service would, and leaves the fences from which the
// service goes on. Dead letters are sent, alerts and flagged shipments are not. What the group has not committed of a
// partition that it has read is left to the service, whose alerts would be lost. One that broke off can be run again.
func SeedFromTopic(ctx context.Context, o Options) (backtest.SeedSummary, error) {
	var sum backtest.SeedSummary
	s, err := New(o)
	if err != nil {
		return sum, err
	}
	defer s.close()
	if err := s.checkRedis(ctx); err != nil {
		return sum, err
	}
	topics := o.Config.Kafka.Topics
	kafka := kafkaOptions(&o.Config.Kafka, o.Log)
	if err := kafkaio.CheckTopics(ctx, kafka, topics.Shipments, topics.DeadLetters); err != nil {
		return sum, err
	}
	var mu sync.Mutex
	err = kafkaio.Once(ctx, kafka, func(ctx context.Context, partition int, source pipeline.Source) error {
		out, err := s.seed(ctx, partition, source)
		mu.Lock()
		defer mu.Unlock()
		sum.Add(out)
		return err
	})
	if err == nil {
		err = ctx.Err()
	}
	return sum, err
}

// seed carries one partition on to its end, and tells nobody.
func (s *Service) seed(ctx context.Context, partition int, source pipeline.Source) (backtest.SeedSummary, error) {
	c := &s.config
	out := backtest.NewMuted(s.sink())
	worker := pipeline.NewWorker(pipeline.Options{
		Set: s.set, Decoder: s.decoders.New(), Topic: c.Kafka.Topics.Shipments, Partition: partition,
		Limits: limits(c), Metrics: s.metrics, Log: s.log, Observe: out.Observe,
	})
	err := pipeline.Run(ctx, worker, pipeline.IO{
		Source: source, Store: pipeline.Forgetful{Store: s.store}, Profiles: s.profiles, Buried: s.buried.from, Sink: out,
		Fatal: func(err error) bool { return kafkaio.Fatal(err) || redisstore.Fatal(err) },
		Grace: backtest.SeedGrace,
	})
	return out.Summary(), err
}

// reserve makes sure that only this seed was counted, and notes its end.
func reserve(ctx context.Context, store *redisstore.Store, name string, until time.Time, layout string) error {
	if err := onlySeed(ctx, store, name, layout); err != nil {
		return err
	}
	if err := pipeline.SetCut(ctx, store, until); err != nil {
		return fmt.Errorf("redis: %w; %s", err, startAnew(layout))
	}
	// A service that began before it could see the cut has left its fences by now.
	return onlySeed(ctx, store, name, layout)
}

func onlySeed(ctx context.Context, store *redisstore.Store, name, layout string) error {
	sources, err := store.Sources(ctx)
	if err != nil {
		return err
	}
	for _, s := range sources {
		if what := foreign(s, name); what != "" {
			return fmt.Errorf("redis holds counts of %s, which may be of the same shipments: "+
				"seed before the service runs, from all files at once; %s", what, startAnew(layout))
		}
	}
	return nil
}

// foreign says what a source is that the seed of a name must not meet, "" if it may.
func foreign(s windows.Source, name string) string {
	switch {
	case s.Topic == name || pipeline.IsCut(s):
		return ""
	case pipeline.IsSeed(s):
		return "other files"
	}
	return "the topic " + s.Topic
}

// startAnew tells how to forget everything.
func startAnew(layout string) string {
	return fmt.Sprintf("to start anew, stop the service and delete the keys ps:%s:*", layout)
}
