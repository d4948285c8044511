package codec

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// flatAlert is an alert in the flat format, in the order of its keys.
type flatAlert struct {
	ID             string            `json:"id"`
	Fingerprint    string            `json:"fingerprint"`
	Activity       detector.Activity `json:"activity"`
	Rule           string            `json:"rule"`
	Detector       string            `json:"detector"`
	Severity       detector.Severity `json:"severity"`
	Score          figure            `json:"score"`
	EventTime      stamp             `json:"event_time"`
	EventID        string            `json:"event_id"`
	Entity         flatEntity        `json:"entity"`
	Observed       figure            `json:"observed"`
	Expected       figure            `json:"expected"`
	Window         flatSpan          `json:"window"`
	QuietUntil     stamp             `json:"quiet_until"`
	Baseline       flatBaseline      `json:"baseline"`
	Reasons        []flatReason      `json:"reasons"`
	Items          []string          `json:"items"`
	ItemsTotal     int64             `json:"items_total"`
	Held           int64             `json:"held"`
	Late           bool              `json:"late"`
	Evidence       []flatRange       `json:"evidence"`
	Counterfactual figure            `json:"counterfactual"`
	ConfigHash     string            `json:"config_hash"`
	ProfileID      string            `json:"profile_id"`
	OneIn          figure            `json:"one_in"`
	Text           flatText          `json:"text"`
}

type flatEntity struct {
	Kind windows.Kind `json:"kind"`
	ID   string       `json:"id"`
}

type flatSpan struct {
	Start stamp `json:"start"`
	End   stamp `json:"end"`
}

type flatBaseline struct {
	Source     detector.BaselineSource `json:"source"`
	Days       figure                  `json:"days"`
	Mean       figure                  `json:"mean"`
	Dispersion figure                  `json:"dispersion"`
}

type flatReason struct {
	Detector string   `json:"detector"`
	Score    figure   `json:"score"`
	Observed figure   `json:"observed"`
	Expected figure   `json:"expected"`
	Text     flatText `json:"text"`
}

func reasonOf(r *detector.Reason) flatReason {
	return flatReason{
		Detector: r.Detector, Score: figure(r.Score), Observed: figure(r.Observed), Expected: figure(r.Expected),
		Text: flatText(r.Text),
	}
}

func (r *flatReason) reason() detector.Reason {
	return detector.Reason{
		Detector: r.Detector, Score: float64(r.Score), Observed: float64(r.Observed), Expected: float64(r.Expected),
		Text: detector.Text(r.Text),
	}
}

type flatText struct {
	EN string `json:"en"`
	VI string `json:"vi"`
}

type flatRange struct {
	Source string `json:"source"`
	First  int64  `json:"first"`
	Last   int64  `json:"last"`
}

// AppendAlert appends the alert in the flat format, a JSON object without a line end. The same alert always gives the
// same bytes. A list without members is [], a time or number that is not there null.
func AppendAlert(b []byte, a *detector.Alert) []byte {
	flat := flatAlert{
		ID: a.ID, Fingerprint: a.Fingerprint, Activity: a.Activity, Rule: a.Rule, Detector: a.Detector,
		Severity: a.Severity, Score: figure(a.Score), EventTime: stamp(a.EventAt), EventID: a.EventID,
		Entity: flatEntity(a.Entity), Observed: figure(a.Observed), Expected: figure(a.Expected),
		Window:     flatSpan{Start: stamp(a.Window.Start), End: stamp(a.Window.End)},
		QuietUntil: stamp(a.QuietUntil),
		Baseline: flatBaseline{
			Source: a.Baseline.Source, Days: figure(a.Baseline.Days), Mean: figure(a.Baseline.Mean),
			Dispersion: figure(a.Baseline.Dispersion),
		},
		Reasons:    make([]flatReason, 0, len(a.Reasons)),
		Items:      a.Items,
		ItemsTotal: a.ItemsTotal, Held: a.Held, Late: a.Late,
		Evidence:       make([]flatRange, 0, len(a.Evidence)),
		Counterfactual: figure(a.Counterfactual), ConfigHash: a.ConfigHash, ProfileID: a.ProfileID, OneIn: figure(a.OneIn), Text: flatText(a.Text),
	}
	if flat.Items == nil {
		flat.Items = []string{}
	}
	for _, r := range a.Reasons {
		flat.Reasons = append(flat.Reasons, reasonOf(&r))
	}
	for _, r := range a.Evidence {
		flat.Evidence = append(flat.Evidence, flatRange{Source: r.Source.String(), First: r.First, Last: r.Last})
	}
	return appendJSON(b, &flat)
}

// ParseAlert reads what AppendAlert wrote. Keys that it does not know are ignored, so that an older reader understands
// a newer writer; an object without id or fingerprint is no alert. Lists without members are nil, times in UTC.
func ParseAlert(b []byte) (detector.Alert, error) {
	var flat flatAlert
	if err := json.Unmarshal(b, &flat); err != nil {
		return detector.Alert{}, fmt.Errorf("read an alert: %w", err)
	}
	if flat.ID == "" || flat.Fingerprint == "" {
		return detector.Alert{}, errors.New("read an alert: no id or no fingerprint")
	}
	a := detector.Alert{
		ID: flat.ID, Fingerprint: flat.Fingerprint, Activity: flat.Activity, Rule: flat.Rule, Detector: flat.Detector,
		Severity: flat.Severity, Score: float64(flat.Score), EventAt: flat.EventTime.time(), EventID: flat.EventID,
		Entity: detector.EntityRef(flat.Entity), Observed: float64(flat.Observed), Expected: float64(flat.Expected),
		Window:     detector.Span{Start: flat.Window.Start.time(), End: flat.Window.End.time()},
		QuietUntil: flat.QuietUntil.time(),
		Baseline: detector.Baseline{
			Source: flat.Baseline.Source, Days: float64(flat.Baseline.Days), Mean: float64(flat.Baseline.Mean),
			Dispersion: float64(flat.Baseline.Dispersion),
		},
		ItemsTotal: flat.ItemsTotal, Held: flat.Held, Late: flat.Late,
		Counterfactual: float64(flat.Counterfactual), ConfigHash: flat.ConfigHash, ProfileID: flat.ProfileID, OneIn: float64(flat.OneIn), Text: detector.Text(flat.Text),
	}
	if len(flat.Items) > 0 {
		a.Items = flat.Items
	}
	for _, r := range flat.Reasons {
		a.Reasons = append(a.Reasons, r.reason())
	}
	for _, r := range flat.Evidence {
		source, err := windows.ParseSource(r.Source)
		if err != nil {
			return detector.Alert{}, fmt.Errorf("read the evidence of alert %s: %w", flat.ID, err)
		}
		a.Evidence = append(a.Evidence, detector.OffsetRange{Source: source, First: r.First, Last: r.Last})
	}
	return a, nil
}
