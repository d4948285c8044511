package detector

import (
	"slices"
	"time"
)

// Admission says which events are taken at all. Time is measured against the record that carried the event, so the
// answer depends on nothing but the two; an event without a record timestamp, as in a file, is always in time.
type Admission struct {
	// Lateness is how long before its record an event may have happened, ClockTolerance how long after it. 0 is no
	// bound.
	Lateness, ClockTolerance time.Duration
}

// Admit gives Counted for an event to be counted, else why not: NotShipment, TooLate or Future.
func (s *Set) Admit(e *Event) Outcome {
	if e.Type != "" && !slices.Contains(s.settings.ShipmentTypes, e.Type) {
		return NotShipment
	}
	if e.RecordTime.IsZero() {
		return Counted
	}
	a := s.settings.Admission
	age := e.RecordTime.Sub(e.Time)
	switch {
	case a.Lateness > 0 && age > a.Lateness:
		return TooLate
	case a.ClockTolerance > 0 && -age > a.ClockTolerance:
		return Future
	}
	return Counted
}
