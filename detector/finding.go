package detector

import "math"

// A Finding is what one detector concludes about an entity at one event.
type Finding struct {
	// Rule is the setting's name, Detector the method's.
	Rule, Detector string
	// Raw says how unusual: 0 for not at all, −log10 of the chance otherwise. Score is what calibration left of it;
	// where it reaches Threshold the shipment is over.
	Raw, Score, Threshold float64
	Observed, Expected    float64
	Window                Span
	Baseline              Baseline
	// Counterfactual is the highest observed number that would have stayed silent. Set only where Over; where a Set compares
	// a count with the past, it is worked out for alerts only.
	Counterfactual float64
	// Place is the destination that the finding is about, empty for none.
	Place Place `json:",omitempty"`
	// Abstained says why the detector gives no score, empty when it does.
	Abstained string `json:",omitempty"`
}

// Over reports whether the finding reaches its threshold.
func (f *Finding) Over() bool { return f.Rule != "" && f.Abstained == "" && f.Score >= f.Threshold }

func (f *Finding) reason() Reason {
	return Reason{
		Detector: f.Detector, Score: round3(f.Score), Observed: round3(f.Observed), Expected: round3(f.Expected), Text: f.text(),
	}
}

// BaselineSource says whose past a baseline comes from.
type BaselineSource string

const (
	Own    BaselineSource = "own"
	Others BaselineSource = "population"
)

// Baseline is what is usual for an entity.
type Baseline struct {
	Source BaselineSource
	// Days is the number of days learned from, decayed by age.
	Days float64
	// Mean is in events a day; Dispersion is variance over mean, 1 for a Poisson process.
	Mean, Dispersion float64
}

// round3 cuts a number that people and scripts read to three decimals, so that alerts stay readable.
func round3(x float64) float64 { return math.Round(x*1000) / 1000 }
