package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/app"
	"github.com/parcelsentry/parcelsentry/cmd/internal/backtest"
	"github.com/parcelsentry/parcelsentry/cmd/internal/codec"
	"github.com/parcelsentry/parcelsentry/cmd/internal/logfile"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/config"
	"github.com/parcelsentry/parcelsentry/detector"
)

type replayCommand struct {
	Config string   `required:"" type:"path" placeholder:"FILE" help:"The configuration."`
	Input  []string `required:"" placeholder:"FILE" help:"Shipment events, in order: JSON Lines or CSV, plain, .gz or .zst; - is standard input."`
	Alerts string   `placeholder:"FILE" help:"Write alerts here, a JSON object a line; - is standard output."`
	Scores string   `placeholder:"FILE" help:"Write scores here, as CSV with a line an event; - is standard output."`

	Profiles    string `placeholder:"FILE" help:"Judge each day by its recorded profile, as exported from the live service. Without it, profiles are built from the input alone. Days after the recorded ones are built on the last of them."`
	ProfilesOut string `placeholder:"FILE" help:"Write the profile of each day here, a JSON object a line, for --profiles or profile import."`
}

// Run replays files and reports what came of it.
func (c *replayCommand) Run(s *shell) (err error) {
	conf, err := config.LoadFile(c.Config)
	if err != nil {
		return err
	}
	if c.shared() {
		return usageError{errors.New("only one of --alerts, --scores and --profiles-out can be standard output")}
	}
	collectSeldom()
	set, err := app.NewSet(&conf)
	if err != nil {
		return err
	}
	decoders, err := app.NewDecoders(&conf, s.log())
	if err != nil {
		return err
	}
	lines, err := logfile.Open(c.Input, s.stdin)
	if err != nil {
		return err
	}
	defer func() { lines.Close() }() // those in hand
	profiles, recorded, err := c.profiles(s, set)
	if err != nil {
		return err
	}
	var files outputFiles
	defer func() { err = errors.Join(err, files.close(err == nil)) }()
	o := backtest.Options{
		Set: set, Decoder: decoders.New(), Lines: lines, Name: nameOf(c.Input),
		AppendAlert: codec.AppendAlert, WorkingSet: int64(conf.Windows.WorkingSet), Profiles: profiles, Log: s.log(),
	}
	if o.Alerts, err = files.create(c.Alerts, s.stdout); err != nil {
		return err
	}
	if o.Scores, err = files.create(c.Scores, s.stdout); err != nil {
		return err
	}
	profilesOut, err := files.create(c.ProfilesOut, s.stdout)
	if err != nil {
		return err
	}
	letters := deadLetters{w: s.stderr}
	o.DeadLetter = letters.report
	if _, size := lines.Progress(); size > 0 { // else some of it can be read only once
		o.Reopen = func() (backtest.Lines, error) {
			again, err := logfile.Open(c.Input, nil)
			if err != nil {
				return nil, err
			}
			lines.Close()
			lines = again
			return lines, nil
		}
	}
	stop := s.progress("replay", lines.Progress)
	start := time.Now()
	summary, err := backtest.Replay(s.ctx, o)
	stop()
	if err != nil {
		return err
	}
	took := time.Since(start)
	letters.summarise()
	if profilesOut != nil {
		if err := writeProfiles(profilesOut, profiles.Recorded()); err != nil {
			return err
		}
	}
	return report(s.stderr, &summary, took, profiles, recorded)
}

// shared tells that two outputs are standard output.
func (c *replayCommand) shared() bool {
	n := 0
	for _, name := range []string{c.Alerts, c.Scores, c.ProfilesOut} {
		if name == "-" {
			n++
		}
	}
	return n > 1
}

// profiles gives what the population was like: the recorded days, or nothing yet.
func (c *replayCommand) profiles(s *shell, set *detector.Set) (chain *pipeline.ProfileChain, recorded int, err error) {
	chain = pipeline.NewProfileChain(set)
	if c.Profiles == "" {
		return chain, 0, nil
	}
	if c.Profiles == "-" && slices.Contains(c.Input, "-") {
		return nil, 0, usageError{errors.New("--profiles and --input can't both be standard input")}
	}
	all, err := readProfiles(s, c.Profiles)
	if err != nil {
		return nil, 0, err
	}
	if err := chain.Record(all); err != nil {
		return nil, 0, fmt.Errorf("%s: %w", c.Profiles, err)
	}
	return chain, len(all), nil
}

// nameOf stands for the topic in coordinates: the file's name, or a word where there are several.
func nameOf(input []string) string {
	if len(input) == 1 && input[0] != "-" {
		return filepath.Base(input[0])
	}
	return "input"
}

func report(w io.Writer, s *backtest.Summary, took time.Duration, profiles *pipeline.ProfileChain, recorded int) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%d events in %s, %.0f a second; %d not counted; %d shipments flagged\n",
		s.Events, took.Round(time.Millisecond), float64(s.Events)/took.Seconds(), s.DeadLetters, s.Flagged)
	for _, rule := range sortedKeys(s.Alerts) {
		n := s.Alerts[rule]
		fmt.Fprintf(out, "%s: %d incidents, %d updates, %d closed\n",
			rule, n[detector.Create], n[detector.Update], n[detector.Close])
	}
	built := profiles.Days() - recorded
	switch {
	case recorded == 0:
		fmt.Fprintf(out, "judged by profiles of %d days, built from the input alone; the live service's may differ\n", built)
	case built == 0:
		fmt.Fprintf(out, "judged by recorded profiles\n")
	default:
		fmt.Fprintf(out, "judged by recorded profiles, and by those of %d more days that were built on them\n", built)
	}
	return out.Flush()
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, cmp.Compare)
	return keys
}
