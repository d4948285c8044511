package bench

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

// Options say what to measure, and where.
type Options struct {
	// Curves are drawn instead of measuring workloads. Each point has Events events of its own, and takes no longer than PointLimit,
	// from the start of the service on; 0 is no limit. Drawn gets each curve when it is done.
	Curves     []Curve
	PointLimit time.Duration
	Drawn      func(*Curve, []Result) error
	// Workloads are the names of some of Workloads, Runs how often each is measured.
	Workloads []string
	Runs      int
	// Events are made up with Seed and written to a topic, unless Topic names one that holds some.
	Events int
	Seed   uint64
	// Broker is the address of one that runs already, BrokerPID its process if its CPU is to be told. Empty starts one.
	Broker    string
	BrokerPID int
	Topic     string
	// Redis is the address of one on this machine that runs already, and is empty. Empty starts one for each run.
	Redis string
	// Set are changes to the service's configuration, each KEY=VALUE.
	Set []string
	// Latency asks for the second phase: Rate events a second for Live.
	Latency bool
	Rate    int
	Live    time.Duration
	// Profile is a folder for CPU profiles of the service, one a run; empty takes none.
	Profile string
	// Dir keeps the logs of all processes; empty makes a temporary folder, which goes if all is well.
	Dir string
	// Out gets a line a run and Notes what happens meanwhile.
	Out, Notes io.Writer
}

// ErrWrong is that the service did not say what follows from the events.
var ErrWrong = errors.New("the service is wrong")

// harness has what all runs share.
type harness struct {
	Options
	servers *testbed.Servers
	broker  *testbed.Broker // nil if it is somebody else's
	kafka   *testbed.Kafka
	binary  string
	name    string // begins the names of all topics and groups
	input   input
}

// Play measures, and writes a line a run; with several runs of a workload, the median one again at the end. It has ended all
// that it started when it returns: ErrWrong if the alerts of W1 are others than the rule's, testbed.ErrCannotRun if this
// machine lacks something.
func Play(ctx context.Context, o Options) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	temporary := o.Dir == ""
	if temporary {
		if o.Dir, err = os.MkdirTemp("", "bench-"); err != nil {
			return err
		}
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return err
	}
	redis.SetLogger(testbed.Silence{})
	processes := &testbed.Processes{}
	h := &harness{Options: o, name: fmt.Sprintf("bench-%x-", time.Now().UnixNano()&0xffffffff)}
	defer func() {
		if h.kafka != nil {
			if h.broker == nil { // whose disk would fill
				err = errors.Join(err, h.kafka.RemoveAll(context.WithoutCancel(ctx), h.name))
			}
			h.kafka.Close()
		}
		processes.Close()
		if h.broker != nil {
			h.broker.Forget()
		}
		switch {
		case temporary && err == nil:
			_ = os.RemoveAll(o.Dir)
		case err != nil:
			h.note("logs: %s", o.Dir)
		}
	}()
	if h.servers, err = testbed.New(ctx, o.Dir, processes); err != nil {
		return err
	}
	if err := h.start(ctx); err != nil {
		return err
	}
	for i := range o.Curves {
		if err := h.draw(ctx, &o.Curves[i]); err != nil {
			return err
		}
	}
	if len(o.Curves) > 0 {
		return nil
	}
	for _, workload := range o.Workloads {
		if err := h.measure(ctx, workload); err != nil {
			return err
		}
	}
	return nil
}

func (o *Options) check() error {
	switch {
	case o.Topic != "" && o.Broker == "":
		return fmt.Errorf("%w: a topic needs the broker that holds it", testbed.ErrCannotRun)
	case o.Redis != "" && (o.Runs > 1 || len(o.Workloads) > 1 || o.Latency):
		return fmt.Errorf("%w: a Redis that is given takes one run, as the next would find it full", testbed.ErrCannotRun)
	case len(o.Curves) > 0 && (o.Topic != "" || o.Redis != "" || o.Latency || o.Runs > 1):
		return fmt.Errorf("%w: a curve makes up its events, starts its Redis, and measures each point once, and no latency", testbed.ErrCannotRun)
	case o.Topic == "" && o.Events < 1, o.Runs < 1, o.Latency && o.Rate < 1:
		return fmt.Errorf("%w: nothing to measure", testbed.ErrCannotRun)
	}
	return nil
}

// start builds the service, starts a broker unless there is one, and fills the input; curves have inputs of their own.
func (h *harness) start(ctx context.Context) error {
	h.binary = filepath.Join(h.Dir, "parcelsentry")
	tag := ""
	if h.Profile != "" {
		tag = "profile"
	}
	if err := h.servers.Build(ctx, h.binary, tag); err != nil {
		return err
	}
	if h.Broker == "" {
		b, err := h.servers.NewBroker(ctx, testbed.BrokerOptions{ID: 1, JVM: brokerJVM(), Lines: brokerLines(h.Curves)})
		if err != nil {
			return err
		}
		h.broker = b
		if err := b.Start(ctx); err != nil {
			return fmt.Errorf("%w, see %s", err, b.Dir)
		}
		h.Broker, h.BrokerPID = b.Address, b.Process.PID()
	}
	var err error
	if h.kafka, err = testbed.NewKafka(h.Broker); err != nil {
		return err
	}
	if len(h.Curves) > 0 {
		return nil
	}
	if h.Topic == "" {
		began := time.Now()
		if err := h.fill(ctx, h.name+"shipments"); err != nil {
			return err
		}
		h.note("%d events are in the topic after %.1f s", h.Events, time.Since(began).Seconds())
		h.Topic = h.name + "shipments"
	}
	h.input, err = h.inspect(ctx, h.Topic)
	return err
}

// measure measures a workload as often as is asked for.
func (h *harness) measure(ctx context.Context, workload string) error {
	var all []Result
	for n := range h.Runs {
		name := fmt.Sprintf("%s-%d", workload, n+1)
		r, err := h.once(ctx, workload, name)
		if err == nil && h.Latency {
			r.Delays, err = h.live(ctx, workload, name+"-live")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintln(h.Out, r.Line())
		if workload == "W1" && r.Digest != h.input.expected {
			return fmt.Errorf("%w: %s: the rule gives %d alerts with checksum %016x", ErrWrong, name, h.input.expected.Alerts, h.input.expected.Checksum)
		}
		all = append(all, r)
	}
	if len(all) > 1 {
		m := median(all)
		fmt.Fprintln(h.Out, "median of", len(all), m.Line())
	}
	return nil
}

// once measures a workload on a stage of its own.
func (h *harness) once(ctx context.Context, workload, name string) (Result, error) {
	s, err := h.newStage(ctx, name, h.input.topic, Setup{})
	if err != nil {
		return Result{}, err
	}
	defer s.close()
	return s.catchUp(ctx, job{workload: workload, name: name, set: h.Set}, &h.input, 0)
}

func (h *harness) note(format string, args ...any) {
	fmt.Fprintf(h.Notes, "bench: "+format+"\n", args...)
}

// brokerJVM is what Kafka's own start script gives a broker.
func brokerJVM() []string {
	return []string{"-Xms1g", "-Xmx1g", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35"}
}
