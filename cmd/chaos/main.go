// Command chaos plays faults against the real service, on real servers that it starts by itself: Kafka, Redis, Redis
// Cluster. It prints what was lost, counted twice or not said, which must be nothing. Exit status 1 says that a run
// failed, 2 that it can't run here.
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

	"github.com/parcelsentry/parcelsentry/cmd/internal/chaos"
	"github.com/parcelsentry/parcelsentry/cmd/internal/testbed"
)

type options struct {
	Scenario []string `placeholder:"NAME" help:"Play only this; may be repeated."`
	Seeds    int      `default:"5" help:"How many seeds each scenario is played with."`
	Seed     uint64   `default:"1" help:"The first seed. It decides the log and the faults, not how processes are scheduled."`
	Minutes  int      `default:"30" help:"How long the scenario soak lasts."`
	Short    bool     `help:"Play a few scenarios that cover most."`
	List     bool     `help:"List the scenarios."`
	Markdown bool     `help:"End with a table in Markdown."`
	Logs     string   `type:"path" placeholder:"DIR" help:"Keep the logs of all processes here; without it those of failed runs are kept in a temporary folder."`
}

func main() {
	var o options
	kong.Parse(&o, kong.Name("chaos"), kong.Description("Faults against the real service, and what comes of its counts and alerts."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, &o)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, o *options) int {
	if o.List {
		for _, s := range chaos.Scenarios() {
			fmt.Printf("%-22s %s\n", s.Name, s.Story)
		}
		return 0
	}
	err := chaos.Play(ctx, chaos.Options{
		Scenarios: o.Scenario, Short: o.Short, Seed: o.Seed, Seeds: o.Seeds, Soak: time.Duration(o.Minutes) * time.Minute, Markdown: o.Markdown, Dir: o.Logs, Out: os.Stdout,
	})
	switch {
	case err == nil:
		return 0
	case errors.Is(err, testbed.ErrCannotRun):
		fmt.Fprintln(os.Stderr, "chaos:", err)
		return 2
	}
	fmt.Fprintln(os.Stderr, "chaos:", err)
	return 1
}
