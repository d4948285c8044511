// Package detector decides what is unusual about a shipment, how much, and when to say it again.
//
// A Set counts each Event in the entities that it concerns, lets its detectors judge them, and turns findings into
// alerts that are created, updated and closed. A conclusion is a function of the entity's own events and of the
// settings, never of a clock: replaying a log gives the conclusions that the live run gave.
//
// A Set is immutable and may be shared; an entity belongs to one goroutine at a time.
package detector
