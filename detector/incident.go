package detector

import (
	"slices"
	"strings"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// AlertSettings say when a finding is told, and how loudly.
type AlertSettings struct {
	// Cooldown is how long after an alert further findings of the incident are held back, in event time.
	Cooldown time.Duration
	// Quiet is how long without a finding ends the incident, above 0.
	Quiet time.Duration
	// UpdateFactor is how many times the last score told a score must be to be told in the cooldown, at least 1.
	UpdateFactor float64
	// Medium, High and Critical are the scores from which an alert has that severity; below Medium it is low.
	Medium, High, Critical float64
}

func (a *AlertSettings) severity(score float64) Severity {
	switch {
	case score >= a.Critical:
		return Critical
	case score >= a.High:
		return High
	case score >= a.Medium:
		return Medium
	}
	return Low
}

// incident is the alert state of an entity, kept in its note as JSON. The nil incident is none, as is the zero one.
type incident struct {
	Fingerprint string              `json:"fp,omitempty"`
	Opened      windows.Coordinates `json:"at"`
	LastFound   time.Time           `json:"found"` // the latest event time of a finding
	Told        time.Time           `json:"told"`  // the latest event time of an alert
	ToldScore   float64             `json:"said"`
	Top         Finding             `json:"top"`
	Held        int64               `json:"held,omitempty"`  // findings since the last alert that were not told
	HeldEver    int64               `json:"hever,omitempty"` // the same of the whole incident
	Items       []string            `json:"items,omitempty"` // since the last alert, at most MaxItems
	ItemsSince  int64               `json:"since,omitempty"`
	ItemsEver   int64               `json:"ever,omitempty"`
	Last        string              `json:"last,omitempty"` // id of the event gathered last

	silent silent // of Top, until somebody asks for its Counterfactual
}

func (i *incident) open() bool { return i != nil && i.Fingerprint != "" }

// told is false while every finding was another entity's to tell.
func (i *incident) told() bool { return i != nil && !i.Told.IsZero() }

// tell carries the entity's incident on by one event: it ends when it was quiet for long enough, begins with a finding
// over a threshold, is told again when there is clearly more to say, and otherwise gathers. It reports whether there
// was a finding. With spoken another entity of the event had one, and this one's is held back: it is flagged and
// gathered, and told once the entity has a finding that is its own to tell. What another entity found does not stand in
// an alert, as a repeat of it after a crash may not see that entity's finding again.
func (s *Set) tell(e *Event, subject *Subject, p *Profile, spoken bool, c *Conclusion) bool {
	i, policy := subject.incident, &s.settings.Alerts
	kind := subject.Entity.Key.Kind
	if i.open() && e.Time.Sub(i.LastFound) >= policy.Quiet {
		if i.told() {
			c.Alerts = slices.Insert(c.Alerts, 0, s.closing(e, e.refer(kind), i, p))
		}
		i, subject.incident = nil, nil
		subject.changed = true
	}
	number := strongestOver(c.Findings, s.ofKind[place(kind)])
	if number < 0 {
		return false
	}
	top := &c.Findings[number]
	subject.changed = true
	last := &subject.last
	again := i.open() && (i.Last == e.ID || last.event == e && last.found) // judged once more, see Reconsider
	if !i.open() {
		i = &incident{Fingerprint: fingerprint(e.refer(kind), e.ID), Opened: e.At, LastFound: e.Time}
		subject.incident = i
	}
	activity := Update
	if !i.told() {
		activity = Create
	}
	if e.Time.After(i.LastFound) {
		i.LastFound = e.Time
	}
	if top.Score > i.Top.Score {
		i.Top, i.silent = *top, c.silent[number]
		i.Top.Place = Place(strings.Clone(string(top.Place)))
	}
	if !again {
		i.gather(e)
	}
	last.found = true
	if c.Flag == nil {
		c.Flag = &Flag{Item: e.Item, EventID: e.ID, Fingerprint: i.Fingerprint, Score: round3(top.Score), EventAt: e.Time}
	}
	if spoken || activity == Update && top.Score < i.ToldScore*policy.UpdateFactor && e.Time.Sub(i.Told) < policy.Cooldown {
		c.Held = !spoken || c.Held
		if !again {
			i.Held++
			i.HeldEver++
		}
		return true
	}
	over, untold := overThreshold(c.Findings, s.ofKind[place(kind)]), c.silent[number]
	untold.settle(&over[0])
	c.Alerts = append(c.Alerts, s.telling(e, e.refer(kind), i, activity, over, subject.late, p))
	i.ToldScore = max(top.Score, i.ToldScore)
	if e.Time.After(i.Told) {
		i.Told = e.Time // a late event must not shorten the cooldown
	}
	i.Held, i.Items, i.ItemsSince = 0, nil, 0
	return true
}

// strongestOver gives the number of the first of what overThreshold gives, below 0 for none.
func strongestOver(all []Finding, numbers []int) int {
	top := -1
	for _, i := range numbers {
		if f := &all[i]; f.Over() && (top < 0 || f.Score > all[top].Score) {
			top = i
		}
	}
	return top
}

// overThreshold gives the findings of these numbers that are over their thresholds, the strongest first.
func overThreshold(all []Finding, numbers []int) []Finding {
	var over []Finding
	for _, i := range numbers {
		if all[i].Over() {
			over = append(over, all[i])
		}
	}
	slices.SortStableFunc(over, func(a, b Finding) int {
		switch {
		case a.Score > b.Score:
			return -1
		case a.Score < b.Score:
			return 1
		}
		return 0
	})
	return over
}

func (i *incident) gather(e *Event) {
	name := e.Item
	if name == "" {
		name = e.ID
	}
	i.Last = strings.Clone(e.ID) // all texts of an event are one string
	i.ItemsSince++
	i.ItemsEver++
	if len(i.Items) < MaxItems {
		i.Items = append(i.Items, strings.Clone(name))
	}
}

func (s *Set) telling(e *Event, ref EntityRef, i *incident, activity Activity, over []Finding, late bool, p *Profile) Alert {
	top := over[0]
	a := s.alert(e, ref, i, activity, top, p)
	a.Items, a.ItemsTotal, a.Held, a.Late = i.Items, i.ItemsSince, i.Held, late
	a.QuietUntil = i.LastFound.Add(s.settings.Alerts.Quiet)
	for _, f := range over {
		a.Reasons = append(a.Reasons, f.reason())
	}
	a.Text = top.text()
	return a
}

func (s *Set) closing(e *Event, ref EntityRef, i *incident, p *Profile) Alert {
	i.silent.settle(&i.Top)
	a := s.alert(e, ref, i, Close, i.Top, p)
	a.ItemsTotal, a.Held = i.ItemsEver, i.HeldEver
	a.QuietUntil = i.LastFound.Add(s.settings.Alerts.Quiet)
	a.Text = i.closingText()
	return a
}

// alert fills in what all activities share.
func (s *Set) alert(e *Event, ref EntityRef, i *incident, activity Activity, f Finding, p *Profile) Alert {
	return Alert{
		ID:          alertID(i.Fingerprint, activity, e.ID),
		Fingerprint: i.Fingerprint,
		Activity:    activity,
		Rule:        f.Rule, Detector: f.Detector,
		Severity: s.settings.Alerts.severity(f.Score),
		Score:    round3(f.Score),
		EventAt:  e.Time, EventID: e.ID,
		Entity:   ref,
		Observed: round3(f.Observed), Expected: round3(f.Expected),
		Window: f.Window,
		Baseline: Baseline{
			Source: f.Baseline.Source, Days: round3(f.Baseline.Days),
			Mean: round3(f.Baseline.Mean), Dispersion: round3(f.Baseline.Dispersion),
		},
		Evidence:       i.evidence(e),
		Counterfactual: f.Counterfactual,
		ConfigHash:     s.settings.ConfigHash,
		ProfileID:      p.ID(),
		OneIn:          p.oneIn(ref.Kind, f.Score),
	}
}

// evidence is where the incident's events stand. Another source than that of its first event gets a range of its own.
func (i *incident) evidence(e *Event) []OffsetRange {
	if i.Opened.Source == e.At.Source {
		return []OffsetRange{{Source: e.At.Source, First: min(i.Opened.Offset, e.At.Offset), Last: max(i.Opened.Offset, e.At.Offset)}}
	}
	return []OffsetRange{
		{Source: i.Opened.Source, First: i.Opened.Offset, Last: i.Opened.Offset},
		{Source: e.At.Source, First: e.At.Offset, Last: e.At.Offset},
	}
}
