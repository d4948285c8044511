package detectortest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/parcelsentry/parcelsentry/detector"
)

// A Scenario is a parsed file. It may be played any number of times.
type Scenario struct {
	// File is the name that errors give, Title the first comment.
	File, Title string
	config      []line // of type assignments
	lines       []line
}

type line struct {
	number int
	text   string
	do     statement
}

// A statement plays on a world. Its error says what is wrong without saying where.
type statement interface {
	play(w *world) error
}

// Parse reads a scenario; file is only its name. The error has every fault, a line each, as file:line: what to do.
func Parse(file string, r io.Reader) (*Scenario, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	s := &Scenario{File: file}
	var faults []error
	for i, raw := range strings.Split(string(text), "\n") {
		if err := s.add(i+1, raw); err != nil {
			faults = append(faults, fmt.Errorf("%s:%d: %w", file, i+1, err))
		}
	}
	if len(faults) == 0 && len(s.lines) == 0 {
		faults = append(faults, fmt.Errorf("%s: nothing happens in it: write at least one load or event", file))
	}
	return s, errors.Join(faults...)
}

func (s *Scenario) add(number int, raw string) error {
	text, comment, _ := strings.Cut(raw, "#")
	if s.Title == "" {
		s.Title = strings.TrimSpace(comment)
	}
	words := strings.Fields(text)
	if len(words) == 0 {
		return nil
	}
	do, err := parseStatement(words)
	if err != nil {
		return err
	}
	l := line{number: number, text: strings.Join(words, " "), do: do}
	if _, ok := do.(assignments); !ok {
		s.lines = append(s.lines, l)
		return nil
	}
	if len(s.lines) > 0 {
		return fmt.Errorf("config must stand before the first load or event: settings don't change on the way")
	}
	s.config = append(s.config, l)
	return nil
}

// Play runs the scenario under settings changed by its config lines. The error is a *Failure where the detectors
// didn't do as the scenario says; nothing after the first one is played.
func (s *Scenario) Play(settings detector.Settings) error {
	for _, l := range s.config {
		for _, a := range l.do.(assignments) {
			if err := Configure(&settings, a.key, a.value); err != nil {
				return fmt.Errorf("%s:%d: %w", s.File, l.number, err)
			}
		}
	}
	set, err := detector.New(settings)
	if err != nil {
		return fmt.Errorf("%s: these settings can't work: %w", s.File, err)
	}
	w := newWorld(set)
	for _, l := range s.lines {
		w.line = l.number
		if err := l.do.play(w); err != nil {
			return s.locate(err, l)
		}
	}
	if err := w.nothingUnread(); err != nil {
		return s.locate(err, line{})
	}
	return nil
}

// RunFile parses and plays the scenario in a file.
func RunFile(path string, settings detector.Settings) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	s, err := Parse(path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	return s.Play(settings)
}
