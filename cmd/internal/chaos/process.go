package chaos

import (
	"cmp"
	"context"
	"math"
	"syscall"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/faults"
)

// processScenarios are what happens to the service's own processes.
var processScenarios = []Scenario{
	{
		Name: "kill", Story: "SIGKILL at random moments, of one of two members or of both", Short: true,
		play: func(r *Run) error { return r.meanwhile(200*time.Millisecond, 1500*time.Millisecond, r.killSome) },
	},
	{
		Name: "fault-points", Story: "members end between two steps of a flush, and in the middle of one", Short: true,
		setup: setup{members: -1},
		play:  playFaultPoints,
	},
	{
		Name: "zombie", Story: "SIGSTOP for longer than the session, another member takes over, SIGCONT", Short: true,
		setup: setup{session: "2s", pour: 2 * usualPour},
		play:  func(r *Run) error { return r.meanwhile(300*time.Millisecond, time.Second, r.makeZombie) },
	},
	{
		Name: "members", Story: "members join and leave every few seconds",
		setup: setup{clean: true},
		play:  func(r *Run) error { return r.meanwhile(500*time.Millisecond, 2*time.Second, r.joinOrLeave) },
	},
	{
		Name: "sigterm", Story: "SIGTERM of all members at once, in the middle of everything",
		setup: setup{clean: true},
		play:  func(r *Run) error { return r.meanwhile(300*time.Millisecond, 2*time.Second, r.leaveAll) },
	},
}

// killSome kills one member or all, and starts as many.
func (r *Run) killSome() error {
	victims := r.living()
	if len(victims) > 1 && r.random.IntN(3) > 0 {
		victims = []*member{r.any()}
	}
	for _, m := range victims {
		r.kill(m)
		r.fault("%s is killed", m.Name)
	}
	return r.addAll(len(victims))
}

// makeZombie stops a member until the group has given its partitions to another, and lets it go on.
func (r *Run) makeZombie() error {
	m := r.any()
	m.Signal(syscall.SIGSTOP)
	r.tell("%s is stopped", m.Name)
	if err := r.wait(3500*time.Millisecond, 5*time.Second); err != nil {
		return err
	}
	m.Signal(syscall.SIGCONT)
	r.fault("%s goes on, as a zombie", m.Name)
	return nil
}

// joinOrLeave adds a member or lets one end, so that there is one always and four at most.
func (r *Run) joinOrLeave() error {
	if n := len(r.living()); n < 2 || n < 4 && r.random.IntN(2) == 0 {
		m, err := r.add()
		if err == nil {
			r.fault("%s joins", m.Name)
		}
		return err
	}
	m := r.any()
	r.leave(m)
	r.fault("%s has left", m.Name)
	return nil
}

// leaveAll lets all members end at once, and starts as many.
func (r *Run) leaveAll() error {
	all := r.living()
	for _, m := range all {
		m.Signal(syscall.SIGTERM)
	}
	for _, m := range all {
		r.leave(m)
	}
	r.fault("all members were asked to end")
	return r.addAll(len(all))
}

func (r *Run) addAll(n int) error {
	for range n {
		if _, err := r.add(); err != nil {
			return err
		}
	}
	return nil
}

// meanwhile writes the log and injects a fault now and then, once at least, until it is written.
func (r *Run) meanwhile(from, to time.Duration, fault func() error) error {
	over := cmp.Or(r.scenario.setup.pour, usualPour)
	if r.scenario.ByName {
		over = r.harness.soak
	}
	log := r.pour(over)
	most := cmp.Or(r.scenario.setup.most, math.MaxInt)
	for n := 0; n == 0 || n < most && log.active(); n++ {
		if err := r.wait(from, to); err != nil {
			return err
		}
		if r.any() == nil {
			r.wrong("no member runs any more")
			break
		}
		if err := fault(); err != nil {
			return err
		}
	}
	return log.wait()
}

// playFaultPoints starts one member after the other that ends at a point of its work, each point once at least, in an order of
// chance. Where a point is not reached the member is killed all the same: the last ones find little to do.
func playFaultPoints(r *Run) error {
	points := faults.Points()
	r.random.Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
	// Nothing begins but once.
	for i, p := range points {
		if p == faults.BeforeBegin || p == faults.AfterBegin {
			points[0], points[i] = points[i], points[0]
			break
		}
	}
	log := r.pour(2 * usualPour)
	for n := 0; n < len(points) || log.active(); n++ {
		plan := faults.Plan{Point: points[n%len(points)], N: 1 + r.random.Int64N(6)}
		if plan.Point == faults.BeforeBegin || plan.Point == faults.AfterBegin {
			plan.N = 1 + r.random.Int64N(2)
		}
		m, err := r.add(faults.Variable + "=" + plan.String())
		if err != nil {
			return err
		}
		r.expected[m] = true
		ctx, cancel := context.WithTimeout(r.ctx, 5*time.Second)
		_ = m.Wait(ctx)
		cancel()
		if m.Running() {
			r.kill(m)
			r.tell("%s did not come to %s", m.Name, plan)
		}
		r.fault("%s ended by %s", m.Name, plan)
	}
	if err := log.wait(); err != nil {
		return err
	}
	_, err := r.add()
	return err
}
