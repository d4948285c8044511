package chaos

import (
	"fmt"
	"time"
)

// Result is what one run came to.
type Result struct {
	Scenario string
	Seed     uint64
	// Faults is how many were injected, Events how many records were written.
	Faults, Events int
	// Lost is the number of events missing in the counters, those included that the log no longer held; Named is how many
	// the service says it has lost; cut is how many it must name.
	Lost, Named, cut int64
	// Twice is the number of events counted too often.
	Twice int64
	// Alerts and Flags are how many alerts of senders and flagged shipments there must be.
	Alerts, AlertsMissing, AlertsRepeated int
	Flags, FlagsMissing                   int
	Letters, LettersMissing               int
	// Recovery is the time from the last fault's end, or the last record written, until all is counted and committed.
	Recovery time.Duration
	// Problems are everything that must not be, in words.
	Problems []string
	// Dir holds the logs of all processes.
	Dir string
}

// Failed tells that something was not as it must be.
func (r *Result) Failed() bool { return len(r.Problems) > 0 }

func (r *Result) problem(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}
