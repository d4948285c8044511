package detectortest

import (
	"cmp"
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
	entities map[subject]*known
	profiles *profiles
	unread   []made // alerts that no line has expected yet, in order
	outcome  detector.Outcome
	line     int // the line being played
	serial   int64
	named    int // names given for new
}

// made is an alert and the line that made it.
type made struct {
	alert detector.Alert
	line  int
}

// known is what a scenario remembers of an entity.
type known struct {
	latest        time.Time // of its events, by event time
	flagged, held int64     // since a line asked
	last          detector.Conclusion
}

// shipment is an event as a scenario describes it; empty strings and the zero recorded mean absent.
type shipment struct {
	sender, recipient, from, to, kind, id, item string
	weight, value                               detector.Amount
	at, recorded                                time.Time
}

func newWorld(set *detector.Set) *world {
	return &world{
		set: set, live: map[windows.Key]*detector.Subject{}, stored: store{}, entities: map[subject]*known{},
		profiles: newProfiles(set),
	}
}

func (w *world) known(s subject) *known {
	if w.entities[s] == nil {
		w.entities[s] = &known{}
	}
	return w.entities[s]
}

// nextDay is the day after the entity's latest event.
func (s *known) nextDay() time.Time {
	if s.latest.IsZero() {
		return epoch()
	}
	return s.latest.Truncate(day).Add(day)
}

// pick gives the n-th of the names in turn.
func (w *world) pick(l list, n int) string {
	if len(l) == 0 {
		return ""
	}
	name := l[n%len(l)]
	if name == "new" {
		w.named++
		name = fmt.Sprintf("new-%d", w.named)
	}
	return name
}

func (w *world) event(s shipment) *detector.Event {
	w.serial++
	e := &detector.Event{
		ID: s.id, Time: s.at, RecordTime: s.recorded,
		Sender: detector.Sender(s.sender), Item: cmp.Or(s.item, fmt.Sprintf("item-%d", w.serial)), Type: s.kind,
		Recipient: detector.Recipient(s.recipient), Origin: detector.Place(s.from), Destination: detector.Place(s.to),
		WeightG: s.weight, DeclaredValue: s.value,
		At: windows.Coordinates{Source: windows.Source{Topic: "scenario"}, Offset: w.serial - 1},
	}
	if e.ID == "" {
		e.ID = fmt.Sprintf("event-%d", w.serial)
	}
	return e
}

// subjects names the entities that a shipment concerns, as far as the rules count for them.
func (w *world) subjects(e *detector.Event) []subject {
	all := []subject{sender(string(e.Sender))}
	for _, key := range w.set.Keys(e)[1:] {
		switch key.Kind {
		case detector.KindRecipient:
			all = append(all, subject{key.Kind, string(e.Recipient)})
		case detector.KindLane:
			all = append(all, subject{key.Kind, string(e.Origin) + ">" + string(e.Destination)})
		}
	}
	return all
}

// send plays one shipment and gathers what comes of it.
func (w *world) send(s shipment) error {
	e := w.event(s)
	c := detector.Conclusion{Outcome: w.set.Admit(e)}
	if c.Outcome == detector.Counted {
		var err error
		if c, err = w.observe(e); err != nil {
			return err
		}
	}
	w.outcome = c.Outcome
	for _, of := range w.subjects(e) {
		w.known(of).learn(e, &c)
	}
	if c.Outcome != detector.Counted {
		return nil
	}
	for _, a := range c.Alerts {
		w.unread = append(w.unread, made{a, w.line})
	}
	return nil
}

func (k *known) learn(e *detector.Event, c *detector.Conclusion) {
	k.last = *c
	if c.Outcome != detector.Counted {
		return
	}
	if e.Time.After(k.latest) {
		k.latest = e.Time
	}
	if c.Flag != nil {
		k.flagged++
	}
	if c.Held {
		k.held++
	}
}

// observe concludes twice, from memory and from the store, and fails if it makes a difference.
func (w *world) observe(e *detector.Event) (detector.Conclusion, error) {
	var live, loaded detector.Subjects
	var subjects []*detector.Subject
	for _, key := range w.set.Keys(e) {
		if w.live[key] == nil {
			w.live[key], _ = detector.NewSubject(windows.NewEntity(key)) // an empty note is always readable
		}
		live.Set(w.live[key])
		subject, err := detector.NewSubject(w.stored.load(key, w.set.Ladder()))
		if err != nil {
			return detector.Conclusion{}, fmt.Errorf("after a restart: %w", err)
		}
		loaded.Set(subject)
		subjects = append(subjects, subject)
	}
	profile := w.profiles.on(detector.Day(e.Time))
	sums, sumsAgain := detector.NewSums(), detector.NewSums()
	c := w.set.Observe(e, live, profile, sums)
	again := w.set.Observe(e, loaded, profile, sumsAgain)
	for _, subject := range subjects {
		w.stored.apply(subject.TakeDelta())
	}
	w.profiles.teach(sums)
	restarted := "the same %s, had the process been restarted before the event of " + clock(e.Time)
	if !reflect.DeepEqual(c, again) {
		return c, failed(fmt.Sprintf(restarted, "conclusions"), "without: %+v\nwith:    %+v", c, again)
	}
	if !reflect.DeepEqual(sums, sumsAgain) {
		return c, failed(fmt.Sprintf(restarted, "learned"), "without: %s\nwith:    %s", sums.Encode(), sumsAgain.Encode())
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
