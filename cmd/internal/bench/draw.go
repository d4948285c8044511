package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/testbed"
)

// drawing is a curve while it is measured.
type drawing struct {
	*harness
	curve     *Curve
	topic     string
	generator *Generator
	stage     *stage
}

// draw measures the points of a curve, writes a line each, and hands all over. One that is cut ends a curve whose points go on where
// the one before ended.
func (h *harness) draw(ctx context.Context, c *Curve) (err error) {
	d := &drawing{harness: h, curve: c}
	defer func() { err = errors.Join(err, d.forget(context.WithoutCancel(ctx))) }()
	var all []Result
	for i := range c.Points {
		p := &c.Points[i]
		r, err := d.point(ctx, p)
		if err != nil {
			return fmt.Errorf("%s at %s: %w", c.Name, p.At, err)
		}
		fmt.Fprintln(h.Out, r.Line())
		all = append(all, r)
		if r.Cut && c.Continued {
			h.note("%s ends at %s, as what is left of it would be in the next point", c.Name, p.At)
			break
		}
	}
	return h.Drawn(c, all)
}

// point measures one.
func (d *drawing) point(ctx context.Context, p *Point) (Result, error) {
	events := p.events(d.Events)
	name := d.curve.Name + "-" + p.At
	if d.stage == nil || !d.curve.Continued {
		if err := d.prepare(ctx, name, p, events); err != nil {
			return Result{}, err
		}
	}
	began := time.Now()
	if err := d.produceSome(ctx, d.topic, d.generator, events); err != nil {
		return Result{}, err
	}
	d.note("%s: %d events are in the topic after %.1f s", name, events, time.Since(began).Seconds())
	in, err := d.survey(ctx, d.topic)
	if err != nil {
		return Result{}, err
	}
	in.events = int64(events)
	set := slices.Concat(d.Set, p.Set) // what a curve is about holds against what else is asked for
	r, err := d.stage.catchUp(ctx, job{workload: "W2", name: name, set: set, members: p.Setup.Members}, &in, d.PointLimit)
	r.Curve, r.At = d.curve.Name, p.At
	return r, err
}

// prepare makes topics and a Redis, and ends those of the point before.
func (d *drawing) prepare(ctx context.Context, name string, p *Point, events int) error {
	if err := d.forget(ctx); err != nil {
		return err
	}
	topic := d.name + name + "-shipments"
	count := usualPartitions
	if p.Setup.Partitions > 0 {
		count = p.Setup.Partitions
	}
	if err := d.kafka.Create(ctx, testbed.Topic{Name: topic, Partitions: count, Config: anyTime()}); err != nil {
		return err
	}
	d.topic, d.generator = topic, NewGenerator(d.Seed, "s", p.shape(events))
	var err error
	d.stage, err = d.newStage(ctx, name, topic, p.Setup)
	return err
}

// anyTime is the configuration of a topic that takes records of any time. Events begin on a fixed day, so a long history may reach
// beyond today, and brokers refuse what is more than an hour ahead.
func anyTime() map[string]string {
	return map[string]string{"message.timestamp.after.max.ms": strconv.FormatInt(math.MaxInt64, 10)}
}

// forget removes what a point has left behind. Without it the curves would fill the disk.
func (d *drawing) forget(ctx context.Context) error {
	if d.stage == nil {
		return nil
	}
	s := d.stage
	d.stage = nil
	s.close()
	return s.forget(ctx)
}

// brokerLines are added to a broker's configuration where curves are drawn: what is deleted goes at once, and where members share
// the work a group waits for all of them before the first reads.
func brokerLines(curves []Curve) []string {
	if len(curves) == 0 {
		return nil
	}
	lines := []string{"log.segment.delete.delay.ms=1000"}
	for _, c := range curves {
		for _, p := range c.Points {
			if p.Setup.Members > 1 {
				return append(lines, "group.initial.rebalance.delay.ms=3000")
			}
		}
	}
	return lines
}
