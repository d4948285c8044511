package detector

import (
	"weak"

	"github.com/parcelsentry/parcelsentry/windows"
)

// learned is what the closed days [first, end) of a detector's count taught, and by what they were judged.
type learned struct {
	of         *counting // nil if it does not hold any more
	profile    weak.Pointer[Profile]
	first, end int64
	rate       rate
}

func (l *learned) learn(panes []windows.PaneCount, p *Profile) rate {
	return learnRate(panes, l.first, l.end, p.priors[l.of.family], p.activity)
}

// follow takes in an event that the entity counts now: on a closed day it teaches something else.
func (l *learned) follow(e *Event) {
	if l.of != nil && l.of.days.Pane(e.Time) < l.end {
		l.of = nil
	}
}
