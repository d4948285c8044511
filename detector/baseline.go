package detector

import (
	"math"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// The constants of the count model were chosen on real shipments with injected incidents; the neighbours that were
// tried are given in brackets, with what they lost in mean recall.
const (
	priorShape  = 3.0   // a of the gamma prior of a rate: as sure as three parcels (2: .004, 1: .01)
	halfLife    = 120.0 // days after which a learned day weighs half (60: .009)
	priorDays   = 20.0  // days that the population's dispersion weighs (10, 40: .001)
	capSigmas   = 3.0   // a day teaches no more than this many deviations above what was expected (2: .002, 4: 0)
	driftShort  = 0.1   // variance by which rates drift, relative to the squared mean, for windows of shortDrift (0.15: 0)
	driftLong   = 1.0   // the same for windows of longDrift (0.5: .001, 2: .004); between them it is log-linear
	shortDrift  = 2 * 24 * time.Hour
	longDrift   = 14 * 24 * time.Hour
	hoursPerDay = 24
)

// Prior is what is usual for entities of which little is known.
type Prior struct {
	// Rate is in events an entity and day, above 0.
	Rate float64
	// Dispersion is variance over mean of an entity's daily events, at least 1.
	Dispersion float64
}

// rate is what is known of how often something happens: a gamma distribution of daily rates with an over-dispersion.
type rate struct {
	shape, mean, dispersion, days float64
}

// learner gathers closed days, the oldest first.
type learner struct {
	prior              Prior
	activity           *activity
	decay, priorTime   float64
	sum, squares, days float64
	at                 int64
}

func newLearner(first int64, p Prior, a *activity) learner {
	return learner{prior: p, activity: a, decay: a.fade(1), priorTime: priorShape / p.Rate, at: first}
}

// quiet takes in the days without events up to until.
func (l *learner) quiet(until int64) {
	if until <= l.at {
		return
	}
	k := l.activity.fade(until - l.at)
	l.sum, l.squares = l.sum*k, l.squares*k
	l.days = l.days*k + l.activity.span(l.at, until)
	l.at = until
}

// mean is the daily mean that was expected for the next day, were it as busy as usual for everybody.
func (l *learner) mean() (mean, shape float64) {
	shape = priorShape + l.sum
	return shape / (l.priorTime + l.days), shape
}

// day takes in the next day.
func (l *learner) day(n int64) {
	mean, shape := l.mean()
	level := l.activity.level(l.at)
	mean *= level
	c := float64(n)
	if c > mean+1 { // days that are hardly busier, which are most, are spared the root
		c = min(c, mean+capSigmas*math.Sqrt(mean*l.prior.Dispersion+mean*mean/shape)+1)
	}
	l.sum, l.squares, l.days = l.sum*l.decay+c, l.squares*l.decay+c*c, l.days*l.decay+level
	l.at++
}

func (l *learner) rate() rate {
	mean, shape := l.mean()
	return rate{
		shape:      shape,
		mean:       mean,
		dispersion: (priorDays*l.prior.Dispersion + l.days*ownDispersion(l.sum, l.squares, l.days)) / (priorDays + l.days),
		days:       l.days,
	}
}

// learnRate learns from the daily counts of closed days [first, end), both pane numbers; panes outside are passed
// over. Days without a pane count as zero; a day counts by its level of activity. A day teaches at most a few deviations above what the days before it led
// to expect, so that an incident that was flagged is hardly learned.
func learnRate(panes []windows.PaneCount, first, end int64, p Prior, a *activity) rate {
	l := newLearner(first, p, a)
	for _, pane := range panes {
		if pane.Pane < first || pane.N == 0 {
			continue
		}
		if pane.Pane >= end {
			break
		}
		l.quiet(pane.Pane)
		l.day(pane.N)
	}
	l.quiet(end)
	return l.rate()
}

// ownDispersion is variance over mean, at least 1: what looks steadier than chance was luck.
func ownDispersion(sum, squares, days float64) float64 {
	if sum == 0 || days == 0 {
		return 1
	}
	mean := sum / days
	return max(1, (squares/days-mean*mean)/mean)
}

// surprise is −log10 of the chance of n or more in a window where mean are expected, given that there is one: how odd
// are n parcels, once there is a parcel to ask about. It is never below 0.
func (r rate) surprise(n int64, expected float64, window time.Duration) float64 {
	if n <= 1 {
		return 0
	}
	shape := 1 / (1/r.shape + drift(window) + (r.dispersion-1)/expected)
	return max(0, -lnTailNBOfSome(n, expected, shape)/math.Ln10)
}

func drift(window time.Duration) float64 {
	switch {
	case window <= shortDrift:
		return driftShort
	case window >= longDrift:
		return driftLong
	}
	part := math.Log(float64(window)/float64(shortDrift)) / math.Log(float64(longDrift)/float64(shortDrift))
	return driftShort * math.Pow(driftLong/driftShort, part)
}

func (r rate) baseline() Baseline {
	b := Baseline{Source: Others, Days: r.days, Mean: r.mean, Dispersion: r.dispersion}
	if r.days > 0 {
		b.Source = Own
	}
	return b
}
