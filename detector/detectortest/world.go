package detectortest

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// world is where a scenario plays.
type world struct {
	set      *detector.Set
	live     map[windows.Key]*detector.Subject // never leaves memory
	stored   store                             // goes through the store after every event
	senders  map[string]*sender
	unread   []made // alerts that no line has expected yet, in order
	outcome  detector.Outcome
	line     int // the line being played
	serial   int64
	newPlace int
}

// made is an alert and the line that made it.
type made struct {
	alert detector.Alert
	line  int
}

// sender is what a scenario remembers of one.
type sender struct {
	key           windows.Key
	latest        time.Time // of its events, by event time
	flagged, held int64     // since a line asked
	last          detector.Conclusion
}

// shipment is an event as a scenario describes it; empty strings and the zero recorded mean absent.
type shipment struct {
	sender, to, kind, id string
	at, recorded         time.Time
}

func newWorld(set *detector.Set) *world {
	return &world{set: set, live: map[windows.Key]*detector.Subject{}, stored: store{}, senders: map[string]*sender{}}
}

func (w *world) sender(name string) *sender {
	if w.senders[name] == nil {
		w.senders[name] = &sender{key: w.set.Keys(&detector.Event{Sender: detector.Sender(name)})[0]}
	}
	return w.senders[name]
}

// nextDay is the day after the sender's latest event.
func (s *sender) nextDay() time.Time {
	if s.latest.IsZero() {
		return epoch()
	}
	return s.latest.Truncate(day).Add(day)
}

// place gives the n-th of the places in turn.
func (w *world) place(p places, n int) string {
	if len(p) == 0 {
		return ""
	}
	name := p[n%len(p)]
	if name == "new" {
		w.newPlace++
		name = fmt.Sprintf("new-%d", w.newPlace)
	}
	return name
}

func (w *world) event(s shipment) *detector.Event {
	w.serial++
	e := &detector.Event{
		ID: s.id, Time: s.at, RecordTime: s.recorded,
		Sender: detector.Sender(s.sender), Item: fmt.Sprintf("item-%d", w.serial), Type: s.kind,
		Destination: detector.Place(s.to),
		At:          windows.Coordinates{Source: windows.Source{Topic: "scenario"}, Offset: w.serial - 1},
	}
	if e.ID == "" {
		e.ID = fmt.Sprintf("event-%d", w.serial)
	}
	return e
}

// send plays one shipment and gathers what comes of it.
func (w *world) send(s shipment) error {
	e := w.event(s)
	from := w.sender(s.sender)
	c := detector.Conclusion{Outcome: w.set.Admit(e)}
	if c.Outcome == detector.Counted {
		var err error
		if c, err = w.observe(e, from.key); err != nil {
			return err
		}
	}
	w.outcome, from.last = c.Outcome, c
	if c.Outcome != detector.Counted {
		return nil
	}
	if e.Time.After(from.latest) {
		from.latest = e.Time
	}
	if c.Flag != nil {
		from.flagged++
	}
	if c.Held {
		from.held++
	}
	for _, a := range c.Alerts {
		w.unread = append(w.unread, made{a, w.line})
	}
	return nil
}

// observe concludes twice, from memory and from the store, and fails if it makes a difference.
func (w *world) observe(e *detector.Event, key windows.Key) (detector.Conclusion, error) {
	if w.live[key] == nil {
		w.live[key], _ = detector.NewSubject(windows.NewEntity(key)) // an empty note is always readable
	}
	c := w.set.Observe(e, w.live[key])
	entity := w.stored.load(key, w.set.Ladder())
	subject, err := detector.NewSubject(entity)
	if err != nil {
		return c, fmt.Errorf("after a restart: %w", err)
	}
	again := w.set.Observe(e, subject)
	w.stored.apply(subject.TakeDelta())
	if !reflect.DeepEqual(c, again) {
		return c, failed("the same conclusions, had the process been restarted before the event of "+clock(e.Time),
			"without: %+v\nwith:    %+v", c, again)
	}
	return c, nil
}

// nothingUnread fails with the first alert that no line has expected.
func (w *world) nothingUnread() error {
	if len(w.unread) == 0 {
		return nil
	}
	var all []string
	for i := range w.unread {
		all = append(all, describe(&w.unread[i].alert))
	}
	f := failed("no alerts besides those that the lines after it name", "%s", strings.Join(all, "\n"))
	f.Line = w.unread[0].line
	return f
}
