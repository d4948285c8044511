package detector

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// KindSender is the kind of entity that counts what a sender sends.
const KindSender windows.Kind = "sender"

// Settings are all that decides conclusions.
type Settings struct {
	Ladder windows.Ladder
	// MaxFields bounds the counts and members an entity holds.
	MaxFields  int
	Population Population
	// A nil detector is off.
	Limit *LimitSettings
	Burst *BurstSettings
	Route *RouteSettings
	// ShipmentTypes are the event types that mean a shipment; an event without a type always does.
	ShipmentTypes []string
	Admission     Admission
	// DuplicateHorizon is how long an entity remembers event ids, in event time; 0 is not at all.
	DuplicateHorizon time.Duration
	Alerts           AlertSettings
	// ConfigHash names the configuration in every alert.
	ConfigHash string
}

// A Set counts events in entities and judges them by its detectors. It is immutable and safe for concurrent use.
type Set struct {
	settings  Settings
	detectors []Detector
	counts    []Count // what the detectors need, each once
}

// New builds a Set, or says which settings can't work.
func New(s Settings) (*Set, error) {
	if err := s.Ladder.Validate(); err != nil {
		return nil, fmt.Errorf("windows: %w", err)
	}
	if err := s.validate(); err != nil {
		return nil, err
	}
	set := &Set{settings: s}
	var errs []error
	add := func(d Detector, err error) {
		if err != nil {
			errs = append(errs, err)
			return
		}
		set.detectors = append(set.detectors, d)
	}
	if s.Limit != nil {
		add(newLimit(*s.Limit, s.Ladder))
	}
	if s.Burst != nil {
		add(newBurst(*s.Burst, &set.settings.Population, s.Ladder))
	}
	if s.Route != nil {
		add(newRoute(*s.Route, &set.settings.Population, s.Ladder))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	for _, d := range set.detectors {
		for _, c := range d.Counts() {
			if !slices.Contains(set.counts, c) {
				set.counts = append(set.counts, c)
			}
		}
	}
	if len(set.counts) == 0 {
		return nil, fmt.Errorf("no detector is on")
	}
	return set, nil
}

func resolutionFor(name string, window time.Duration, l windows.Ladder) (windows.Resolution, error) {
	r, ok := l.Finest(window)
	if !ok {
		return r, fmt.Errorf("%s: no resolution keeps a window of %v in whole panes", name, window)
	}
	return r, nil
}

func daysOf(name string, l windows.Ladder) (windows.Resolution, error) {
	r, ok := l.Days()
	if !ok {
		return r, fmt.Errorf("%s: learns from days, and no resolution has a slide of 1d", name)
	}
	return r, nil
}

// Rules names the detectors, in the order of Conclusion.Findings.
func (s *Set) Rules() []string {
	names := make([]string, len(s.detectors))
	for i, d := range s.detectors {
		names[i] = d.Name()
	}
	return names
}

// Ladder gives the resolutions that entities must be settled under.
func (s *Set) Ladder() windows.Ladder { return s.settings.Ladder }

// Layout lists what decides the meaning of stored fields: stores of another layout must not be mixed.
func (s *Set) Layout() []string {
	parts := []string{fmt.Sprint(windows.Buckets)}
	for _, r := range s.settings.Ladder {
		parts = append(parts, fmt.Sprintf("%c %v %d", r.Name, r.Slide, r.Keep))
	}
	for _, c := range s.counts {
		parts = append(parts, fmt.Sprintf("%c%c", c.Measure, c.Resolution.Name))
	}
	return append(parts, string(KindSender))
}

// Keys names the entities that an event concerns.
func (s *Set) Keys(e *Event) []windows.Key {
	return []windows.Key{windows.NewKey(KindSender, string(e.Sender))}
}

// Outcome says what became of an event.
type Outcome string

const (
	Counted Outcome = "counted"
	// NotShipment: the event's type does not mean a shipment.
	NotShipment Outcome = "not_shipment"
	// Duplicate: the entity has counted an event of that id within the horizon.
	Duplicate Outcome = "duplicate"
	// TooLate: too long before the record's own timestamp, or behind everything that the entity keeps.
	TooLate Outcome = "too_late"
	// Future: after the record's own timestamp.
	Future Outcome = "future"
)

// Conclusion is what a Set makes of an event for one entity.
type Conclusion struct {
	Outcome Outcome
	// Findings has one finding a detector, in the order of Rules; empty unless Counted.
	Findings []Finding
	// Score is the highest score of the findings.
	Score float64
	// Alerts are to be sent, in this order: at most a Close and one other.
	Alerts []Alert
	// Flag is set when the shipment is over a threshold; Held tells that no alert was sent for it.
	Flag *Flag
	Held bool
}

// Observe counts the event in the subject, one of the event's entities, and judges it. The subject must be settled.
func (s *Set) Observe(e *Event, subject *Subject) Conclusion {
	entity := subject.Entity
	if s.duplicate(e, entity) {
		return Conclusion{Outcome: Duplicate}
	}
	late, counted := s.count(e, entity)
	if !counted {
		return Conclusion{Outcome: TooLate}
	}
	return s.judge(e, subject, late)
}

// Reconsider judges an event once more that is counted already, after the entity turned out to hold counts of other
// sources too.
func (s *Set) Reconsider(e *Event, subject *Subject) Conclusion {
	return s.judge(e, subject, s.late(e, subject.Entity))
}

// late tells that the entity has counted a later pane.
func (s *Set) late(e *Event, entity *windows.Entity) bool {
	return slices.ContainsFunc(s.counts, func(c Count) bool {
		newest, ok := entity.Newest(c.Resolution)
		return ok && c.Resolution.Pane(e.Time) < newest
	})
}

func (s *Set) duplicate(e *Event, entity *windows.Entity) bool {
	if s.settings.DuplicateHorizon == 0 {
		return false
	}
	mark := windows.NewSub("event\x00" + e.ID)
	if seen, ok := entity.Seen(mark); ok && e.Time.Sub(seen).Abs() <= s.settings.DuplicateHorizon {
		return true
	}
	entity.Saw(mark, e.Time)
	entity.ForgetBefore(e.Time.Add(-s.settings.DuplicateHorizon), s.settings.MaxFields/4)
	return false
}

// count adds the event to every resolution that still keeps its time; counted is false when none does.
func (s *Set) count(e *Event, entity *windows.Entity) (late, counted bool) {
	late = s.late(e, entity)
	for _, c := range s.counts {
		counted = counted || entity.Keeps(c.Resolution, e.Time)
	}
	if !counted {
		return late, false
	}
	place := windows.Sub{}
	if e.Destination != "" {
		place = windows.NewSub(string(e.Destination))
	}
	for _, c := range s.counts {
		switch {
		case c.Measure == measureItems:
			entity.Add(c.Measure, c.Resolution, windows.Sub{}, e.Time, 1)
		case !place.IsZero():
			entity.Add(c.Measure, c.Resolution, place, e.Time, 1)
		}
	}
	entity.CountEvent(windows.First{Time: e.Time, At: e.At})
	bound(entity, s.settings.Ladder[len(s.settings.Ladder)-1], place, s.settings.MaxFields)
	return late, true
}

func (s *Set) judge(e *Event, subject *Subject, late bool) Conclusion {
	c := Conclusion{Outcome: Counted, Findings: make([]Finding, len(s.detectors))}
	for i, d := range s.detectors {
		c.Findings[i] = strongest(d, e, subject.Entity)
		if f := &c.Findings[i]; f.Abstained == "" {
			c.Score = max(c.Score, f.Score)
		}
	}
	s.tell(e, subject, late, &c)
	return c
}

// strongest judges the event at its own time and, if it is late, at each later pane with counts whose window still
// covers it, and gives the highest score.
func strongest(d Detector, e *Event, entity *windows.Entity) Finding {
	w, r := d.Window()
	own := r.Pane(e.Time)
	newest, _ := entity.Newest(r)
	oldest := newest - r.Keep + 1
	if own-w.Panes()+1 < oldest && own < newest {
		return Finding{Rule: d.Name(), Detector: d.Name(), Abstained: "the window of this late event is not kept any more"}
	}
	best := d.Judge(View{Event: e, Entity: entity, At: e.Time})
	if own >= newest {
		return best
	}
	for _, pane := range entity.Panes(measureItems, r, windows.Sub{}) {
		if pane.Pane <= own || pane.Pane > own+w.Panes()-1 {
			continue
		}
		if f := d.Judge(View{Event: e, Entity: entity, At: r.Start(pane.Pane)}); f.Abstained == "" && f.Score > best.Score {
			best = f
		}
	}
	return best
}
