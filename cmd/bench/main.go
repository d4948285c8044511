// Command bench measures the real service end to end, on a real Kafka broker and a real Redis that it starts by itself or is
// told of, and prints a line a run. Exit status 1 says that a run failed, 2 that it can't run here.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/parcelsentry/parcelsentry/cmd/internal/bench"
	"github.com/parcelsentry/parcelsentry/cmd/internal/testbed"
)

type options struct {
	Workload []string `enum:"W1,W2" default:"W1,W2" placeholder:"NAME" help:"Measure only this: W1 is one limit rule, W2 all that the shipped configuration turns on."`
	Events   int      `placeholder:"N" help:"How many events are made up: 2,000,000 unless it is said, and 200,000 for each point of a curve."`
	Seed     uint64   `default:"1" help:"The seed that decides them."`
	Runs     int      `default:"1" help:"How often each workload is measured."`

	Curve      []string      `placeholder:"NAME" help:"Draw this curve of W2 instead, or all; may be repeated. It writes a table and a plot."`
	PointLimit time.Duration `default:"2m" help:"Cut a point of a curve that takes longer; 0 never does."`
	Out        string        `type:"path" default:"deploy/performance" placeholder:"DIR" help:"Where tables and plots of curves go."`

	Brokers   string `placeholder:"HOST:PORT" help:"Use this broker, instead of starting one."`
	BrokerPID int    `name:"broker-pid" placeholder:"PID" help:"Its process, to tell its CPU."`
	Topic     string `placeholder:"NAME" help:"Read the events that this topic of it holds, instead of making some up."`
	Redis     string `placeholder:"HOST:PORT" help:"Use this Redis on this machine, which must be empty, instead of starting one a run."`

	Set     []string `sep:"none" placeholder:"KEY=VALUE" help:"Change a setting of the service, such as kafka.fetch_bytes=8MiB; may be repeated."`
	Latency bool     `help:"Measure the delay of alerts too, in a second phase."`
	Rate    int      `default:"20000" help:"Events a second of that phase."`
	Seconds int      `default:"30" help:"How long that phase lasts."`
	Profile string   `type:"path" placeholder:"DIR" help:"Write CPU profiles of the service here. It costs a few percent."`
	Logs    string   `type:"path" placeholder:"DIR" help:"Keep the logs and configurations here; without it those of failed runs are kept in a temporary folder."`
}

func main() {
	var o options
	kong.Parse(&o, kong.Name("bench"), kong.Description("How fast the real service is, and what it costs."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, &o)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, o *options) int {
	curves, err := pick(o.Curve)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 2
	}
	const usual, usualPoint = 2_000_000, 200_000
	if o.Events == 0 {
		o.Events = usual
		if len(curves) > 0 {
			o.Events = usualPoint
		}
	}
	err = bench.Play(ctx, bench.Options{
		Curves: curves, PointLimit: o.PointLimit,
		Drawn:     func(c *bench.Curve, all []bench.Result) error { return keep(os.Stdout, o.Out, c, all) },
		Workloads: o.Workload, Runs: o.Runs, Events: o.Events, Seed: o.Seed,
		Broker: o.Brokers, BrokerPID: o.BrokerPID, Topic: o.Topic, Redis: o.Redis, Set: o.Set,
		Latency: o.Latency, Rate: o.Rate, Live: time.Duration(o.Seconds) * time.Second,
		Profile: o.Profile, Dir: o.Logs, Out: os.Stdout, Notes: os.Stderr,
	})
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "bench:", err)
	if errors.Is(err, testbed.ErrCannotRun) {
		return 2
	}
	return 1
}
