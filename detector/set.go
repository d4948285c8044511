package detector

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// Settings are all that decides conclusions.
type Settings struct {
	Ladder windows.Ladder
	// MaxFields bounds the counts and members an entity holds.
	MaxFields int
	// Prior is what is taken for usual of anybody before the profile knows.
	Prior Prior
	// A nil detector is off.
	Limit                                               *LimitSettings
	Burst, Surge, Fanout, Fanin, LaneBurst, Structuring *CountSettings
	Route, SlowRoute                                    *RouteSettings
	Weight, Value                                       *AmountSettings
	// ShipmentTypes are the event types that mean a shipment; an event without a type always does.
	ShipmentTypes []string
	Admission     Admission
	// DuplicateHorizon is how long an entity remembers event ids, in event time; 0 is not at all.
	DuplicateHorizon time.Duration
	// ItemHorizon is how long an entity remembers items, in event time, so that several events of an item
	// count once; 0 is not at all.
	ItemHorizon time.Duration
	Alerts      AlertSettings
	// ConfigHash names the configuration in every alert.
	ConfigHash string
}

// A Set counts events in entities and judges them by its detectors. It is immutable and safe for concurrent use.
type Set struct {
	settings  Settings
	detectors []Detector
	counts    [kindCount][]Count    // what the detectors of a kind need, each once; see place
	together  [kindCount][]together // the same, by measure
	// learns: some detector judges by the population's profile.
	learns bool
	// ofKind are the numbers of the detectors of a kind; see place.
	ofKind [kindCount][]int
	// byPlace: some detector asks where a sender's parcel goes.
	byPlace bool
}

// New builds a Set, or says which settings can't work.
func New(s Settings) (*Set, error) {
	if err := s.Ladder.Validate(); err != nil {
		return nil, fmt.Errorf("windows: %w", err)
	}
	if err := s.validate(); err != nil {
		return nil, err
	}
	set := &Set{settings: s, byPlace: s.Route != nil || s.SlowRoute != nil}
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
	count := func(c *CountSettings, build func(CountSettings, windows.Ladder) (*counting, error)) {
		if c != nil {
			add(build(*c, s.Ladder))
		}
	}
	count(s.Burst, newBurst)
	count(s.Surge, newSurge)
	count(s.Fanout, newFanout)
	if s.Route != nil {
		add(newRoute(ruleRoute, false, *s.Route, s.Ladder))
	}
	if s.SlowRoute != nil {
		add(newRoute(ruleSlowRoute, true, *s.SlowRoute, s.Ladder))
	}
	amounts := func(a *AmountSettings, build func(AmountSettings, windows.Ladder) (*amount, error)) {
		if a != nil {
			d, err := build(*a, s.Ladder)
			add(d, err)
		}
	}
	amounts(s.Weight, newWeight)
	amounts(s.Value, newValue)
	count(s.Fanin, newFanin)
	count(s.LaneBurst, newLaneBurst)
	count(s.Structuring, newStructuring)
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	for i, d := range set.detectors {
		kind := place(d.Kind())
		set.ofKind[kind] = append(set.ofKind[kind], i)
		counts := &set.counts[kind]
		for _, c := range d.Counts() {
			if !slices.Contains(*counts, c) {
				*counts = append(*counts, c)
			}
		}
		set.learns = set.learns || d.Name() != ruleLimit
	}
	for i, counts := range set.counts {
		set.together[i] = gather(counts)
	}
	if len(set.detectors) == 0 {
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

// layoutVersion is another one whenever a stored field comes to mean something else.
const layoutVersion = "3"

// Layout lists what decides the meaning of stored fields: stores of another layout must not be mixed.
func (s *Set) Layout() []string {
	parts := []string{layoutVersion, fmt.Sprint(windows.Buckets)}
	for _, r := range s.settings.Ladder {
		parts = append(parts, fmt.Sprintf("%c %v %d", r.Name, r.Slide, r.Keep))
	}
	for _, kind := range Kinds() {
		parts = append(parts, string(kind))
		for _, c := range s.counted(kind) {
			parts = append(parts, fmt.Sprintf("%c%c", c.Measure, c.Resolution.Name))
		}
	}
	return parts
}

// Outcome says what became of an event.
type Outcome string

const (
	Counted Outcome = "counted"
	// NotShipment: the event's type does not mean a shipment.
	NotShipment Outcome = "not_shipment"
	// Duplicate: the entity has counted an event of that id within the horizon.
	Duplicate Outcome = "duplicate"
	// SameItem: the entity has counted another event of that item within the horizon.
	SameItem Outcome = "same_item"
	// TooLate: too long before the record's own timestamp, or behind everything that the entity keeps.
	TooLate Outcome = "too_late"
	// Future: after the record's own timestamp.
	Future Outcome = "future"
)

// Conclusion is what a Set makes of an event for one entity.
type Conclusion struct {
	Outcome Outcome
	// Findings has one finding a detector, in the order of Rules; one without a Rule if its entity was not judged.
	Findings []Finding
	// Score is the highest score of the findings.
	Score float64
	// Alerts are to be sent, in this order: at most a Close an entity, and one other.
	Alerts []Alert
	// Flag is set when the shipment is over a threshold; Held tells that no alert was sent for it.
	Flag *Flag
	Held bool

	silent []silent // of the findings over their thresholds
	shared []shared // of the detectors
	way    way      // of the event
	view   View     // what the detectors see, while they judge
	spoken bool     // an entity had a finding
}

// Observe counts the event in its entities and judges it, by the profile in force on the event's day. The subjects
// must be settled. What the event teaches about the population goes into sums.
func (s *Set) Observe(e *Event, subjects Subjects, p *Profile, sums *Sums) Conclusion {
	var c Conclusion
	s.Begin(&c, e)
	for _, subject := range subjects.inOrder() {
		if subject != nil {
			s.ObserveOne(&c, e, subject, subjects.since(), p, sums)
		}
	}
	return c
}

// ObserveOne is Observe for one of the event's entities, so that several goroutines can share a run of events: after Begin they come
// one after the other, in the order of Kinds, and each of them sees its events in theirs. The event's sender was first seen at since,
// by what it holds when it has counted this event and none after it; zero if that is not known, which makes it a new one.
func (s *Set) ObserveOne(c *Conclusion, e *Event, subject *Subject, since time.Time, p *Profile, sums *Sums) {
	outcome := s.observe(e, subject, since, p, sums, c)
	if c.Outcome == "" {
		c.Outcome = outcome
	}
	if outcome == Counted && s.tell(e, subject, p, c.spoken, c) {
		c.spoken = true
	}
	c.view = View{} // nothing of the event is kept
}

// Begin makes a conclusion ready for an event. Findings are written over, so that a long run of events shares them; alerts and flag are
// the event's own.
func (s *Set) Begin(c *Conclusion, e *Event) {
	findings, silents, shares := c.Findings, c.silent, c.shared
	if len(findings) == len(s.detectors) {
		clear(findings)
	} else {
		n := len(s.detectors)
		findings, silents, shares = make([]Finding, n), make([]silent, n), make([]shared, n)
	}
	*c = Conclusion{Findings: findings, silent: silents, shared: shares}
	if s.learns || s.byPlace {
		c.way = wayOf(e)
	}
}

// observe counts and judges the event for one entity.
func (s *Set) observe(e *Event, subject *Subject, since time.Time, p *Profile, sums *Sums, c *Conclusion) Outcome {
	entity := subject.Entity
	kind := entity.Key.Kind
	if again := s.repeats(e, entity); again != Counted {
		return again
	}
	if !s.keeps(e, entity) {
		return TooLate
	}
	subject.late = s.late(e, entity)
	if !s.learns {
		subject.last = s.judged(e, &c.way, p, s.mark(e, entity, since))
		s.add(e, c.way.destination, subject)
		s.judge(subject, c)
		return Counted
	}
	newDay := s.newDay(e, entity, p, sums)
	subject.last = s.judged(e, &c.way, p, s.mark(e, entity, since))
	for f := range families {
		if f.kind() == kind {
			sums.count(f, entity, subject.last.marks)
		}
	}
	if kind == KindSender && !subject.last.marks.Line {
		sums.parcel(e, &c.way, s.newPlace(c.way.destination, entity), p)
	}
	s.add(e, c.way.destination, subject)
	s.judge(subject, c)
	s.learn(e, subject, newDay, p, sums, c)
	return Counted
}

// keeps tells that some count of the entity still reaches the event's time.
func (s *Set) keeps(e *Event, entity *windows.Entity) bool {
	counts := s.counted(entity.Key.Kind)
	for i := range counts {
		if entity.Keeps(counts[i].Resolution, e.Time) {
			return true
		}
	}
	return len(counts) == 0
}

// newDay tells whether the event is the entity's first of a new day; the days before are then closed.
func (s *Set) newDay(e *Event, entity *windows.Entity, p *Profile, sums *Sums) bool {
	days, ok := s.settings.Ladder.Days()
	if !ok {
		return false
	}
	today := days.Pane(e.Time)
	newest, any := entity.Newest(days)
	if any && today <= newest {
		return false
	}
	for f := range families {
		if any && f.kind() == entity.Key.Kind {
			sums.closed(f, entity.Panes(f.measure(), days, windows.Sub{}), max(firstDay(entity, days), today-days.Keep), today, p)
		}
	}
	return true
}

// newPlace tells that a known sender sends to a place for the first time.
func (s *Set) newPlace(to windows.Sub, entity *windows.Entity) bool {
	all := s.settings.Ladder[len(s.settings.Ladder)-1]
	return entity.Events() > 0 && !anyIn(entity.Panes(measurePlaces, all, to))
}

// learn takes the entity's scores into the population's histograms, and the event's amounts into its own tallies.
func (s *Set) learn(e *Event, subject *Subject, newDay bool, p *Profile, sums *Sums, c *Conclusion) {
	entity := subject.Entity
	kind := entity.Key.Kind
	today := Day(e.Time)
	days, learns := s.settings.Ladder.Days()
	switch {
	case kind == KindSender:
		if learns && !subject.last.marks.Line && entity.Sum(measureItems, days, windows.Sub{}, today, today) <= mostOfSender {
			sums.ByDay[today]++
		}
		if newDay {
			sums.Entries[kind]++
		}
		s.scores(kind, c, func(rule string, score float64) { sums.rise(entity, slotOf(rule), rule, today, score) })
		for i, d := range s.detectors {
			if a, ok := d.(*amount); ok {
				a.learn(e, entity, p, sums, &c.Findings[i])
			}
		}
	case subject.last.marks.Visit:
		weight := sums.enter(kind, entity.Sum(measureItems, days, windows.Sub{}, today, today))
		s.scores(kind, c, func(rule string, score float64) { sums.stand(rule, score, weight) })
	}
}

// scores gives what the rules of a kind scored before calibration, where they scored at all, and under the kind's name
// the highest of their scores after it.
func (s *Set) scores(kind windows.Kind, c *Conclusion, each func(rule string, score float64)) {
	highest := 0.0
	for _, i := range s.ofKind[place(kind)] {
		if f := &c.Findings[i]; f.Abstained == "" && f.Raw > 0 {
			each(f.Rule, f.Raw)
			highest = max(highest, f.Score)
		}
	}
	if highest > 0 {
		each(string(kind), highest)
	}
}

// judge lets the detectors of the subject's kind judge the event.
func (s *Set) judge(subject *Subject, c *Conclusion) {
	s.look(subject, c)
	for _, i := range s.ofKind[place(subject.Entity.Key.Kind)] {
		s.judgeBy(s.detectors[i], i, c)
	}
}

// look puts before the detectors the event that the subject counted last.
func (s *Set) look(subject *Subject, c *Conclusion) {
	last := &subject.last
	c.view = View{
		Event: last.event, Entity: subject.Entity, At: last.event.Time, Marks: last.marks, Profile: last.profile, memory: &subject.memo, way: &c.way,
	}
}

// judgeBy lets the detector of that number judge what look put before it.
func (s *Set) judgeBy(d Detector, i int, c *Conclusion) {
	v, f := &c.view, &c.Findings[i]
	v.silent, v.shared = &c.silent[i], &c.shared[i]
	strongest(d, v, f)
	if f.Abstained == "" {
		c.Score = max(c.Score, f.Score)
	}
}

// late tells that the entity has counted a later pane.
func (s *Set) late(e *Event, entity *windows.Entity) bool {
	counts := s.counted(entity.Key.Kind)
	for i := range counts {
		r := counts[i].Resolution
		if newest, ok := entity.Newest(r); ok && r.Pane(e.Time) < newest {
			return true
		}
	}
	return false
}

// strongest judges the event at its own time and, if it is late, at each later pane with counts whose window still
// covers it, as far as these windows are kept, and gives the highest score.
func strongest(d Detector, v *View, f *Finding) {
	e, entity := v.Event, v.Entity
	w, r := d.Window()
	own := r.Pane(e.Time)
	newest, _ := entity.Newest(r)
	if own >= newest {
		d.Judge(v, f)
		return
	}
	kept := newest - r.Keep + w.Panes() // the first pane whose window is kept
	best := Finding{Rule: d.Name(), Detector: d.Name(), Abstained: "the window of this late event is not kept any more"}
	var bestSilent silent
	if own >= kept {
		d.Judge(v, f)
		best, bestSilent = *f, *v.silent
	}
	for _, pane := range entity.Panes(measureItems, r, windows.Sub{}) {
		if pane.Pane <= own || pane.Pane < kept || pane.Pane > own+w.Panes()-1 {
			continue
		}
		v.At = r.Start(pane.Pane)
		if d.Judge(v, f); best.Abstained != "" || f.Abstained == "" && f.Score > best.Score {
			best, bestSilent = *f, *v.silent
		}
	}
	*f, *v.silent, v.At = best, bestSilent, e.Time
}
