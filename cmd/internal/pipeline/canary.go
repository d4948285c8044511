package pipeline

import (
	"fmt"
	"time"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// Canary is how a worker treats records that the service wrote to see whether it still sees. Such a record is decoded,
// counted and judged, and its alert goes to the sink, by the code that does so for any other. But it is counted in an
// entity of its own that nobody keeps, so neither entities, nor the profile, nor the metrics of shipments know of it.
type Canary struct {
	// Recognise tells whether the service wrote the record.
	Recognise func(*Record) bool
	// MaxAge is how much older or newer than its record the event may be.
	MaxAge time.Duration
	// Set judges the event, the first of its sender.
	Set *detector.Set
}

// canary gives the event of a record that is a canary, else nil. One that can't be decoded is none: the decoder is at
// fault, or the settings are, and whoever waits for the alert will tell.
func (w *Worker) canary(r *Record, event *detector.Event, bad fault) *detector.Event {
	c := w.options.Canary
	if c == nil || len(r.Headers) == 0 || !c.Recognise(r) {
		return nil
	}
	if bad != (fault{}) || event.Resubmitted != nil || r.Time.Sub(event.Time).Abs() > c.MaxAge {
		return nil
	}
	e := *event
	e.Type = "" // a shipment, for the detectors
	return &e
}

// sing says the alert that a canary makes, unless it was acknowledged in an earlier life: it was, if the offset is
// committed.
func (w *Worker) sing(it *item) {
	if it.record.Offset < w.told {
		return
	}
	set := w.options.Canary.Set
	if outcome := set.Admit(it.canary); outcome != detector.Counted {
		panic(fmt.Sprintf("a canary is %s", outcome))
	}
	var subjects detector.Subjects
	for _, key := range set.Keys(it.canary) {
		subject, _ := detector.NewSubject(windows.NewEntity(key)) // without a note there is nothing to misread
		subjects.Set(subject)
	}
	c := set.Observe(it.canary, subjects, set.NewProfile(0), detector.NewSums())
	for i := range c.Alerts {
		w.say(w.output(it.record, Output{Alert: &c.Alerts[i], Canary: true}))
	}
}
