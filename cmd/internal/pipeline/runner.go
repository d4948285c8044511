package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// IO is what a worker's requests are carried out with.
type IO struct {
	Source Source
	Store  windows.Store
	// Profiles says what the population is like.
	Profiles Profiles
	// Buried, unless nil, gives the dead letters of a partition from an offset on: their offsets, and the timestamps of
	// the records in Unix milliseconds. None of them was written before since, unless that is zero.
	Buried func(ctx context.Context, partition windows.Source, from int64, since time.Time) (map[int64]int64, error)
	Sink   Sink
	// Fatal tells errors that no retry mends, such as a wrong password; nil means there are none.
	Fatal func(error) bool
	// Grace is how long the work in hand may take to be flushed after ctx ends.
	Grace time.Duration
	// Activity learns what the worker is doing; nil for nobody.
	Activity Activity
}

// Run drives the worker until ctx ends or its source does, and has stopped everything it started when it returns.
// When ctx ends, what is counted is flushed and committed first, for at most io.Grace. IO that fails is tried again,
// with pauses of up to 5 s, as long as that makes sense; an error is returned only where it does not.
func Run(ctx context.Context, w *Worker, io IO) error {
	if io.Activity == nil {
		io.Activity = Unwatched{}
	}
	r := &runner{worker: w, io: io, completions: make(chan completion), goOn: make(chan completion, 16), queues: map[operation]chan request{}}
	return r.run(ctx)
}

type runner struct {
	worker      *Worker
	io          IO
	completions chan completion
	queues      map[operation]chan request
	goOn        chan completion // those of opGoOn
	failed      chan error
	stopping    <-chan struct{} // closed when the worker is to stop

	buried     buried // as last asked for, nil before
	buriedFrom int64

	mark mark // where the worker stood after its last step

	mu      sync.Mutex
	session context.Context // ends with the worker's session: what it asked for is void then
	number  int
	end     context.CancelFunc
}

func (r *runner) run(ctx context.Context) error {
	// IO outlives ctx by the grace that the last flush needs.
	ioCtx, stopIO := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	defer running.Wait()
	defer stopIO()
	defer r.rested()
	r.stopping = ctx.Done()
	r.failed = make(chan error, len(operations))
	for _, op := range operations {
		queue := make(chan request, 16)
		r.queues[op] = queue
		running.Go(func() { r.serve(ioCtx, queue) })
	}
	ticks := time.NewTicker(tickInterval(&r.worker.options.Limits))
	defer ticks.Stop()

	r.io.Activity.Begin(stepEvaluate)
	r.hand(ioCtx, r.worker.start(time.Now()))
	stopping := ctx.Done()
	var deadline <-chan time.Time
	for !r.worker.done() {
		r.rested()
		select {
		case c := <-r.completions:
			r.io.Activity.Begin(stepEvaluate)
			r.hand(ioCtx, r.worker.complete(c, time.Now()))
		case c := <-r.goOn:
			r.io.Activity.Begin(stepEvaluate)
			r.hand(ioCtx, r.worker.complete(c, time.Now()))
		case now := <-ticks.C:
			r.io.Activity.Begin(stepEvaluate)
			r.hand(ioCtx, r.worker.tick(now))
		case err := <-r.failed:
			r.worker.halt()
			return err
		case <-stopping:
			stopping = nil
			deadline = time.After(r.io.Grace)
			r.io.Activity.Begin(stepEvaluate)
			r.hand(ioCtx, r.worker.stop())
		case <-deadline:
			r.worker.halt()
			r.worker.options.Log.Warn("stopped before everything was flushed; the next owner reads it again")
		}
	}
	return nil
}

// tickInterval is fine enough for the shortest interval that the worker watches.
func tickInterval(l *Limits) time.Duration {
	shortest := time.Second
	for _, d := range []time.Duration{l.FlushInterval, l.CommitInterval} {
		if d > 0 {
			shortest = min(shortest, d/4)
		}
	}
	return max(shortest, 5*time.Millisecond)
}

// hand passes requests to the goroutines that carry them out, one for each kind of operation.
func (r *runner) hand(ctx context.Context, requests []request) {
	for _, q := range requests {
		if q.session != r.worker.session {
			continue
		}
		r.renew(ctx, q.session)
		if q.op == opGoOn {
			r.goOn <- completion{session: q.session, op: q.op}
			continue
		}
		r.queues[q.op] <- q
	}
}

// renew ends the IO of older sessions.
func (r *runner) renew(ctx context.Context, session int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.session != nil && r.number == session {
		return
	}
	if r.end != nil {
		r.end()
	}
	r.number = session
	r.session, r.end = context.WithCancel(ctx)
}

func (r *runner) sessionContext(ctx context.Context, session int) (context.Context, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.session, session == r.number
}

func (r *runner) serve(ctx context.Context, queue <-chan request) {
	for {
		select {
		case <-ctx.Done():
			return
		case q := <-queue:
			sessionCtx, current := r.sessionContext(ctx, q.session)
			if !current {
				continue
			}
			c, err := r.persist(sessionCtx, q)
			if sessionCtx.Err() != nil {
				continue
			}
			if err != nil {
				r.failed <- err
				return
			}
			if q.op == opFetch {
				r.io.Activity.Begin(stepDecode)
				r.worker.decode(q.source, &c.batch)
				r.io.Activity.End(stepDecode)
			}
			select {
			case r.completions <- c:
			case <-ctx.Done():
				return
			}
		}
	}
}

// persist does a request until it succeeds, the session ends, or an error is of the kind that stays.
func (r *runner) persist(ctx context.Context, q request) (completion, error) {
	o := r.worker.options
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = 50*time.Millisecond, 5*time.Second
	operation := string(q.op)
	defer r.io.Activity.End(operation)
	attempt := func() (completion, error) {
		r.io.Activity.Begin(operation)
		c, err := r.do(ctx, q)
		if err != nil && r.io.Fatal != nil && r.io.Fatal(err) {
			return c, backoff.Permanent(err)
		}
		return c, err
	}
	c, err := backoff.Retry(ctx, attempt,
		backoff.WithBackOff(pauses),
		backoff.WithMaxElapsedTime(0),
		backoff.WithNotify(func(err error, pause time.Duration) {
			if ctx.Err() != nil {
				return
			}
			r.io.Activity.Failed(operation, err)
			o.Metrics.retries.WithLabelValues(operation).Inc()
			o.Log.Warn("will try again", "operation", q.op, "pause", pause.Round(time.Millisecond), "error", err)
		}))
	if err != nil {
		return c, fmt.Errorf("%s of %s/%d: %w", q.op, o.Topic, o.Partition, err)
	}
	return c, nil
}

// do makes one attempt.
func (r *runner) do(ctx context.Context, q request) (completion, error) {
	c := completion{session: q.session, op: q.op}
	var err error
	switch q.op {
	case opStand:
		c.standing, err = r.stand(ctx)
	case opBegin:
		if err = r.io.Store.Begin(ctx, q.source, q.fence); err == nil {
			c.cuts, err = r.io.Store.Fences(ctx, cutTopic, 0)
		}
	case opFetch:
		c.batch, err = r.io.Source.Fetch(ctx, q.offset)
		if errors.Is(err, ErrOutOfRange) {
			c.outside, err = true, nil
		}
	case opProfile:
		c.day = q.day
		c.profile, err = r.profile(ctx, q)
	case opLoad:
		c.loaded, err = r.io.Store.Load(ctx, q.source, q.keys)
	case opAlert, opWrite:
		err = r.io.Sink.Write(ctx, q.outputs)
		if err == nil {
			r.written(q.outputs)
		}
	case opApply:
		c.results, err = r.apply(ctx, q)
	case opCommit:
		err = r.io.Source.Commit(ctx, q.offset)
	case opVerify:
		c.fences, err = r.io.Store.Fences(ctx, r.worker.options.Topic, r.worker.options.Partition)
	}
	return c, err
}

// apply applies updates, in portions if there is time.
func (r *runner) apply(ctx context.Context, q request) ([]windows.Result, error) {
	const portions, smallest = 25, 16
	size := max(smallest, (len(q.updates)+portions-1)/portions)
	if q.spread == 0 || len(q.updates) <= size {
		return r.io.Store.Apply(ctx, q.source, q.updates)
	}
	results := make([]windows.Result, 0, len(q.updates))
	beats := time.NewTicker(q.spread / portions)
	defer beats.Stop()
	for portion := range slices.Chunk(q.updates, size) {
		if len(results) > 0 {
			select {
			case <-beats.C:
			case <-r.stopping: // the rest at once
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		some, err := r.io.Store.Apply(ctx, q.source, portion)
		if err != nil {
			return nil, err
		}
		results = append(results, some...)
	}
	return results, nil
}

// profile hands over what was gathered, once, and gets the profile of a day.
func (r *runner) profile(ctx context.Context, q request) (*detector.Profile, error) {
	if !q.sums.IsEmpty() {
		if err := r.io.Profiles.Teach(ctx, q.sums); err != nil {
			return nil, err
		}
		*q.sums = detector.Sums{}
	}
	if q.known {
		return nil, nil
	}
	return r.io.Profiles.For(ctx, q.day)
}

func (r *runner) stand(ctx context.Context) (standing, error) {
	s := standing{committed: windows.NoOffset}
	var err error
	o := r.worker.options
	if s.fences, err = r.io.Store.Fences(ctx, o.Topic, o.Partition); err != nil {
		return s, err
	}
	if s.cuts, err = r.io.Store.Fences(ctx, cutTopic, 0); err != nil {
		return s, err
	}
	if s.first, s.end, err = r.io.Source.Bounds(ctx); err != nil {
		return s, err
	}
	if s.committed, err = r.io.Source.Committed(ctx); err != nil {
		return s, err
	}
	if _, highest, present := extent(s.fences); present > 0 && highest.Offset >= s.first && highest.Offset < s.end {
		if s.probed, s.found, err = r.io.Source.RecordTime(ctx, highest.Offset); err != nil {
			return s, err
		}
	}
	return s, r.bury(ctx, &s)
}

// written notes how long alerts took from their record's timestamp to their acknowledgement.
func (r *runner) written(outputs []Output) {
	now := time.Now()
	for i := range outputs {
		if o := &outputs[i]; o.Alert != nil && !o.Canary && !o.RecordTime.IsZero() {
			r.worker.options.Metrics.alertLatency.Observe(now.Sub(o.RecordTime).Seconds())
		}
	}
}
