package detector

import (
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// CountSettings set a rule that compares a count with the entity's own past.
type CountSettings struct {
	Window    time.Duration
	Threshold float64
}

// counting compares the count in a window with a negative binomial learned from the entity's own days before the
// window. An entity without a past is judged by the population with the little certainty that this gives.
type counting struct {
	name   string
	family family
	// freshOnly: only an event that Marks.Fresh tells of is judged.
	freshOnly  bool
	settings   CountSettings
	resolution windows.Resolution
	days       windows.Resolution
	kind       windows.Kind
	nothingNew string // why an event is not judged with freshOnly
}

func newCounting(d counting, s CountSettings, l windows.Ladder) (*counting, error) {
	var err error
	d.settings, d.kind = s, kindOf(d.name)
	d.nothingNew = "nothing about the event is new to the " + string(d.kind)
	if d.resolution, err = resolutionFor(d.name, s.Window, l); err != nil {
		return nil, err
	}
	if d.days, err = daysOf(d.name, l); err != nil {
		return nil, err
	}
	return &d, nil
}

func (d *counting) Name() string       { return d.name }
func (d *counting) Kind() windows.Kind { return d.kind }

// Counts has the items too: late events are judged again at the later panes with parcels, and days begin with them.
func (d *counting) Counts() []Count {
	m := d.family.measure()
	return []Count{{measureItems, d.resolution}, {measureItems, d.days}, {m, d.resolution}, {m, d.days}}
}

func (d *counting) Window() (windows.Window, windows.Resolution) {
	return windows.Window{Size: d.settings.Window, Slide: d.resolution.Slide}, d.resolution
}

// Judge gives −log10 of the chance of so many in the window, calibrated.
func (d *counting) Judge(v *View, f *Finding) {
	w, r := d.Window()
	s, from, to := span(w, r, v.At)
	*f = Finding{Rule: d.name, Detector: d.name, Threshold: d.settings.Threshold, Window: s}
	if d.freshOnly && !v.Marks.Fresh {
		f.Abstained = d.nothingNew
		return
	}
	n := v.Entity.Sum(d.family.measure(), r, windows.Sub{}, from, to)
	past := d.past(v, d.days.Pane(s.Start))
	expected := past.mean * v.share(s)
	f.Observed, f.Expected, f.Baseline = float64(n), expected, past.baseline()
	f.Raw = past.surprise(n, expected, w.Size)
	f.Score = v.Profile.calibrate(d.name, f.Raw)
	if f.Over() {
		s := silent{of: d, past: past, expected: expected, observed: n, profile: v.Profile}
		if v.silent == nil {
			s.settle(f)
			return
		}
		*v.silent = s
	}
}

// past is what the closed days before day end teach.
func (d *counting) past(v *View, end int64) rate {
	panes := v.Entity.Panes(d.family.measure(), d.days, windows.Sub{})
	l := learned{of: d, profile: v.Profile.self, first: d.watched(v), end: end}
	if len(panes) <= fewPanes {
		return l.learn(panes, v.Profile)
	}
	m := v.remember()
	if m == nil {
		return l.learn(panes, v.Profile)
	}
	kept := m.rates[d.slot()]
	if kept == nil {
		kept = &learned{}
		m.rates[d.slot()] = kept
	}
	if l.rate = kept.rate; *kept != l {
		l.rate = l.learn(panes, v.Profile)
		*kept = l
	}
	return l.rate
}

// slot is the rule's place in a memo, among those of its kind.
func (d *counting) slot() int {
	switch d.name {
	case ruleSurge, ruleStructuring:
		return 1
	case ruleFanout:
		return 2
	}
	return 0
}

// watched is the pane of the first day that says something about the entity: the days before its first event do, as
// far as anybody's events were seen then. Where they were seen for a week, whoever comes on the eighth day is no
// regular sender that happened to be silent.
func (d *counting) watched(v *View) int64 {
	first := d.days.Pane(v.Entity.First().Time)
	if kept := firstDay(v.Entity, d.days); kept > first {
		return kept
	}
	return first - v.Profile.activity.silence(first)
}

// firstDay is the pane of the entity's first event, or the oldest that is kept.
func firstDay(e *windows.Entity, days windows.Resolution) int64 {
	first := days.Pane(e.First().Time)
	if newest, ok := e.Newest(days); ok {
		first = max(first, newest-days.Keep+1)
	}
	return first
}
