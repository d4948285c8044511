package memstore

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// entity is one stored entity. The counts are sorted as windows keeps them, so loading appends only, and a delta
// costs its own size and a short move.
type entity struct {
	counts  []windows.FieldCount
	members map[windows.Sub]int64
	first   windows.First
	note    string
	events  int64
}

func compareFields(c windows.FieldCount, f windows.Field) int {
	return cmp.Or(
		cmp.Compare(c.Field.Measure, f.Measure),
		cmp.Compare(c.Field.Resolution, f.Resolution),
		slices.Compare(c.Field.Sub[:], f.Sub[:]),
		cmp.Compare(c.Field.Pane, f.Pane),
	)
}

// add adds a delta. Nothing of d is kept.
func (e *entity) add(d *windows.Delta) {
	for _, c := range d.Add {
		e.count(c)
	}
	for _, f := range d.Drop {
		if i, ok := slices.BinarySearchFunc(e.counts, f, compareFields); ok {
			e.counts = slices.Delete(e.counts, i, i+1)
		}
	}
	for _, sub := range d.Forget {
		delete(e.members, sub)
	}
	if e.members == nil && len(d.Seen) > 0 {
		e.members = make(map[windows.Sub]int64, len(d.Seen))
	}
	for _, m := range d.Seen {
		if last, ok := e.members[m.Sub]; !ok || m.UnixMilli > last {
			e.members[m.Sub] = m.UnixMilli
		}
	}
	if f := millisFirst(d.First); f.Before(e.first) {
		e.first = f
	}
	if d.SetNote {
		e.note = d.Note
	}
	e.events += d.Events
}

func (e *entity) count(c windows.FieldCount) {
	i, ok := slices.BinarySearchFunc(e.counts, c.Field, compareFields)
	switch {
	case !ok && c.N == 0:
	case !ok:
		e.counts = slices.Insert(e.counts, i, c)
	case e.counts[i].N+c.N == 0:
		e.counts = slices.Delete(e.counts, i, i+1)
	default:
		e.counts[i].N += c.N
	}
}

// restore builds what a caller may own. The nil entity is one of which nothing is known.
func (e *entity) restore(key windows.Key) *windows.Entity {
	out := windows.NewEntity(key)
	if e == nil {
		return out
	}
	out.Grow(len(e.counts))
	for _, c := range e.counts {
		out.RestoreCount(c.Field, c.N)
	}
	for sub, ms := range e.members {
		out.RestoreMember(sub, time.UnixMilli(ms))
	}
	out.RestoreFirst(e.first)
	out.RestoreNote(e.note)
	out.RestoreEvents(e.events)
	return out
}

func (e *entity) empty() bool {
	return len(e.counts) == 0 && len(e.members) == 0 && e.first.IsZero() && e.note == "" && e.events == 0
}

func (e *entity) clone() *entity {
	c := *e
	c.counts = slices.Clone(e.counts)
	c.members = maps.Clone(e.members)
	return &c
}

func millisFirst(f windows.First) windows.First {
	if !f.IsZero() {
		f.Time = time.UnixMilli(f.Time.UnixMilli()).UTC()
	}
	return f
}
