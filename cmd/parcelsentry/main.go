// Command parcelsentry watches shipments for bursts and unusual routes. See parcelsentry --help.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/parcelsentry/parcelsentry/config"
)

// Exit statuses.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2 // wrong usage or configuration
)

type commands struct {
	Run      runCommand      `cmd:"" help:"Run the service: read shipments from Kafka, count in Redis, alert."`
	Replay   replayCommand   `cmd:"" help:"Run history from files through the very same path, in memory."`
	Seed     seedCommand     `cmd:"" help:"Fill Redis from history, so that the service starts warm; nothing is sent."`
	Resubmit resubmitCommand `cmd:"" help:"Write dead letters that can be counted by now, or were repaired, to the input again; each counts once."`
	Inspect  inspectCommand  `cmd:"" help:"Show what is counted of a sender, a recipient or a lane."`
	Profile  profileCommand  `cmd:"" help:"The population profile: what is usual of anybody."`
	Check    checkCommand    `cmd:"" help:"Validate configuration files; every fault at once, with line and column."`
	Generate generateCommand `cmd:"" help:"Make up shipments with labelled incidents."`

	Version kong.VersionFlag `help:"Print the version."`
}

// shell is what commands see of the world.
type shell struct {
	ctx    context.Context
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	// terminal tells that stderr is one: progress bars are wanted.
	terminal bool
}

func (s *shell) log() *slog.Logger { return slog.New(slog.NewTextHandler(s.stderr, nil)) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	info, err := os.Stderr.Stat()
	s := &shell{
		ctx: ctx, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		terminal: err == nil && info.Mode()&os.ModeCharDevice != 0,
	}
	stopProfile := startProfile()
	code := execute(s, os.Args[1:])
	stopProfile()
	stop()
	os.Exit(code)
}

// execute runs a command line and gives its exit status.
func execute(s *shell, args []string) (code int) {
	var c commands
	code = -1 // until kong wants to exit, after --help or --version
	parser, err := kong.New(&c,
		kong.Name("parcelsentry"),
		kong.Description("Watches shipment events for bursts and unusual routes, and says which parcels to look at."),
		kong.Vars{"version": version()},
		kong.Writers(s.stdout, s.stderr),
		kong.Exit(func(status int) { code = status }),
		kong.UsageOnError(),
	)
	if err != nil {
		fmt.Fprintln(s.stderr, "parcelsentry:", err)
		return exitFailed
	}
	parsed, err := parser.Parse(args)
	if code >= 0 {
		return code
	}
	if err != nil {
		fmt.Fprintf(s.stderr, "parcelsentry: %v\nTry: parcelsentry --help\n", err)
		return exitUsage
	}
	return status(s, parsed.Run(s))
}

// status reports an error and gives the exit status for it.
func status(s *shell, err error) int {
	var faults *config.Error
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &faults):
		fmt.Fprintln(s.stderr, faults.Detail())
		return exitUsage
	case errors.As(err, &usage):
		fmt.Fprintln(s.stderr, "parcelsentry:", err)
		return exitUsage
	}
	fmt.Fprintln(s.stderr, "parcelsentry:", err)
	return exitFailed
}

// usageError is an error of the command line rather than of the work.
type usageError struct{ error }

// version gives what the build recorded about itself.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "unknown"
	}
	return info.Main.Version
}
