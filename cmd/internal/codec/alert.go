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
	w := writer(b)
	w.text(`{"id":`, a.ID)
	w.text(`,"fingerprint":`, a.Fingerprint)
	w.text(`,"activity":`, string(a.Activity))
	w.text(`,"rule":`, a.Rule)
	w.text(`,"detector":`, a.Detector)
	w.text(`,"severity":`, string(a.Severity))
	w.figure(`,"score":`, a.Score)
	w.stamp(`,"event_time":`, a.EventAt)
	w.text(`,"event_id":`, a.EventID)
	w.text(`,"entity":{"kind":`, string(a.Entity.Kind))
	w.text(`,"id":`, a.Entity.ID)
	w.figure(`},"observed":`, a.Observed)
	w.figure(`,"expected":`, a.Expected)
	w.stamp(`,"window":{"start":`, a.Window.Start)
	w.stamp(`,"end":`, a.Window.End)
	w.stamp(`},"quiet_until":`, a.QuietUntil)
	w.text(`,"baseline":{"source":`, string(a.Baseline.Source))
	w.figure(`,"days":`, a.Baseline.Days)
	w.figure(`,"mean":`, a.Baseline.Mean)
	w.figure(`,"dispersion":`, a.Baseline.Dispersion)
	w.raw(`},"reasons":[`)
	for i := range a.Reasons {
		w.reason(separator(i), &a.Reasons[i])
	}
	w.raw(`],"items":[`)
	for i, item := range a.Items {
		w.text(separator(i), item)
	}
	w.whole(`],"items_total":`, a.ItemsTotal)
	w.whole(`,"held":`, a.Held)
	w.flag(`,"late":`, a.Late)
	w.raw(`,"evidence":[`)
	for i := range a.Evidence {
		w.evidence(separator(i), &a.Evidence[i])
	}
	w.figure(`],"counterfactual":`, a.Counterfactual)
	w.text(`,"config_hash":`, a.ConfigHash)
	w.text(`,"profile_id":`, a.ProfileID)
	w.figure(`,"one_in":`, a.OneIn)
	w.sentence(`,"text":`, a.Text)
	w.raw(`}`)
	return w
}

func (w *writer) reason(before string, r *detector.Reason) {
	w.raw(before)
	w.text(`{"detector":`, r.Detector)
	w.figure(`,"score":`, r.Score)
	w.figure(`,"observed":`, r.Observed)
	w.figure(`,"expected":`, r.Expected)
	w.sentence(`,"text":`, r.Text)
	w.raw(`}`)
}

func (w *writer) evidence(before string, r *detector.OffsetRange) {
	w.raw(before)
	w.text(`{"source":`, r.Source.String())
	w.whole(`,"first":`, r.First)
	w.whole(`,"last":`, r.Last)
	w.raw(`}`)
}

func (w *writer) sentence(before string, t detector.Text) {
	w.raw(before)
	w.text(`{"en":`, t.EN)
	w.text(`,"vi":`, t.VI)
	w.raw(`}`)
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
