package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/testbed"
)

// How often the service is asked how far it is. Each time costs it a millisecond or more, so it is often before the first record
// only, and less seldom for the last ones than between.
const (
	askOften  = 10 * time.Millisecond
	askLast   = 50 * time.Millisecond
	askSeldom = 250 * time.Millisecond
)

// catchUpLimit ends a run that hangs.
const catchUpLimit = 30 * time.Minute

// catchUp measures how the service works off what the input holds beyond what is committed: so many events. With a limit above
// 0 it measures no longer, and what was done by then.
func (s *stage) catchUp(ctx context.Context, j job, in *input, limit time.Duration) (r Result, err error) {
	ctx, cancel := context.WithTimeout(ctx, catchUpLimit)
	defer cancel()
	r = Result{Workload: j.workload, Events: in.events}
	t, err := s.begin(ctx, j)
	if err != nil {
		return r, err
	}
	defer t.close()
	within, stop := ctx, context.CancelFunc(func() {})
	if limit > 0 {
		within, stop = context.WithTimeout(ctx, limit)
	}
	defer stop()
	looks, err := t.watch(within, in.events)
	if err == nil {
		err = t.awaitCommitted(within, in)
	}
	settled := time.Now()
	r.Cut = within.Err() != nil && ctx.Err() == nil && judged(looks) > 0
	if err != nil && !r.Cut {
		return r, err
	}
	if err := t.cost(ctx, &r); err != nil {
		return r, err
	}
	if r.Cut {
		t.close()
		r.Events = judged(looks)
	} else if err := t.stop(ctx); err != nil {
		return r, err
	}
	began := looks[0].at
	r.Elapsed, r.Judged = settled.Sub(began), looks[len(looks)-1].at.Sub(began)
	total := float64(r.Events)
	r.Warm = reached(looks, warmTo*total).Sub(reached(looks, warmFrom*total))
	return r, t.said(ctx, &r)
}

// A look is how many records the service had judged at a time.
type look struct {
	at time.Time
	n  int64
}

// judged is how many records the last look found judged.
func judged(looks []look) int64 {
	if len(looks) == 0 {
		return 0
	}
	return looks[len(looks)-1].n
}

// watch asks the service how far it is until it has judged so many records. The first look is the last at which it had none.
// With an error it gives the looks until then.
func (t *trial) watch(ctx context.Context, events int64) ([]look, error) {
	var looks []look
	for {
		at, m, err := t.ask(ctx)
		if err != nil {
			return looks, err
		}
		n := int64(m.Sum("parcelsentry_events_total"))
		switch {
		case n < judged(looks): // a member did not answer
		case n == 0:
			looks = []look{{at, 0}}
		case looks == nil:
			return nil, errors.New("the first record was judged before the service told of any")
		default:
			looks = append(looks, look{at, n})
		}
		if n >= events {
			return looks, notCounted(m, len(t.members) > 1)
		}
		wait := askSeldom
		switch {
		case n == 0:
			wait = askOften
		case float64(n) > warmTo*float64(events):
			wait = askLast
		}
		if err := testbed.Pause(ctx, wait); err != nil {
			return looks, fmt.Errorf("%d of %d records are judged: %w", n, events, err)
		}
	}
}

// ask gives the metrics of all members added up, and when they held. A member that does not listen yet has judged nothing.
func (t *trial) ask(ctx context.Context) (time.Time, testbed.Metrics, error) {
	at := time.Now()
	all := testbed.Metrics{}
	for i := range t.members {
		m := &t.members[i]
		found, err := testbed.Scrape(ctx, m.http)
		select {
		case <-m.Ended:
			return at, nil, fmt.Errorf("the service has ended: %w, see %s", m.Err, t.dir)
		case <-ctx.Done():
			return at, nil, ctx.Err()
		default:
		}
		if err == nil {
			all.Add(found)
		}
	}
	if all.Sum("parcelsentry_events_total") > 0 {
		at = time.Now()
	}
	return at, all, nil
}

// notCounted tells of records that were passed over: then less was done than it seems. Where members share the work a record may
// reach a second one, which passes it over for that reason.
func notCounted(m testbed.Metrics, shared bool) error {
	for name, n := range m {
		switch {
		case !strings.HasPrefix(name, "parcelsentry_events_total{"), strings.Contains(name, `outcome="counted"`), n == 0:
		case shared && strings.Contains(name, `reason="redelivered"`):
		default:
			return fmt.Errorf("%w: not all is counted: %s %v", ErrWrong, name, n)
		}
	}
	return nil
}

// awaitCommitted waits until the group has committed the end of each partition, which it does when all is stored.
func (t *trial) awaitCommitted(ctx context.Context, in *input) error {
	for {
		committed, err := t.h.kafka.Committed(ctx, t.place.prefix+"group", in.topic, in.partitions)
		if err != nil {
			return err
		}
		behind := false
		for p, end := range in.ends {
			behind = behind || committed[p] < end
		}
		if !behind {
			return nil
		}
		if err := testbed.Pause(ctx, askOften); err != nil {
			return fmt.Errorf("not all is committed: %w", err)
		}
	}
}

// reached gives when n records were judged, as if between two looks each took as long as the others.
func reached(looks []look, n float64) time.Time {
	for i := 1; i < len(looks); i++ {
		from, to := looks[i-1], looks[i]
		if float64(to.n) >= n && to.n > from.n {
			share := (n - float64(from.n)) / float64(to.n-from.n)
			return from.at.Add(time.Duration(share * float64(to.at.Sub(from.at))))
		}
	}
	return looks[len(looks)-1].at
}
