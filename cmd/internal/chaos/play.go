package chaos

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// recoveryLimit is how long a service may usually take until all is counted.
const recoveryLimit = 3 * time.Minute

// perform plays the scenario, and compares what came of it.
func (r *Run) perform() error {
	for range max(0, cmp.Or(r.scenario.setup.members, 2)) {
		if _, err := r.add(); err != nil {
			return err
		}
	}
	if err := r.scenario.play(r); err != nil {
		return err
	}
	if err := r.pour(0).wait(); err != nil { // what is left of the log
		return err
	}
	if err := r.reread(); err != nil {
		return err
	}
	if err := r.settle(); err != nil {
		return err
	}
	for _, m := range r.members {
		switch {
		case m.Running():
			r.leave(m)
		case !r.expected[m]:
			r.wrong("%s ended by itself: %v", m.Name, m.Err)
		}
	}
	return r.verify(r.ctx)
}

// settle waits until every record is counted in all buckets and committed.
func (r *Run) settle() error {
	began := r.lastWrite
	if r.lastFault.After(began) {
		began = r.lastFault
	}
	r.tell("%d records are written, %d faults were injected", len(r.written), r.result.Faults)
	limit := cmp.Or(r.scenario.setup.recovery, recoveryLimit)
	ctx, cancel := context.WithTimeout(r.ctx, limit)
	defer cancel()
	err := r.awaitCounted(ctx)
	r.result.Recovery = time.Since(began)
	switch {
	case err == nil:
		r.tell("all is counted and committed after %v", r.result.Recovery)
		return nil
	case r.ctx.Err() != nil:
		return r.ctx.Err()
	case errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil:
		r.wrong("not all is counted and committed after %v: %v", limit, err)
		return nil
	}
	return err
}
