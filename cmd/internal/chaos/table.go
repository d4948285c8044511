package chaos

import (
	"fmt"
	"strings"
	"time"
)

// header names the columns of line.
var header = fmt.Sprintf("%-22s %4s %6s %7s %6s %6s %6s %15s %9s %15s %12s %8s", "scenario", "seed", "faults", "events", "lost", "named",
	"twice", "alerts missing", "repeated", "flags missing", "dead letters", "recovery")

// line is what a run came to, in columns.
func line(r *Result) string {
	of := func(missing, all int) string { return fmt.Sprintf("%d of %d", missing, all) }
	verdict := ""
	if r.Failed() {
		verdict = "  FAILED"
	}
	return fmt.Sprintf("%-22s %4d %6d %7d %6d %6d %6d %15s %9d %15s %12s %7.1fs%s", r.Scenario, r.Seed, r.Faults, r.Events, r.Lost, r.Named,
		r.Twice, of(r.AlertsMissing, r.Alerts), r.AlertsRepeated, of(r.FlagsMissing, r.Flags), of(r.LettersMissing, r.Letters),
		r.Recovery.Seconds(), verdict)
}

// table sums up the runs of each scenario, in the order in which they were played, in Markdown.
func table(results []Result) string {
	var b strings.Builder
	b.WriteString("| scenario | runs | faults | events | lost | named by the service | counted twice | alerts missing | alerts repeated | flagged missing | dead letters missing | slowest recovery |\n")
	b.WriteString("| --- " + strings.Repeat("| ---: ", 11) + "|\n")
	for len(results) > 0 {
		sum := Result{Scenario: results[0].Scenario}
		runs, failed := 0, 0
		for len(results) > 0 && results[0].Scenario == sum.Scenario {
			runs++
			if results[0].Failed() {
				failed++
			}
			sum.add(&results[0])
			results = results[1:]
		}
		name := sum.Scenario
		if failed > 0 {
			name += fmt.Sprintf(" (%d FAILED)", failed)
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d | %d of %d | %d | %d of %d | %d of %d | %.1f s |\n", name, runs, sum.Faults, sum.Events,
			sum.Lost, sum.Named, sum.Twice, sum.AlertsMissing, sum.Alerts, sum.AlertsRepeated, sum.FlagsMissing, sum.Flags,
			sum.LettersMissing, sum.Letters, sum.Recovery.Seconds())
	}
	return b.String()
}

// add sums up runs; of recoveries it keeps the slowest.
func (r *Result) add(o *Result) {
	r.Faults += o.Faults
	r.Events += o.Events
	r.Lost += o.Lost
	r.Named += o.Named
	r.Twice += o.Twice
	r.Alerts += o.Alerts
	r.AlertsMissing += o.AlertsMissing
	r.AlertsRepeated += o.AlertsRepeated
	r.Flags += o.Flags
	r.FlagsMissing += o.FlagsMissing
	r.Letters += o.Letters
	r.LettersMissing += o.LettersMissing
	r.Recovery = max(r.Recovery, o.Recovery, time.Duration(0))
}
