package detector

import (
	"math"
	"sort"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// RouteSettings set a route detector: parcels to a place where this sender hardly ever sends.
type RouteSettings struct {
	Window    time.Duration
	Threshold float64
}

// route asks how likely so many of the sender's parcels in a window would go to the event's destination, given where
// its parcels went before. The chance of a place that was never used follows from how often the sender used new
// places (after Good and Turing, with the discount of Kneser and Ney), so a marketplace shop whose every parcel goes
// somewhere new is not surprised by one more, and a factory with two customers is.
type route struct {
	name       string
	unsteady   bool // the chance itself is uncertain: beta-binomial
	settings   RouteSettings
	resolution windows.Resolution
	all        windows.Resolution // the coarsest, for what was sent before the window
}

func newRoute(name string, unsteady bool, s RouteSettings, l windows.Ladder) (*route, error) {
	r, err := resolutionFor(name, s.Window, l)
	if err != nil {
		return nil, err
	}
	return &route{name: name, unsteady: unsteady, settings: s, resolution: r, all: l[len(l)-1]}, nil
}

func (d *route) Name() string       { return d.name }
func (d *route) Kind() windows.Kind { return KindSender }

func (d *route) Counts() []Count {
	// Items too: late events are judged again at the later panes with parcels.
	return []Count{{measureItems, d.resolution}, {measurePlaces, d.resolution}, {measurePlaces, d.all}}
}

func (d *route) Window() (windows.Window, windows.Resolution) {
	return windows.Window{Size: d.settings.Window, Slide: d.resolution.Slide}, d.resolution
}

// Judge gives −log10 of the chance that so many of the window's parcels go to the event's destination, or to one as
// odd.
func (d *route) Judge(v *View, f *Finding) {
	window, r := d.Window()
	s, from, to := span(window, r, v.At)
	*f = Finding{Rule: d.name, Detector: d.name, Threshold: d.settings.Threshold, Window: s, Place: v.Event.Destination, Baseline: Baseline{Source: Own}}
	if v.Event.Destination == "" {
		f.Abstained = "the event has no destination"
		return
	}
	w := v.way
	if w == nil {
		w = new(way)
		*w = wayOf(v.Event)
	}
	p := d.past(v, w.destination, from, to)
	anybody := w.anybody(v.Profile)
	chance, rarity := p.chance(anybody, v.Profile)
	f.Observed, f.Expected = float64(p.hereNow), float64(p.now)*chance
	f.Raw = p.score(p.hereNow, d.unsteady, chance, rarity)
	f.Score = v.Profile.calibrate(d.name, f.Raw)
	if f.Over() {
		f.Counterfactual = float64(sort.Search(int(p.hereNow), func(n int) bool {
			return v.Profile.calibrate(d.name, p.score(int64(n), d.unsteady, chance, rarity)) >= d.settings.Threshold
		}) - 1)
	}
}

// routes is where a sender's parcels went before a window, and in it.
type routes struct {
	parcels, places int64 // before the window
	once, twice     int64 // places used once and twice before it
	here            int64 // parcels to the place in question before it
	now, hereNow    int64 // parcels in the window, and those of them to the place
	// The kept places used no more often before the window than the one in question, it among them, and their parcels.
	rarer, rarerParcels int64
}

// past counts up to pane to of the fine resolution; the window is [from, to].
func (d *route) past(v *View, here windows.Sub, from, to int64) routes {
	var p routes
	e := v.Entity
	p.here, p.hereNow = d.split(d.panes(e, here), from, to)
	p.addFolded(e, d.resolution, d.all, from, to)
	if c := d.census(v, from, to); c != nil {
		p.addCensus(c)
		return p
	}
	walked := 0
	for sub, panes := range e.SubsBoth(measurePlaces, d.all, d.resolution) {
		before, in := d.split(panes, from, to)
		p.now += in
		p.parcels += before
		if sub != windows.Others {
			p.place(before)
		}
		walked++
	}
	if newest, _ := e.Newest(d.resolution); walked > fewPanes && newest == to {
		if m := v.remember(); m != nil && m.routes[d.slot()] == nil {
			m.routes[d.slot()] = &census{} // to be filled at the next event
		}
	}
	return p
}

// panes gives those of one place, of the coarsest and of the fine resolution.
func (d *route) panes(e *windows.Entity, place windows.Sub) [2][]windows.PaneCount {
	return e.PanesBoth(measurePlaces, d.all, d.resolution, place)
}

// split divides the parcels to one place, given by its panes of the coarsest and of the fine resolution, into those
// before the window [from, to] and those in it.
func (d *route) split(panes [2][]windows.PaneCount, from, to int64) (before, in int64) {
	end := d.all.Pane(d.resolution.Start(to))
	for _, pane := range panes[0] {
		if pane.Pane <= end {
			before += pane.N
		}
	}
	// What the coarse pane of the end holds of panes after the window, as for a late event, is not read.
	sameCoarse := d.resolution.Pane(d.all.Start(end+1)) - 1
	for i := len(panes[1]) - 1; i >= 0 && panes[1][i].Pane >= from; i-- {
		switch pane := panes[1][i]; {
		case pane.Pane <= to:
			in += pane.N
			before -= pane.N
		case pane.Pane <= sameCoarse:
			before -= pane.N
		}
	}
	return before, in
}

// slot is the route's place in a memo.
func (d *route) slot() int {
	if d.unsteady {
		return 1
	}
	return 0
}

// census gives the memo's census of the window [from, to], filled anew if it was of another; nil where none is kept:
// for senders with few places, and for windows before the newest pane.
func (d *route) census(v *View, from, to int64) *census {
	m := v.memo()
	if m == nil || m.routes[d.slot()] == nil {
		return nil
	}
	if newest, _ := v.Entity.Newest(d.resolution); newest != to {
		return nil
	}
	c := m.routes[d.slot()]
	if c.of == d && c.to == to {
		return c
	}
	c.empty(d, to)
	for sub, panes := range v.Entity.SubsBoth(measurePlaces, d.all, d.resolution) {
		before, in := d.split(panes, from, to)
		c.now += in
		c.parcels += before
		if sub != windows.Others {
			c.place(before)
		}
	}
	return c
}

// place takes in a kept place used that often before the window. It must know here.
func (p *routes) place(before int64) {
	switch {
	case before <= 0:
		return
	case before == 1:
		p.once++
	case before == 2:
		p.twice++
	}
	p.places++
	if before <= p.here {
		p.rarer++
		p.rarerParcels += before
	}
}

// addCensus takes in all kept places. It must know here.
func (p *routes) addCensus(c *census) {
	p.parcels, p.now = c.parcels, c.now
	p.places += c.places
	p.once += c.once
	p.twice += c.twice
	p.rarer, p.rarerParcels = c.atMost(p.here)
}

// addFolded takes in the places that were folded into Others. Which they were is not known any more, so a place that
// is not among the kept ones counts as an average one of them: that errs towards silence.
func (p *routes) addFolded(e *windows.Entity, fine, coarse windows.Resolution, from, to int64) {
	folded, once, twice := foldedOf(e)
	if folded <= 0 {
		return
	}
	p.places += folded
	p.once += once
	p.twice += twice
	if p.here > 0 {
		return
	}
	sum := parcelsIn(e.Panes(measurePlaces, coarse, windows.Others)) - e.Sum(measurePlaces, fine, windows.Others, from, to)
	p.here += max(0, sum/folded)
}

// chance is the probability that a parcel of this sender goes to the place: a discounted share of its past, and a
// part of the mass kept for new places, as they draw anybody's parcels from the same origin. rarity is the chance of
// any place at most as likely: rarity/chance counts how many such places there are.
func (p *routes) chance(anybody float64, profile *Profile) (chance, rarity float64) {
	discount := (float64(p.once) + .25) / (float64(p.once) + 2*float64(p.twice) + 1)
	n := float64(p.parcels)
	fresh := min(1, (1+discount*float64(p.places))/(n+1))
	chance = max(0, float64(p.here)-discount)/(n+1) + fresh*anybody
	if p.here == 0 {
		return chance, fresh * profile.asOdd(anybody)
	}
	// A discount is less than the parcel that a place has at least.
	rarity = fresh + (float64(p.rarerParcels)-discount*float64(p.rarer))/(n+1)
	return chance, min(1, rarity)
}

// steadiness is how much a parcel before the window says about the chance of a place two weeks later: a sender's places
// drift, so the chance is beta distributed, as if that many trials had shown it (10 was worse by .01).
const steadiness = 30

// score is −log10 of the chance that n of the window's parcels go to the place, or as many to any place as odd.
func (p *routes) score(n int64, unsteady bool, chance, rarity float64) float64 {
	if chance >= 1 {
		return 0
	}
	var ln float64
	if unsteady {
		a := 1 + steadiness*float64(p.parcels)
		ln = lnTailBetaBinomial(n, p.now, a*chance, a*(1-chance))
	} else {
		ln = lnTailBinomial(n, p.now, chance)
	}
	return max(0, -ln/math.Ln10-math.Log10(max(1, rarity/chance)))
}
