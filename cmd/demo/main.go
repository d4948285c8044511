// Command demo is the whole system in one process: made-up shipments with a few incidents go through a broker into the
// service, which counts in Redis, and the alerts that come out are shown. Broker and Redis are embedded stand-ins; the
// service and its Kafka and Redis clients are the real ones.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

type options struct {
	For   time.Duration `placeholder:"30s" help:"End after this time; without it the demo stays up when all is played, until Ctrl-C."`
	Input string        `type:"existingfile" placeholder:"FILE" help:"Play shipments from a file instead: JSON Lines or CSV, plain, .gz or .zst."`
	Play  time.Duration `default:"20s" help:"How long the shipments take to play, after the first 40 % as a past."`
	HTTP  string        `default:"127.0.0.1:9700" help:"Where metrics are served; port 0 takes any."`
	Seed  uint64        `default:"1" help:"The same seed makes up the same shipments."`
}

func main() {
	var o options
	kong.Parse(&o, kong.Name("demo"), kong.Description("parcelsentry from end to end, everything embedded."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	info, err := os.Stdout.Stat()
	d := &demo{
		options: o, out: os.Stdout,
		color: err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "",
		log:   slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	}
	if err := d.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		stop()
		os.Exit(1)
	}
}
