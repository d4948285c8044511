package detector

import (
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// A Detector judges one entity at one event, which is counted already. It holds only settings, so it may be shared.
type Detector interface {
	// Name is the rule's name in the configuration.
	Name() string
	// Kind is the kind of entity that it judges.
	Kind() windows.Kind
	// Counts lists what must be counted for it.
	Counts() []Count
	// Window is the span that it judges, in panes of a resolution that it counts.
	Window() (windows.Window, windows.Resolution)
	// Judge puts what it concludes about the entity as of the pane of At in place of what the finding held. It reads no
	// pane after that one.
	Judge(*View, *Finding)
}

// Count is a measure followed at a resolution.
type Count struct {
	Measure    windows.Measure
	Resolution windows.Resolution
}

// View is what a detector sees.
type View struct {
	Event  *Event
	Entity *windows.Entity
	// At is the instant of judgement: the event's own time, or for a late event also the start of later panes.
	At time.Time
	// Marks is what counting the event showed.
	Marks   Marks
	Profile *Profile
	memory  **memo  // where the subject keeps its memo; nil where it keeps none
	silent  *silent // where to leave what tells the finding's Counterfactual later; nil is to work it out at once
	way     *way    // the event's; nil is to work it out
	shared  *shared // what the detector used last; nil is to work it out
}

// share is Profile.share of the detector's window.
func (v *View) share(s Span) float64 {
	if v.shared == nil {
		return v.Profile.share(s)
	}
	return v.shared.of(v.Profile, s)
}

// span is the window that ends with the pane of at.
func span(w windows.Window, r windows.Resolution, at time.Time) (s Span, from, to int64) {
	to = r.Pane(at)
	from = to - w.Panes() + 1
	return Span{Start: r.Start(from), End: r.Start(to + 1)}, from, to
}
