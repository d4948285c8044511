package detectortest

import (
	"fmt"
	"strings"
	"time"
)

// event is one shipment or several, spread evenly.
type event struct {
	shape
	at          time.Time
	after       time.Duration // of the first sender's latest event, where at is zero
	n           int64
	in          time.Duration
	newestFirst bool
	recorded    bool
	lag         time.Duration // of the record behind the event
	kind        string
	id, item    string
}

func parseEvent(words []string) (statement, error) {
	const usage = "write: event SENDER to X [from P] [recipient R] [weight 900g] [value 120] at 2026-03-02T10:00 [x 20] [in 2h] [newest-first] [late 1d] [early 1h] [type posted] [id E1] [item I1]"
	if len(words) == 0 {
		return nil, fmt.Errorf("a sender is missing; %s", usage)
	}
	o, err := parseOptions(words[1:], shaped(map[string]bool{
		"at": true, "x": true, "in": true, "newest-first": false, "late": true, "early": true, "type": true, "id": true, "item": true,
	}))
	if err != nil {
		return nil, err
	}
	e := event{n: 1, kind: o["type"], id: o["id"], item: o["item"]}
	_, e.newestFirst = o["newest-first"]
	if e.shape, err = parseShape(words[0], o); err != nil {
		return nil, err
	}
	if after, relative := strings.CutPrefix(o["at"], "+"); relative {
		e.after, err = parseLength(after)
	} else {
		e.at, err = parseTime(o["at"])
	}
	if err != nil {
		return nil, fmt.Errorf("at: %w; %s", err, usage)
	}
	if x, ok := o["x"]; ok {
		if e.n, err = parseNumber(x, 1); err != nil {
			return nil, fmt.Errorf("x: %w", err)
		}
	}
	if in, ok := o["in"]; ok {
		if e.in, err = parseLength(in); err != nil {
			return nil, fmt.Errorf("in: %w", err)
		}
	}
	return e, e.parseRecord(o)
}

func (e *event) parseRecord(o options) (err error) {
	late, isLate := o["late"]
	early, isEarly := o["early"]
	switch {
	case isLate && isEarly:
		return fmt.Errorf("late and early exclude each other")
	case isLate:
		e.recorded = true
		e.lag, err = parseLength(late)
	case isEarly:
		e.recorded = true
		e.lag, err = parseLength(early)
		e.lag = -e.lag
	}
	return err
}

func (e event) play(w *world) error {
	if err := w.nothingUnread(); err != nil {
		return err
	}
	at := e.at
	if at.IsZero() {
		latest := w.known(e.first()).latest
		if latest.IsZero() {
			return fmt.Errorf("at +%v counts from %s's latest event and it has none: give a date", e.after, e.first().id)
		}
		at = latest.Add(e.after)
	}
	for k := range e.n {
		nth := k
		if e.newestFirst {
			nth = e.n - 1 - k
		}
		s := e.shipment(w, int(k))
		s.kind, s.id, s.item = e.kind, e.id, e.item
		s.at = at.Add(time.Duration(nth) * e.in / time.Duration(e.n)).Truncate(time.Millisecond)
		if e.recorded {
			s.recorded = s.at.Add(e.lag)
		}
		if err := w.send(s); err != nil {
			return err
		}
	}
	return nil
}
