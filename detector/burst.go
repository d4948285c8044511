package detector

import (
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// BurstSettings set the burst detector: many more parcels of a sender in a short window than its past leads to expect.
type BurstSettings struct {
	Window    time.Duration
	Threshold float64
}

// burst compares the count in a window with a negative binomial learned from the sender's own days before the window.
// A sender without a past is judged by the population with the little certainty that this gives.
type burst struct {
	settings   BurstSettings
	population *Population
	resolution windows.Resolution
	days       windows.Resolution
}

func newBurst(s BurstSettings, p *Population, l windows.Ladder) (*burst, error) {
	r, err := resolutionFor("burst", s.Window, l)
	if err != nil {
		return nil, err
	}
	days, err := daysOf("burst", l)
	if err != nil {
		return nil, err
	}
	return &burst{settings: s, population: p, resolution: r, days: days}, nil
}

func (d *burst) Name() string { return "burst" }

func (d *burst) Counts() []Count {
	return []Count{{measureItems, d.resolution}, {measureItems, d.days}}
}

func (d *burst) Window() (windows.Window, windows.Resolution) {
	return windows.Window{Size: d.settings.Window, Slide: d.resolution.Slide}, d.resolution
}

// Judge gives −log10 of the chance of so many parcels in the window.
func (d *burst) Judge(v View) Finding {
	w, r := d.Window()
	s, from, to := span(w, r, v.At)
	n := v.Entity.Sum(measureItems, r, windows.Sub{}, from, to)
	past := d.past(v.Entity, s.Start)
	expected := past.mean * d.population.share(s)
	f := Finding{
		Rule: d.Name(), Detector: "burst", Threshold: d.settings.Threshold,
		Score:    past.surprise(n, expected, w.Size),
		Observed: float64(n), Expected: expected, Window: s,
		Baseline: past.baseline(),
	}
	if f.Over() {
		f.Counterfactual = float64(past.most(d.settings.Threshold, expected, w.Size))
	}
	return f
}

// past learns from the whole days before start, from the entity's first event on and as far back as days are kept.
func (d *burst) past(e *windows.Entity, start time.Time) rate {
	first := d.days.Pane(e.First().Time)
	if newest, ok := e.Newest(d.days); ok {
		first = max(first, newest-d.days.Keep+1)
	}
	return learnRate(e.Panes(measureItems, d.days, windows.Sub{}), first, d.days.Pane(start), d.population)
}

func (r rate) baseline() Baseline {
	b := Baseline{Source: Others, Days: r.days, Mean: r.mean, Dispersion: r.dispersion}
	if r.days > 0 {
		b.Source = Own
	}
	return b
}
