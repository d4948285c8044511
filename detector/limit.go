package detector

import (
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// LimitSettings set the plain limit: so many shipments of an entity in a window are too many, whatever its past.
type LimitSettings struct {
	Window time.Duration
	// Shipments is the number that fires, at least 1.
	Shipments int64
}

// limitScore is the score of a count that just reaches the limit: the scale of the other detectors' default.
const limitScore = 4.0

type limit struct {
	settings   LimitSettings
	resolution windows.Resolution
}

func newLimit(s LimitSettings, l windows.Ladder) (*limit, error) {
	r, err := resolutionFor("limit", s.Window, l)
	if err != nil {
		return nil, err
	}
	return &limit{settings: s, resolution: r}, nil
}

func (d *limit) Name() string { return ruleLimit }

func (d *limit) Kind() windows.Kind { return KindSender }

func (d *limit) Counts() []Count { return []Count{{measureItems, d.resolution}} }

func (d *limit) Window() (windows.Window, windows.Resolution) {
	return windows.Window{Size: d.settings.Window, Slide: d.resolution.Slide}, d.resolution
}

// Judge scores the count over the limit: 0 below it, limitScore where it is reached, twice that at twice the limit.
func (d *limit) Judge(v *View, f *Finding) {
	w, r := d.Window()
	s, from, to := span(w, r, v.At)
	n := v.Entity.Sum(measureItems, r, windows.Sub{}, from, to)
	*f = Finding{
		Rule: ruleLimit, Detector: ruleLimit, Threshold: limitScore,
		Observed: float64(n), Expected: float64(d.settings.Shipments), Window: s,
	}
	if n >= d.settings.Shipments {
		f.Counterfactual = float64(d.settings.Shipments - 1)
		f.Score = limitScore * float64(n) / float64(d.settings.Shipments)
	}
}
