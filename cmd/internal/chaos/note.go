package chaos

import (
	"fmt"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/testbed"
)

// tell writes a line of what happens.
func (r *Run) tell(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.story, "%s %s\n", time.Now().UTC().Format("15:04:05.000"), fmt.Sprintf(format, args...))
}

// fault notes that one has been injected, and that it is over.
func (r *Run) fault(format string, args ...any) {
	r.tell("fault: "+format, args...)
	r.faultsWere(1)
}

// faultsWere notes faults that were injected elsewhere.
func (r *Run) faultsWere(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Faults += n
	r.lastFault = time.Now()
}

// wrong notes what the service must not do.
func (r *Run) wrong(format string, args ...any) {
	r.tell("wrong: "+format, args...)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.problem(format, args...)
}

// wait passes a random time.
func (r *Run) wait(from, to time.Duration) error {
	return testbed.Pause(r.ctx, from+time.Duration(r.random.Int64N(int64(to-from)+1)))
}
