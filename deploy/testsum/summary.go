package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// event is one line of `go test -json`; see `go doc test2json` and, for the
// build-* actions, `go help buildjson`.
type event struct {
	Action      string
	Package     string
	ImportPath  string // instead of Package, in build-* events
	Test        string // empty: the event is about the package
	Elapsed     float64
	Output      string
	FailedBuild string // the ImportPath whose build failed, when Action is fail
}

// summary is the state of a test run as far as its events tell. A test with
// subtests counts as one more test, as it does for the go command.
type summary struct {
	passed, failed int
	skips          []string // "pkg.Test: reason"
	packages       map[string]*pkg
	builds         map[string]*strings.Builder // output of the compiler, by import path
}

// pkg is a package whose tests are running.
type pkg struct {
	passed, failed, skipped int
	output                  strings.Builder             // what belongs to no test
	tests                   map[string]*strings.Builder // output of the tests that have not ended
}

func newSummary() *summary {
	return &summary{packages: map[string]*pkg{}, builds: map[string]*strings.Builder{}}
}

// add takes the next event and returns what there is to print because of it.
func (s *summary) add(e event) string {
	switch e.Action {
	case "build-output":
		s.build(e.ImportPath).WriteString(e.Output)
		return ""
	case "build-fail", "attr", "artifacts":
		// A build is told of when the package that needed it fails.
		return ""
	}
	p := s.packages[e.Package]
	if p == nil {
		p = &pkg{tests: map[string]*strings.Builder{}}
		s.packages[e.Package] = p
	}
	if e.Test != "" {
		return s.addTest(p, e)
	}
	switch e.Action {
	case "output":
		// The go command's own verdict would stand above ours, saying the same.
		if e.Output != "FAIL\n" && !strings.HasPrefix(e.Output, "FAIL\t"+e.Package+"\t") {
			p.output.WriteString(e.Output)
		}
		return ""
	case "pass", "fail", "skip":
		delete(s.packages, e.Package)
		return s.endPackage(p, e)
	}
	return ""
}

func (s *summary) addTest(p *pkg, e event) string {
	output := p.tests[e.Test]
	if output == nil {
		output = &strings.Builder{}
		p.tests[e.Test] = output
	}
	switch e.Action {
	case "output":
		output.WriteString(e.Output)
		return ""
	case "pass":
		p.passed++
	case "skip":
		p.skipped++
		s.skips = append(s.skips, fmt.Sprintf("%s.%s: %s", e.Package, e.Test, reason(output.String())))
	case "fail":
		p.failed++
		delete(p.tests, e.Test)
		return output.String()
	case "bench": // a benchmark has ended: neither passed nor failed
	default:
		return ""
	}
	delete(p.tests, e.Test)
	return ""
}

func (s *summary) endPackage(p *pkg, e event) string {
	var text strings.Builder
	// A panic or a time-out ends the package and leaves tests without an end.
	for _, name := range slices.Sorted(maps.Keys(p.tests)) {
		p.failed++
		fmt.Fprintf(&text, "%s--- FAIL: %s (did not end)\n", p.tests[name], name)
	}
	if e.Action == "fail" {
		if e.FailedBuild != "" {
			text.WriteString(s.build(e.FailedBuild).String())
		}
		text.WriteString(p.output.String())
		// TestMain, the compiler, a missing package: no test is to blame.
		if p.failed == 0 {
			p.failed = 1
		}
	}
	s.passed += p.passed
	s.failed += p.failed
	return text.String() + p.line(e) + "\n"
}

// line is the package in one line, with its result as the go command words it.
func (p *pkg) line(e event) string {
	switch {
	case p.failed > 0:
		return fmt.Sprintf("FAIL\t%s\t%.2fs\t%d passed, %d failed, %d skipped", e.Package, e.Elapsed, p.passed, p.failed, p.skipped)
	case p.passed+p.skipped == 0:
		return fmt.Sprintf("?   \t%s\tno tests", e.Package)
	}
	line := fmt.Sprintf("ok  \t%s\t%.2fs\t%d passed", e.Package, e.Elapsed, p.passed)
	if p.skipped > 0 {
		line += fmt.Sprintf(", %d skipped", p.skipped)
	}
	if strings.Contains(p.output.String(), "\t(cached)") {
		line += " (cached)"
	}
	return line
}

func (s *summary) build(path string) *strings.Builder {
	b := s.builds[path]
	if b == nil {
		b = &strings.Builder{}
		s.builds[path] = b
	}
	return b
}

// end closes the run and returns its last lines.
func (s *summary) end(noSkip bool) string {
	var text strings.Builder
	// The stream was cut off: nobody knows how these would have ended.
	for _, name := range slices.Sorted(maps.Keys(s.packages)) {
		text.WriteString(s.endPackage(s.packages[name], event{Action: "fail", Package: name}))
	}
	clear(s.packages)
	for _, skip := range s.skips {
		fmt.Fprintf(&text, "skipped: %s\n", skip)
	}
	if noSkip && len(s.skips) > 0 {
		text.WriteString("no test may be skipped here\n")
	}
	if s.passed+s.failed+len(s.skips) == 0 {
		text.WriteString("no test ran\n")
	}
	fmt.Fprintf(&text, "%d passed, %d failed, %d skipped\n", s.passed, s.failed, len(s.skips))
	return text.String()
}

// ok tells, after end, whether the run counts as passed.
func (s *summary) ok(noSkip bool) bool {
	if s.failed > 0 || s.passed+len(s.skips) == 0 {
		return false
	}
	return !noSkip || len(s.skips) == 0
}

// reason finds in a skipped test's output what it gave to Skip: the last message
// with a source position, and the lines that continue it.
func reason(output string) string {
	position := regexp.MustCompile(`^\s*[^\s:]+\.go:\d+: ?`)
	var words []string
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, "\n")
		trimmed := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(trimmed, "=== "), strings.HasPrefix(trimmed, "--- "):
		case position.MatchString(line):
			words = []string{position.ReplaceAllString(line, "")}
		case len(words) > 0:
			words = append(words, trimmed)
		}
	}
	if len(words) == 0 {
		return "no reason given"
	}
	return strings.Join(words, " ")
}
