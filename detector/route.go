package detector

import (
	"math"
	"sort"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// RouteSettings set the unusual route detector: parcels to a place where this sender hardly ever sends.
type RouteSettings struct {
	Window    time.Duration
	Threshold float64
	// MinShipments is how many parcels a sender must have sent before the window; with fewer the detector abstains.
	MinShipments int64
}

// route asks how likely so many of the sender's parcels in a window would go to the event's destination, given where
// its parcels went before. The chance of a place that was never used follows from how often the sender used new
// places (after Good and Turing, with the discount of Kneser and Ney), so a marketplace shop whose every parcel goes
// somewhere new is not surprised by one more, and a factory with two customers is.
type route struct {
	settings   RouteSettings
	population *Population
	resolution windows.Resolution
	all        windows.Resolution // the coarsest, for what was sent before the window
}

func newRoute(s RouteSettings, p *Population, l windows.Ladder) (*route, error) {
	r, err := resolutionFor("route", s.Window, l)
	if err != nil {
		return nil, err
	}
	return &route{settings: s, population: p, resolution: r, all: l[len(l)-1]}, nil
}

func (d *route) Name() string { return "route" }

func (d *route) Counts() []Count {
	// Items too: late events are judged again at the later panes with parcels.
	return []Count{{measureItems, d.resolution}, {measurePlaces, d.resolution}, {measurePlaces, d.all}}
}

func (d *route) Window() (windows.Window, windows.Resolution) {
	return windows.Window{Size: d.settings.Window, Slide: d.resolution.Slide}, d.resolution
}

// Judge gives −log10 of the chance that so many of the window's parcels go to the event's destination.
func (d *route) Judge(v View) Finding {
	w, r := d.Window()
	s, from, to := span(w, r, v.At)
	f := Finding{
		Rule: d.Name(), Detector: "route", Threshold: d.settings.Threshold, Window: s, Place: v.Event.Destination,
		Baseline: Baseline{Source: Own},
	}
	if v.Event.Destination == "" {
		f.Abstained = "the event has no destination"
		return f
	}
	p := d.past(v.Entity, windows.NewSub(string(v.Event.Destination)), from, to)
	f.Observed = float64(p.hereNow)
	if p.parcels < d.settings.MinShipments {
		f.Abstained = "the sender has sent too little to know its routes"
		return f
	}
	chance := p.chance(d.population.PlaceProbability)
	f.Expected = float64(p.now) * chance
	f.Score = max(0, -lnTailBinomial(p.hereNow, p.now, chance)/math.Ln10)
	if f.Over() {
		f.Counterfactual = float64(p.most(d.settings.Threshold, chance))
	}
	return f
}

// routes is where a sender's parcels went before a window, and in it.
type routes struct {
	parcels, places int64 // before the window
	once, twice     int64 // places used once and twice before it
	here            int64 // parcels to the place in question before it
	now, hereNow    int64 // parcels in the window, and those of them to the place
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
// part of the mass kept for new places.
func (p *routes) chance(anybody float64) float64 {
	discount := (float64(p.once) + .25) / (float64(p.once) + 2*float64(p.twice) + 1)
	fresh := min(1, (1+discount*float64(p.places))/(float64(p.parcels)+1))
	return max(0, float64(p.here)-discount)/(float64(p.parcels)+1) + fresh*anybody
}

// most is the highest number of the window's parcels to the place that would have stayed below the threshold.
func (p *routes) most(threshold, chance float64) int64 {
	over := func(n int) bool { return -lnTailBinomial(int64(n), p.now, chance)/math.Ln10 >= threshold }
	return int64(sort.Search(int(p.hereNow), over)) - 1
}
