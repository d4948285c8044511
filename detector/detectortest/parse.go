package detectortest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parseStatement reads one line's words, at least one.
func parseStatement(words []string) (statement, error) {
	name, rest := words[0], words[1:]
	switch name {
	case "config":
		return parseAssignments(rest)
	case "load":
		return parseLoad(rest)
	case "event":
		return parseEvent(rest)
	case "alert":
		return parseAlert(rest)
	case "quiet":
		return parseQuiet(rest)
	case "flagged", "held", "counted", "fields":
		return parseTotal(name, rest)
	case "score":
		return parseScore(rest)
	case "abstain":
		return parseAbstain(rest)
	case "outcome":
		return parseOutcome(rest)
	}
	return nil, fmt.Errorf("a line can't begin with %q: write config, load, event, alert, quiet, flagged, held, score, abstain, outcome, counted or fields", name)
}

// options are the words after a statement's fixed ones: names with a value each, or alone.
type options map[string]string

// parseOptions reads options in any order, each at most once; allowed says which there are, and whether a value
// follows.
func parseOptions(words []string, allowed map[string]bool) (options, error) {
	o := options{}
	for i := 0; i < len(words); i++ {
		name := words[i]
		valued, ok := allowed[name]
		if !ok {
			return nil, fmt.Errorf("%q is not understood here: write one of %s", name, names(allowed))
		}
		if _, twice := o[name]; twice {
			return nil, fmt.Errorf("%q stands twice", name)
		}
		o[name] = ""
		if !valued {
			continue
		}
		if i++; i == len(words) {
			return nil, fmt.Errorf("%q needs a value after it", name)
		}
		o[name] = words[i]
	}
	return o, nil
}

func names[V any](m map[string]V) string {
	var all []string
	for name := range m {
		all = append(all, name)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// parseLength reads a length of time: what Go writes, with whole days before it.
func parseLength(s string) (time.Duration, error) {
	days, rest, found := strings.Cut(s, "d")
	if !found {
		days, rest = "0", s
	}
	n, err := strconv.ParseInt(days, 10, 32)
	var d time.Duration
	if err == nil && rest != "" {
		d, err = time.ParseDuration(rest)
	}
	if err != nil || n < 0 || d < 0 || s == "" {
		return 0, fmt.Errorf("%q is no length of time: write it like 30s, 90m, 2h, 14d or 1d12h", s)
	}
	return time.Duration(n)*24*time.Hour + d, nil
}

func parseTime(s string) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time: write it like 2026-03-02, 2026-03-02T10:00 or 2026-03-02T10:00:30, in UTC", s)
}

func parseNumber(s string, least int64) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < least {
		return 0, fmt.Errorf("%q must be a whole number of at least %d", s, least)
	}
	return n, nil
}

// list holds names that are taken in turn; "new" stands for a name that nobody used before.
type list []string

// parseList reads X or X,Y,new; S1..S20 stands for the twenty names from S1 to S20.
func parseList(s string) (list, error) {
	var all list
	for _, name := range strings.Split(s, ",") {
		if name == "" {
			return nil, fmt.Errorf("%q has an empty name: write them like X or X,Y,new or S1..S20", s)
		}
		first, last, isRange := strings.Cut(name, "..")
		if !isRange {
			all = append(all, name)
			continue
		}
		named, err := parseRange(first, last)
		if err != nil {
			return nil, err
		}
		all = append(all, named...)
	}
	return all, nil
}

// maxRange bounds the names that a scenario can make at once.
const maxRange = 10_000

func parseRange(first, last string) (list, error) {
	wrong := fmt.Errorf("%s..%s is no range: write it like S1..S20", first, last)
	stem := strings.TrimRight(first, "0123456789")
	end, ok := strings.CutPrefix(last, stem)
	from, err := parseNumber(first[len(stem):], 0)
	if !ok || err != nil {
		return nil, wrong
	}
	to, err := parseNumber(end, from)
	if err != nil || to-from >= maxRange {
		return nil, wrong
	}
	var all list
	for n := from; n <= to; n++ {
		all = append(all, fmt.Sprint(stem, n))
	}
	return all, nil
}
