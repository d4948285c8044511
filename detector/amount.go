package detector

import (
	"math"

	"github.com/parcelsentry/parcelsentry/windows"
)

// AmountSettings set a rule on a parcel's weight or value.
type AmountSettings struct {
	Threshold float64
}

// amount compares the logarithm of a parcel's weight or value with those of the sender's earlier parcels: how many
// standard deviations it is away, as Student's t, either side.
type amount struct {
	name     string
	measure  windows.Measure // of its tallies
	odd      windows.Measure // of the parcels that were odd
	of       func(*Event) Amount
	settings AmountSettings
	days     windows.Resolution
	// Why a parcel is not judged.
	missing, unknown string
}

func newAmount(d amount, s AmountSettings, l windows.Ladder) (*amount, error) {
	var err error
	d.settings = s
	d.missing = "the event has no " + d.name
	d.unknown = "too little is known of anybody's " + d.name
	d.days, err = daysOf(d.name, l)
	return &d, err
}

func newWeight(s AmountSettings, l windows.Ladder) (*amount, error) {
	return newAmount(amount{name: ruleWeight, measure: measureWeight, odd: measureOddWeight, of: func(e *Event) Amount { return e.WeightG }}, s, l)
}

func newValue(s AmountSettings, l windows.Ladder) (*amount, error) {
	return newAmount(amount{name: ruleValue, measure: measureValue, odd: measureOddValue, of: func(e *Event) Amount { return e.DeclaredValue }}, s, l)
}

// The slots of an amount's tallies, as learn gives them: how many, and the sums of their logarithms and of the squares of
// these, in millionths, so that they add up exactly.
const (
	slotAmounts int64 = iota
	slotLogs
	slotSquares
	perUnit = 1e6
)

const (
	amountPrior = 10.0 // parcels that the population's spread within a sender weighs (5: .003)
	amountClip  = 3.0  // a parcel teaches no more than this many deviations
	// oddScore is the score from which a parcel counts as odd: one in twenty (1.7: .003). Odd ones within oddDays support
	// each other, without this the rules lost .02.
	oddScore = 1.3
	oddDays  = 2
)

func (d *amount) Name() string       { return d.name }
func (d *amount) Kind() windows.Kind { return KindSender }
func (d *amount) Counts() []Count    { return []Count{{measureItems, d.days}, {d.odd, d.days}} }

func (d *amount) Window() (windows.Window, windows.Resolution) {
	return windows.Window{Size: oddDays * d.days.Slide, Slide: d.days.Slide}, d.days
}

// Judge gives −log10 of the chance of an amount as far away, and of as many other odd ones in the window, calibrated. It
// must come before learn.
func (d *amount) Judge(v *View, f *Finding) {
	w, r := d.Window()
	s, from, to := span(w, r, v.At)
	*f = Finding{Rule: d.name, Detector: d.name, Threshold: d.settings.Threshold, Window: s}
	a := d.of(v.Event)
	if !a.Known || a.Value <= 0 {
		f.Abstained = d.missing
		return
	}
	everybody, ok := v.Profile.amounts[d.name]
	if !ok {
		f.Abstained = d.unknown
		return
	}
	usual := d.learned(v.Entity, everybody)
	others := support(
		v.Entity.Sum(d.odd, d.days, windows.Sub{}, from, to), v.Entity.Sum(measureItems, d.days, windows.Sub{}, from, to)-1, everybody.odd)
	score := func(x float64) float64 {
		raw := usual.score(x)
		if raw >= oddScore {
			raw += others
		}
		return raw
	}
	f.Observed, f.Expected = a.Value, math.Exp(usual.mean)
	f.Baseline = Baseline{Source: Others, Dispersion: usual.deviation}
	if usual.n > 0 {
		f.Baseline.Source = Own
	}
	f.Raw = score(math.Log(a.Value))
	f.Score = v.Profile.calibrate(d.name, f.Raw)
	if f.Over() {
		f.Counterfactual = d.silent(v.Profile, score, usual.mean, math.Log(a.Value))
	}
}

// support is −log10 of the chance that so many of the window's other parcels are odd, if that part of everybody's is.
func support(odd, parcels int64, chance float64) float64 {
	return -lnTailBinomial(odd, max(odd, parcels), chance) / math.Ln10
}

// silent halves its way from the usual amount to x until it knows the last one below the threshold.
func (d *amount) silent(p *Profile, score func(float64) float64, usual, x float64) float64 {
	low, high := usual, x
	for range 30 {
		if mid := (low + high) / 2; p.calibrate(d.name, score(mid)) < d.settings.Threshold {
			low = mid
		} else {
			high = mid
		}
	}
	return math.Exp(low)
}

// logUsual is what is known of the logarithms of a sender's amounts.
type logUsual struct {
	n, mean, deviation, freedom float64
}

func (u logUsual) score(x float64) float64 {
	return max(0, -lnTailStudent(math.Abs(x-u.mean)/u.deviation, u.freedom)/math.Ln10)
}

// learned shrinks the sender's mean towards everybody's, by how much less senders differ in themselves than from each
// other, and its variance towards that within senders.
func (d *amount) learned(e *windows.Entity, everybody logAmounts) logUsual {
	n, sum, squares := d.tallies(e)
	own := 0.0
	if n > 0 {
		own = max(0, squares-sum*sum/n)
	}
	weight := everybody.within / everybody.between
	variance := (own + amountPrior*everybody.within) / (max(0, n-1) + amountPrior)
	return logUsual{
		n:         n,
		mean:      (sum + weight*everybody.mean) / (n + weight),
		deviation: math.Sqrt(variance * (1 + 1/(n+weight))),
		freedom:   amountPrior - 1 + n,
	}
}

// tallies are how many amounts the sender has had, and the sums of their logarithms and of the squares of these.
func (d *amount) tallies(e *windows.Entity) (n, sum, squares float64) {
	for _, t := range e.Panes(d.measure, windows.Resolution{Name: windows.AllTime}, windows.Sub{}) {
		switch t.Pane {
		case slotAmounts:
			n = float64(t.N)
		case slotLogs:
			sum = float64(t.N) / perUnit
		case slotSquares:
			squares = float64(t.N) / perUnit
		}
	}
	return n, sum, squares
}

// learn takes the event's amount into the sender's tallies, clipped, and into the population's sums. f is what Judge
// found before.
func (d *amount) learn(e *Event, entity *windows.Entity, p *Profile, sums *Sums, f *Finding) {
	a := d.of(e)
	if !a.Known || a.Value <= 0 {
		return
	}
	x := math.Log(a.Value)
	odd := false
	if everybody, ok := p.amounts[d.name]; ok {
		usual := d.learned(entity, everybody)
		odd = f.Raw >= oddScore
		if f.Abstained != "" { // a late event, whose windows are not kept
			odd = usual.score(x) >= oddScore
		}
		if odd {
			entity.Add(d.odd, d.days, windows.Sub{}, e.Time, 1)
		}
		x = min(max(x, usual.mean-amountClip*usual.deviation), usual.mean+amountClip*usual.deviation)
	}
	n, sum, _ := d.tallies(entity)
	mean := 0.0
	if n > 0 {
		mean = sum / n
	}
	sums.amount(d.name, x, n, mean, odd)
	entity.TallyEach(d.measure, 1, int64(math.Round(x*perUnit)), int64(math.Round(x*x*perUnit)))
}
