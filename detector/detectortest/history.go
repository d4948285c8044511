package detectortest

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// epoch is where loads begin that don't say when: a Thursday.
func epoch() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// hours is a part of the day, which may run over midnight.
type hours struct{ from, length int }

func parseHours(s string) (hours, error) {
	a, b, _ := strings.Cut(s, "-")
	from, err1 := strconv.Atoi(a)
	until, err2 := strconv.Atoi(b)
	if err1 != nil || err2 != nil || from < 0 || from > 23 || until < 0 || until > 24 || from == until {
		return hours{}, fmt.Errorf("%q are no hours: write them like 8-18, or 22-6 for a night", s)
	}
	if until < from {
		until += 24
	}
	return hours{from, until - from}, nil
}

// load is a steady past: n events in every period of days.
type load struct {
	shape
	n, period int64
	days      int64
	since     time.Time // zero for where the first sender is
	hours     hours
}

func parseLoad(words []string) (statement, error) {
	const usage = "write: load SENDER 2/day for 60d to X [from P] [recipient R] [weight 900g] [value 120] [since 2026-01-01] [hours 8-18]"
	if len(words) < 2 {
		return nil, fmt.Errorf("a sender and a rate are missing; %s", usage)
	}
	o, err := parseOptions(words[2:], shaped(map[string]bool{"for": true, "since": true, "hours": true}))
	if err != nil {
		return nil, err
	}
	l := load{period: 1, hours: hours{from: 8, length: 10}}
	n, period, _ := strings.Cut(words[1], "/")
	switch period {
	case "day":
	case "week":
		l.period = 7
	default:
		return nil, fmt.Errorf("%q is no rate; %s", words[1], usage)
	}
	if l.n, err = parseNumber(n, 1); err != nil {
		return nil, fmt.Errorf("rate: %w", err)
	}
	length, err := parseLength(o["for"])
	if err != nil || length < day || length%day != 0 {
		return nil, fmt.Errorf("for: %q is no number of whole days; %s", o["for"], usage)
	}
	l.days = int64(length / day)
	if l.shape, err = parseShape(words[0], o); err != nil {
		return nil, fmt.Errorf("%w; %s", err, usage)
	}
	if l.to == nil {
		return nil, fmt.Errorf("a place is missing; %s", usage)
	}
	if at, ok := o["since"]; ok {
		if l.since, err = parseTime(at); err != nil {
			return nil, fmt.Errorf("since: %w", err)
		}
	}
	if h, ok := o["hours"]; ok {
		if l.hours, err = parseHours(h); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (l load) play(w *world) error {
	if err := w.nothingUnread(); err != nil {
		return err
	}
	since := l.since
	if since.IsZero() {
		since = w.known(l.first()).nextDay()
	}
	nth := 0
	for d := range l.days {
		n := (d+1)*l.n/l.period - d*l.n/l.period
		opens := since.Add(time.Duration(d)*day + time.Duration(l.hours.from)*time.Hour)
		open := time.Duration(l.hours.length) * time.Hour
		for k := range n {
			// In the middle of the k-th of n equal parts of the open hours.
			at := opens.Add(time.Duration(2*k+1) * open / time.Duration(2*n))
			s := l.shipment(w, nth)
			s.at = at.Truncate(time.Millisecond)
			if err := w.send(s); err != nil {
				return err
			}
			nth++
		}
	}
	return nil
}
