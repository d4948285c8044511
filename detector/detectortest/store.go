package detectortest

import (
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// store keeps entities as the real ones do, as plainly as can be.
type store map[windows.Key]*record

type record struct {
	counts  map[windows.Field]int64
	members map[windows.Sub]int64
	first   windows.First
	note    string
	events  int64
}

// load builds an entity, empty if it was never stored.
func (s store) load(key windows.Key, ladder windows.Ladder) *windows.Entity {
	e := windows.NewEntity(key)
	r := s[key]
	if r == nil {
		return e
	}
	for field, n := range r.counts {
		e.RestoreCount(field, n)
	}
	for sub, ms := range r.members {
		e.RestoreMember(sub, time.UnixMilli(ms))
	}
	e.RestoreFirst(r.first)
	e.RestoreNote(r.note)
	e.RestoreEvents(r.events)
	e.Settle(ladder)
	return e
}

// apply does what windows.Delta says.
func (s store) apply(d windows.Delta) {
	r := s[d.Key]
	if r == nil {
		r = &record{counts: map[windows.Field]int64{}, members: map[windows.Sub]int64{}}
		s[d.Key] = r
	}
	for _, a := range d.Add {
		if r.counts[a.Field] += a.N; r.counts[a.Field] == 0 {
			delete(r.counts, a.Field)
		}
	}
	for _, f := range d.Drop {
		delete(r.counts, f)
	}
	for _, sub := range d.Forget {
		delete(r.members, sub)
	}
	for _, m := range d.Seen {
		r.members[m.Sub] = max(r.members[m.Sub], m.UnixMilli)
	}
	if d.First.Before(r.first) {
		r.first = d.First
	}
	if d.SetNote {
		r.note = d.Note
	}
	r.events += d.Events
}
