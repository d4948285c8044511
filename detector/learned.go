package detector

import "github.com/parcelsentry/parcelsentry/windows"

// learned is what the closed days [first, end) of a detector's count taught, and by what they were judged.
type learned struct {
	of         *counting // nil if it does not hold any more
	prior      Prior
	activity   *activity
	first, end int64
	rate       rate
}

func (l *learned) learn(panes []windows.PaneCount) rate {
	return learnRate(panes, l.first, l.end, l.prior, l.activity)
}

// follow takes in an event that the entity counts now: on a closed day it teaches something else.
func (l *learned) follow(e *Event) {
	if l.of != nil && l.of.days.Pane(e.Time) < l.end {
		l.of = nil
	}
}
