package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/parcelsentry/parcelsentry/cmd/internal/testbed"
)

// Options say what to play.
type Options struct {
	// Scenarios are the names of those to play; none means all, or with Short the short ones.
	Scenarios []string
	Short     bool
	// Each is played with Seeds seeds from Seed on.
	Seed  uint64
	Seeds int
	// Soak is how long the scenario of that name lasts.
	Soak time.Duration
	// Markdown asks for the summary as a table for a README.
	Markdown bool
	// Dir keeps the logs of all processes; empty makes a temporary folder, which goes if all is well.
	Dir string
	Out io.Writer
}

// ErrFailed is that a run came to something else than it must.
var ErrFailed = errors.New("the service broke a promise")

// Harness has what all runs share: brokers, and the service's binary.
type Harness struct {
	dir      string
	binary   string
	soak     time.Duration
	children *testbed.Processes
	servers  *testbed.Servers
	brokers  []*testbed.Broker
	// controller is where broker 1 has it.
	controller string
}

// Play plays scenarios one after the other and writes a line for each run. It has ended all that it started when it
// returns: ErrFailed if a run failed, ErrCannotRun if this machine lacks something.
func Play(ctx context.Context, o Options) (err error) {
	all, err := pick(o)
	if err != nil {
		return err
	}
	temporary := o.Dir == ""
	if temporary {
		if o.Dir, err = os.MkdirTemp("", "chaos-"); err != nil {
			return err
		}
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return err
	}
	redis.SetLogger(testbed.Silence{})
	h := &Harness{dir: o.Dir, soak: o.Soak, children: &testbed.Processes{}}
	defer func() {
		h.close()
		if temporary && err == nil {
			_ = os.RemoveAll(o.Dir)
		}
	}()
	if err := h.start(ctx); err != nil {
		return err
	}
	var results []Result
	fmt.Fprintln(o.Out, header)
	for i := range all {
		for seed := o.Seed; seed < o.Seed+uint64(o.Seeds); seed++ {
			result, err := h.playOnce(ctx, &all[i], seed)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				result.problem("the harness could not go on: %v", err)
			}
			fmt.Fprintln(o.Out, line(&result))
			for _, p := range result.Problems {
				fmt.Fprintln(o.Out, "   ", p)
			}
			if result.Failed() {
				fmt.Fprintf(o.Out, "    again: go run ./cmd/chaos --scenario %s --seed %d --seeds 1\n    logs: %s\n", result.Scenario, seed, result.Dir)
			} else if temporary {
				_ = os.RemoveAll(result.Dir)
			}
			results = append(results, result)
		}
	}
	if o.Markdown {
		fmt.Fprint(o.Out, "\n", table(results))
	}
	for i := range results {
		if results[i].Failed() {
			return ErrFailed
		}
	}
	return nil
}

// pick gives the scenarios that are asked for.
func pick(o Options) ([]Scenario, error) {
	var picked []Scenario
	known := map[string]bool{}
	for _, s := range Scenarios() {
		known[s.Name] = true
		named := false
		for _, name := range o.Scenarios {
			named = named || name == s.Name
		}
		if named || len(o.Scenarios) == 0 && !s.ByName && (s.Short || !o.Short) {
			picked = append(picked, s)
		}
	}
	for _, name := range o.Scenarios {
		if !known[name] {
			return nil, fmt.Errorf("%w: no scenario is called %s, see --list", testbed.ErrCannotRun, name)
		}
	}
	return picked, nil
}

// start builds the service and starts a broker.
func (h *Harness) start(ctx context.Context) error {
	var err error
	if h.servers, err = testbed.New(ctx, h.dir, h.children); err != nil {
		return err
	}
	h.binary = filepath.Join(h.dir, "parcelsentry")
	if err := h.servers.Build(ctx, h.binary, "faults"); err != nil {
		return err
	}
	return h.addBroker(ctx)
}

// addBroker starts one more, with an empty data folder. It is to start quickly rather than to run fast; compaction and the end of
// deleted topics are part of the play, so they come soon.
func (h *Harness) addBroker(ctx context.Context) error {
	b, err := h.servers.NewBroker(ctx, testbed.BrokerOptions{
		ID: len(h.brokers) + 1, Controller: h.controller,
		JVM:   []string{"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx640m"},
		Lines: []string{"log.cleaner.backoff.ms=300", "log.segment.delete.delay.ms=1000", "log.cleaner.dedupe.buffer.size=8388608"},
	})
	if err != nil {
		return err
	}
	if err := b.Start(ctx); err != nil {
		return fmt.Errorf("%w, see %s", err, b.Dir)
	}
	h.controller = b.Controller
	h.brokers = append(h.brokers, b)
	return nil
}

func (h *Harness) close() {
	h.children.Close()
	for _, b := range h.brokers {
		b.Remove()
	}
}

// runLimit ends a run that hangs.
const runLimit = 8 * time.Minute

// playOnce plays a scenario with one seed.
func (h *Harness) playOnce(ctx context.Context, s *Scenario, seed uint64) (Result, error) {
	limit := runLimit
	if s.ByName {
		limit += 2 * h.soak
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for s.setup.twoBrokers && len(h.brokers) < 2 {
		if err := h.addBroker(ctx); err != nil {
			return Result{Scenario: s.Name, Seed: seed}, err
		}
	}
	for _, b := range h.brokers {
		if !b.Process.Running() { // the run before broke off
			if err := b.Start(ctx); err != nil {
				return Result{Scenario: s.Name, Seed: seed}, err
			}
		}
	}
	r, err := h.newRun(ctx, s, seed)
	if err != nil {
		return r.result, err
	}
	defer r.close()
	err = r.perform()
	return r.result, err
}
