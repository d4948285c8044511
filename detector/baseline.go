package detector

import (
	"math"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// Population is what is usual for senders as a whole. It stands in for what an entity has not shown yet.
type Population struct {
	// Rate is in parcels a sender and day, above 0.
	Rate float64
	// Dispersion is variance over mean of a sender's daily parcels, at least 1.
	Dispersion float64
	// PlaceProbability is the chance that a shipment of anybody goes to a given place, in (0, 1).
	PlaceProbability float64
	// HourWeights says how the parcels of a day spread over its hours, in UTC; all zero means evenly.
	HourWeights [24]float64
}

// The constants of the count model were chosen on real shipments with injected incidents; the neighbours that were
// tried are given in brackets.
const (
	priorShape  = 2.0  // a of the gamma prior of a rate: as sure as two parcels (0.5 was worse by .02)
	halfLife    = 60.0 // days after which a learned day weighs half (30 and 120 were worse by up to .01)
	priorDays   = 20.0 // days that the population's dispersion weighs
	capSigmas   = 3.0  // a day teaches no more than this many deviations above what was expected
	driftShort  = 0.1  // variance by which rates drift, relative to the squared mean, for windows of shortDrift
	driftLong   = 1.0  // the same for windows of longDrift; between them it is log-linear
	shortDrift  = 2 * 24 * time.Hour
	longDrift   = 14 * 24 * time.Hour
	hoursPerDay = 24
)

// rate is what is known of how often something happens: a gamma distribution of daily rates with an over-dispersion.
type rate struct {
	shape, mean, dispersion, days float64
}

// learnRate learns from the daily counts of closed days [first, end), both pane numbers; panes outside are passed
// over. Days without a pane count as zero. A day teaches at most a few deviations above what the days before it led
// to expect, so that an incident that was flagged is hardly learned.
func learnRate(panes []windows.PaneCount, first, end int64, p *Population) rate {
	decay := math.Exp2(-1 / halfLife)
	priorTime := priorShape / p.Rate
	var sum, squares, days float64
	at := first
	quiet := func(until int64) { // zero days from at up to until
		k := math.Pow(decay, float64(until-at))
		sum, squares = sum*k, squares*k
		days = days*k + (1-k)/(1-decay)
		at = until
	}
	for _, pane := range panes {
		if pane.Pane < first || pane.N == 0 {
			continue
		}
		if pane.Pane >= end {
			break
		}
		quiet(pane.Pane)
		shape := priorShape + sum
		mean := shape / (priorTime + days)
		most := mean + capSigmas*math.Sqrt(mean*p.Dispersion+mean*mean/shape) + 1
		n := min(float64(pane.N), most)
		sum, squares, days = sum*decay+n, squares*decay+n*n, days*decay+1
		at++
	}
	if at < end {
		quiet(end)
	}
	shape := priorShape + sum
	return rate{
		shape:      shape,
		mean:       shape / (priorTime + days),
		dispersion: (priorDays*p.Dispersion + days*ownDispersion(sum, squares, days)) / (priorDays + days),
		days:       days,
	}
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
	ln := lnTailNB(1, expected, shape) - lnTailNB(n, expected, shape)
	return max(0, ln/math.Ln10)
}

// most is the highest count whose surprise stays below threshold, at least 1.
func (r rate) most(threshold, expected float64, window time.Duration) int64 {
	low, high := int64(1), int64(2)
	for r.surprise(high, expected, window) < threshold {
		low, high = high, 2*high
	}
	for high-low > 1 {
		mid := low + (high-low)/2
		if r.surprise(mid, expected, window) < threshold {
			low = mid
		} else {
			high = mid
		}
	}
	return low
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

// share is the part of a day's parcels that falls into s: its length in days, and for less than a day what the hours
// in it are worth.
func (p *Population) share(s Span) float64 {
	const day = 24 * time.Hour
	var total float64
	for _, w := range p.HourWeights {
		total += w
	}
	length := s.End.Sub(s.Start)
	if total == 0 || length >= day {
		return float64(length) / float64(day)
	}
	var part float64
	for t := s.Start; t.Before(s.End); {
		next := t.Truncate(time.Hour).Add(time.Hour)
		if next.After(s.End) {
			next = s.End
		}
		part += p.HourWeights[t.Hour()%hoursPerDay] * float64(next.Sub(t)) / float64(time.Hour)
		t = next
	}
	// An hour nobody uses must not make one parcel infinitely odd.
	const least = 0.05
	return max(part/total, least*float64(length)/float64(day))
}
