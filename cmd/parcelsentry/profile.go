package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/parcelsentry/parcelsentry/cmd/internal/app"
	"github.com/parcelsentry/parcelsentry/cmd/internal/codec"
	"github.com/parcelsentry/parcelsentry/cmd/internal/logfile"
	"github.com/parcelsentry/parcelsentry/config"
	"github.com/parcelsentry/parcelsentry/windows"
)

type profileCommand struct {
	Show   profileShow   `cmd:"" help:"Say what a day's profile knows: what is usual, and how often which scores occur."`
	Export profileExport `cmd:"" help:"Write the profiles of all days, a JSON object a line."`
	Import profileImport `cmd:"" help:"Put exported profiles in for days that have none, so that a new site starts warm."`
}

type profileExport struct {
	Config string `required:"" type:"path" placeholder:"FILE" help:"The configuration, which names the Redis."`
	Output string `default:"-" placeholder:"FILE" help:"Write the profiles here, compressed if it ends in .gz or .zst; - is standard output."`
}

// Run writes what is recorded.
func (c *profileExport) Run(s *shell) (err error) {
	all, err := storedProfiles(s, c.Config)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return errors.New("no profile is recorded yet: the first event makes the first")
	}
	var files outputFiles
	defer func() { err = errors.Join(err, files.close(err == nil)) }()
	out, err := files.create(c.Output, s.stdout)
	if err != nil {
		return err
	}
	if err := writeProfiles(out, all); err != nil {
		return err
	}
	fmt.Fprintf(s.stderr, "exported the profiles of %s\n", span(all))
	return nil
}

type profileImport struct {
	Config string `required:"" type:"path" placeholder:"FILE" help:"The configuration, which names the Redis."`
	Input  string `required:"" placeholder:"FILE" help:"What profile export or replay --profiles-out wrote; - is standard input."`
}

// Run puts profiles into Redis.
func (c *profileImport) Run(s *shell) error {
	conf, err := config.LoadFile(c.Config)
	if err != nil {
		return err
	}
	all, err := readProfiles(s, c.Input)
	if err != nil {
		return err
	}
	profiles, err := app.OpenProfiles(&conf)
	if err != nil {
		return err
	}
	defer profiles.Close()
	if err := profiles.Import(s.ctx, all); err != nil {
		return err
	}
	fmt.Fprintf(s.stderr, "imported the profiles of %s\n", span(all))
	return nil
}

// storedProfiles gives what is recorded in the Redis of a configuration.
func storedProfiles(s *shell, file string) ([]windows.DayProfile, error) {
	conf, err := config.LoadFile(file)
	if err != nil {
		return nil, err
	}
	profiles, err := app.OpenProfiles(&conf)
	if err != nil {
		return nil, err
	}
	defer profiles.Close()
	return profiles.Recorded(s.ctx)
}

// readProfiles reads exported profiles, at least one.
func readProfiles(s *shell, file string) ([]windows.DayProfile, error) {
	lines, err := logfile.Open([]string{file}, s.stdin)
	if err != nil {
		return nil, err
	}
	defer lines.Close()
	var in codec.ProfileReader
	var all []windows.DayProfile
	for {
		line, err := lines.Next()
		switch {
		case errors.Is(err, io.EOF) && len(all) == 0:
			return nil, fmt.Errorf("%s holds no profiles", file)
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, err
		}
		d, err := in.Read(line)
		if err != nil {
			name, n := lines.Where()
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		all = append(all, d)
	}
}

func writeProfiles(w io.Writer, all []windows.DayProfile) error {
	out := bufio.NewWriter(w)
	var profiles codec.ProfileWriter
	var line []byte
	for _, d := range all {
		line = append(profiles.Append(line[:0], d), '\n')
		if _, err := out.Write(line); err != nil {
			return fmt.Errorf("write profiles: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write profiles: %w", err)
	}
	return nil
}

// span tells how many days there are, at least one, and which.
func span(all []windows.DayProfile) string {
	first, last := all[0].Date(), all[len(all)-1].Date()
	if len(all) == 1 {
		return "1 day, " + first
	}
	return fmt.Sprintf("%d days, %s to %s", len(all), first, last)
}
