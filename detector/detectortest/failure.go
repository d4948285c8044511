package detectortest

import (
	"errors"
	"fmt"
	"strings"
)

// A Failure tells where detectors did something else than a scenario says.
type Failure struct {
	File string
	// Line is the number and Statement the text of the line that was not fulfilled, or that made an alert which no
	// line expects.
	Line          int
	Statement     string
	Expected, Got string
}

// Error gives three lines for people.
func (f *Failure) Error() string {
	return fmt.Sprintf("%s:%d: %s\n  expected: %s\n  got:      %s",
		f.File, f.Line, f.Statement, f.Expected, strings.ReplaceAll(f.Got, "\n", "\n            "))
}

func failed(expected, format string, args ...any) *Failure {
	return &Failure{Expected: expected, Got: fmt.Sprintf(format, args...)}
}

// locate says where in the scenario an error belongs: at the line in hand, unless it names another one itself.
func (s *Scenario) locate(err error, at line) error {
	var f *Failure
	if !errors.As(err, &f) {
		return fmt.Errorf("%s:%d: %w", s.File, at.number, err)
	}
	f.File = s.File
	if f.Line == 0 {
		f.Line = at.number
	}
	for _, l := range s.lines {
		if l.number == f.Line {
			f.Statement = l.text
		}
	}
	return f
}
