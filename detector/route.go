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
func (d *route) Judge(v View) Finding {
	w, r := d.Window()
	s, from, to := span(w, r, v.At)
	f := Finding{Rule: d.name, Detector: d.name, Threshold: d.settings.Threshold, Window: s, Place: v.Event.Destination, Baseline: Baseline{Source: Own}}
	if v.Event.Destination == "" {
		f.Abstained = "the event has no destination"
		return f
	}
	here := placeSub(v.Event.Destination)
	p := d.past(v.Entity, here, from, to)
	anybody := v.Profile.place(placeSub(v.Event.Origin), here)
	chance, rarity := p.chance(anybody, v.Profile)
	f.Observed, f.Expected = float64(p.hereNow), float64(p.now)*chance
	f.Raw = p.score(p.hereNow, d.unsteady, chance, rarity)
	f.Score = v.Profile.calibrate(d.name, f.Raw)
	if f.Over() {
		f.Counterfactual = float64(sort.Search(int(p.hereNow), func(n int) bool {
			return v.Profile.calibrate(d.name, p.score(int64(n), d.unsteady, chance, rarity)) >= d.settings.Threshold
		}) - 1)
	}
	return f
}

// routes is where a sender's parcels went before a window, and in it.
type routes struct {
	parcels, places int64   // before the window
	once, twice     int64   // places used once and twice before it
	here            int64   // parcels to the place in question before it
	now, hereNow    int64   // parcels in the window, and those of them to the place
	used            []int64 // the parcels of each kept place before it
}

// past counts up to pane to of the fine resolution; the window is [from, to].
func (d *route) past(e *windows.Entity, here windows.Sub, from, to int64) routes {
	var p routes
	known := false
	end := d.all.Pane(d.resolution.Start(to))
	newest, _ := e.Newest(d.resolution)
	inSameCoarse := d.resolution.Pane(d.all.Start(end+1)) - 1
	for sub, panes := range e.Subs(measurePlaces, d.all) {
		var before int64
		for _, pane := range panes {
			if pane.Pane <= end {
				before += pane.N
			}
		}
		in := e.Sum(measurePlaces, d.resolution, sub, from, to)
		before -= in
		if newest > to {
			// A late event: what its coarse pane holds of later panes is not read.
			before -= e.Sum(measurePlaces, d.resolution, sub, to+1, min(newest, inSameCoarse))
		}
		p.now += in
		p.parcels += before
		if sub == windows.Others {
			continue
		}
		if sub == here {
			p.here, p.hereNow, known = before, in, true
		}
		p.place(before)
	}
	p.addFolded(e, d.resolution, d.all, known, from, to)
	return p
}

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
	p.used = append(p.used, before)
}

// addFolded takes in the places that were folded into Others. Which they were is not known any more, so a place that
// is not among the kept ones counts as an average one of them: that errs towards silence.
func (p *routes) addFolded(e *windows.Entity, fine, coarse windows.Resolution, known bool, from, to int64) {
	folded := e.TallyOf(measureFolded, foldedPlaces)
	if folded <= 0 {
		return
	}
	p.places += folded
	p.once += e.TallyOf(measureFolded, foldedOnce)
	p.twice += e.TallyOf(measureFolded, foldedTwice)
	if known && p.here > 0 {
		return
	}
	var sum int64
	for _, pane := range e.Panes(measurePlaces, coarse, windows.Others) {
		sum += pane.N
	}
	sum -= e.Sum(measurePlaces, fine, windows.Others, from, to)
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
	rarity = fresh
	for _, c := range p.used {
		if c <= p.here {
			rarity += max(0, float64(c)-discount) / (n + 1)
		}
	}
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
