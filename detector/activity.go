package detector

import (
	"maps"
	"math"
)

// The constants of activity; the neighbours that were tried are given in brackets, with what they lost.
const (
	mostOfSender = 3   // parcels of a sender in a day that count, so that nobody makes a day look busy alone
	activityDays = 160 // kept: those that entities keep, and some before them
	aroundDays   = 14  // to either side, whose mean is the usual level
	mostLevel    = 3.0 // a day counts as no busier than this
	weekPrior    = 2.0 // weeks that an even week weighs
	leastLevel   = .2  // a weekday is not expected to be quieter
	fewParcels   = .1  // of what is usual: days with less at the beginning are wrong clocks
	mostSilence  = 20  // days before its first one that an entity is known to have been silent (7, 14, 30: .002)
)

// activity is how busy the whole network was, by the day: a level of 1 is as busy as the days around it, 0 a day without
// any parcel, as when the feed was cut. A sender that is up by half when everybody is has done nothing odd, and one that
// is silent while nothing comes from anybody has shown nothing. Days to come are taken for like their weekday. It is
// immutable; nil knows nothing, all its days are alike.
type activity struct {
	first  int64 // day of levels[0]
	began  int64 // the first day that was watched
	levels []float64
	sums   []float64 // of the levels before a day, those of later days weighing more, see span
	week   [7]float64
	fades  []float64 // fade of −1, 0, 1, … days: powers are dear
}

// newActivity takes the parcels of the days before day.
func newActivity(day int64, parcels map[int64]float64) *activity {
	a := &activity{first: day}
	for d, n := range parcels {
		if n > 0 && d >= day-activityDays {
			a.first = min(a.first, d)
		}
	}
	// Running sums of the parcels, and of the days that have any.
	count := make([]float64, day-a.first+1)
	busy := make([]float64, day-a.first+1)
	for i := range day - a.first {
		n := parcels[a.first+i]
		count[i+1], busy[i+1] = count[i]+n, busy[i]
		if n > 0 {
			busy[i+1]++
		}
	}
	a.levels = make([]float64, day-a.first)
	for i := range day - a.first {
		from, to := max(0, i-aroundDays), min(day-a.first, i+aroundDays+1)
		if n := parcels[a.first+i]; n > 0 {
			a.levels[i] = min(mostLevel, n*(busy[to]-busy[from])/(count[to]-count[from]))
		}
	}
	all := count[day-a.first] / max(1, busy[day-a.first])
	for a.began = a.first; a.began < day && parcels[a.began] < fewParcels*all; {
		a.began++
	}
	a.fades = make([]float64, activityDays+2)
	for i := range a.fades {
		a.fades[i] = fade(int64(i) - 1)
	}
	a.add()
	return a
}

// add sums the levels up.
func (a *activity) add() {
	var level, days [7]float64
	a.sums = make([]float64, len(a.levels)+1)
	for i, l := range a.levels {
		a.sums[i+1] = a.sums[i] + l*math.Exp2(float64(i)/halfLife)
		if l > 0 {
			level[weekday(a.first+int64(i))] += l
			days[weekday(a.first+int64(i))]++
		}
	}
	for w := range a.week {
		a.week[w] = max(leastLevel, (level[w]+weekPrior)/(days[w]+weekPrior))
	}
}

// level is that of a day: 1 before all that is known, that of its weekday after it.
func (a *activity) level(day int64) float64 {
	switch {
	case a == nil || day < a.first:
		return 1
	case day < a.end():
		return a.levels[day-a.first]
	}
	return a.week[weekday(day)]
}

// span sums up the levels of the days [from, to), each weighing half for every half-life before the last one.
func (a *activity) span(from, to int64) float64 {
	sum := 0.0
	first, end := to, to
	if a != nil {
		first, end = a.first, a.end()
	}
	if before := min(to, first); from < before {
		// A geometric series of days of level 1.
		sum = (a.fade(to-before-1) - a.fade(to-from-1)) / (a.fade(-1) - 1)
	}
	if i, j := max(from, first), min(to, end); i < j {
		sum += (a.sums[j-first] - a.sums[i-first]) * a.fade(to-first-1)
	}
	for day := max(from, end); day < to; day++ {
		sum += a.level(day) * a.fade(to-day-1)
	}
	return sum
}

// fade is what a day weighs that many days later, in parts of what it weighed.
func fade(days int64) float64 { return math.Exp2(float64(-days) / halfLife) }

// fade is the function of that name.
func (a *activity) fade(days int64) float64 {
	if a != nil && days >= -1 && days+1 < int64(len(a.fades)) {
		return a.fades[days+1]
	}
	return fade(days)
}

func (a *activity) end() int64 { return a.first + int64(len(a.levels)) }

// silence is how many days before its first one an entity was watched in vain.
func (a *activity) silence(first int64) int64 {
	if a == nil || len(a.levels) == 0 {
		return 0
	}
	return min(max(0, first-a.began), mostSilence)
}

func weekday(day int64) int { return int((day%7 + 7) % 7) }

// keepDays forgets the days that no profile of day or later needs.
func keepDays(parcels map[int64]float64, day int64) {
	maps.DeleteFunc(parcels, func(d int64, _ float64) bool { return d < day-activityDays || d > day+1 })
}
