package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/twmb/franz-go/pkg/kfake"
	"golang.org/x/sync/errgroup"

	"github.com/parcelsentry/parcelsentry/cmd/internal/app"
	"github.com/parcelsentry/parcelsentry/cmd/internal/codec"
	"github.com/parcelsentry/parcelsentry/cmd/internal/kafkaio"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/config"
	"github.com/parcelsentry/parcelsentry/detector"
)

// partitions is 1, so that every run learns the same of the population: the weeks that are played at once would be read
// by several workers at speeds of their own, and who first reaches a day settles its profile by what has come until then.
const partitions = 1

// demo is one run.
type demo struct {
	options options
	out     io.Writer
	color   bool
	log     *slog.Logger

	mu    sync.Mutex      // guards what follows, and out
	found map[string]bool // ids of events that made an alert
	heard map[string]bool // ids of alerts
	past  map[string]bool // ids of events before the play; not changed while it runs
	shown int
}

// errEnded is how one part tells the others that the demo is over.
var errEnded = errors.New("the demo is over")

func (d *demo) run(ctx context.Context) error {
	d.found, d.heard = map[string]bool{}, map[string]bool{}
	if d.options.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.options.For)
		defer cancel()
	}
	c := d.config()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions,
		c.Kafka.Topics.Shipments, c.Kafka.Topics.Alerts, c.Kafka.Topics.Flagged, c.Kafka.Topics.DeadLetters))
	if err != nil {
		return fmt.Errorf("start the embedded broker: %w", err)
	}
	defer cluster.Close()
	c.Kafka.Brokers = cluster.ListenAddrs()
	redis, err := miniredis.Run()
	if err != nil {
		return fmt.Errorf("start the embedded Redis: %w", err)
	}
	defer redis.Close()
	c.Redis.Addresses = []string{redis.Addr()}
	past, rest, err := d.shipments()
	if err != nil {
		return err
	}
	service, err := app.New(app.Options{Config: c, Log: d.log, Version: "demo"})
	if err != nil {
		return err
	}
	err = d.play(ctx, service, &c, past, rest)
	if errors.Is(err, errEnded) || ctx.Err() != nil {
		err = nil
	}
	if err == nil {
		d.summary(append(past, rest...))
	}
	return err
}

// config is the shipped one with what a demo needs.
func (d *demo) config() config.Config {
	c := config.Default()
	c.HTTP.Address = d.options.HTTP
	if l, err := net.Listen("tcp", c.HTTP.Address); err == nil {
		_ = l.Close()
	} else {
		c.HTTP.Address = "127.0.0.1:0" // somebody else's; a demo is not worth an error
	}
	c.Events.AllowedLateness, c.Events.ClockTolerance = 0, 0 // the shipments of weeks are played in seconds
	c.Kafka.FetchWait = config.Duration(20 * time.Millisecond)
	return c
}

// play runs the service, the shipments in and the alerts out until one of them ends.
func (d *demo) play(ctx context.Context, service *app.Service, c *config.Config, past, rest []shipment) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return service.Run(ctx) })
	g.Go(func() error { return d.show(ctx, c) })
	g.Go(func() error {
		select {
		case <-service.Listening():
		case <-ctx.Done():
			return ctx.Err()
		}
		d.say("metrics at http://%s/metrics\n\n", service.Address())
		if err := d.feed(ctx, c, past, rest); err != nil {
			return err
		}
		if err := d.awaitAll(ctx, service, len(past)+len(rest)); err != nil {
			return err
		}
		if d.options.For > 0 {
			return errEnded
		}
		d.say("\nAll is played. The metrics stay up; Ctrl-C ends the demo.\n")
		<-ctx.Done()
		return errEnded
	})
	return g.Wait()
}

func (d *demo) say(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprintf(d.out, format, args...)
}

// feed writes the past at once and the rest at a pace.
func (d *demo) feed(ctx context.Context, c *config.Config, past, rest []shipment) error {
	p := kafkaio.NewProducer(kafkaio.Options{Brokers: c.Kafka.Brokers, OutputTopics: []string{c.Kafka.Topics.Shipments}})
	defer p.Close()
	write := func(part []shipment) error {
		var messages []kafkaio.Message
		for _, s := range part {
			messages = append(messages, kafkaio.Message{Topic: c.Kafka.Topics.Shipments, Key: []byte(s.sender), Value: s.value})
		}
		return p.Write(ctx, messages)
	}
	d.say("%d shipments of the past, then %d in %v …\n", len(past), len(rest), d.options.Play)
	for part := range slices.Chunk(past, 2000) {
		if err := write(part); err != nil {
			return err
		}
	}
	const steps = 200
	ticks := time.NewTicker(max(d.options.Play/steps, time.Millisecond))
	defer ticks.Stop()
	size := max(1, (len(rest)+steps-1)/steps)
	for part := range slices.Chunk(rest, size) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticks.C:
		}
		if err := write(part); err != nil {
			return err
		}
	}
	return nil
}

// show reads the alert topic as any consumer would.
func (d *demo) show(ctx context.Context, c *config.Config) error {
	group := kafkaio.NewGroup(kafkaio.Options{
		Brokers: c.Kafka.Brokers, Group: "demo-reader", Topic: c.Kafka.Topics.Alerts, FetchWait: 20 * time.Millisecond, Log: d.log,
	})
	return group.Run(ctx, func(ctx context.Context, _ int, source pipeline.Source) error {
		for next := int64(0); ctx.Err() == nil; {
			batch, err := source.Fetch(ctx, next)
			if err != nil {
				continue // the broker is there as long as the demo is
			}
			for _, r := range batch.Records {
				a, err := codec.ParseAlert(r.Value)
				if err != nil {
					return err
				}
				d.alert(&a)
			}
			next = batch.Next
		}
		return nil
	})
}

func (d *demo) alert(a *detector.Alert) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.heard[a.ID] {
		return
	}
	d.found[a.EventID], d.heard[a.ID] = true, true
	if a.Activity == detector.Close || d.past[a.EventID] {
		return // what is over, or came before the play, needs nobody's eyes here
	}
	d.shown++
	fmt.Fprintln(d.out, codec.Pretty(a, d.color))
}

// awaitAll waits until the service has dealt with so many records and every alert of it was heard.
func (d *demo) awaitAll(ctx context.Context, service *app.Service, n int) error {
	ticks := time.NewTicker(50 * time.Millisecond)
	defer ticks.Stop()
	for {
		events, alerts := total(service, "parcelsentry_events_total"), total(service, "parcelsentry_alerts_total")
		d.mu.Lock()
		heard := len(d.heard)
		d.mu.Unlock()
		if events >= n && heard >= alerts {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticks.C:
		}
	}
}

// total sums up a counter of the service over its labels.
func total(service *app.Service, name string) int {
	families, err := service.Registry().Gather()
	if err != nil {
		return 0
	}
	var sum float64
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return int(sum)
}
