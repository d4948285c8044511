package windows

import "time"

// The Restore methods are for stores that build an entity from what they hold. They leave nothing to take.

// RestoreCount sets a count. Call it once a field.
func (e *Entity) RestoreCount(f Field, n int64) { e.counts.add(f.id(), f.Pane, n, false) }

// RestoreMember sets when a member was last seen.
func (e *Entity) RestoreMember(sub Sub, t time.Time) {
	e.members.restore(sub, t.UnixMilli())
}

// RestoreFirst sets the first event.
func (e *Entity) RestoreFirst(f First) { e.first = f }

// RestoreNote sets the note.
func (e *Entity) RestoreNote(note string) { e.note = note }

// RestoreEvents sets the total of counted events.
func (e *Entity) RestoreEvents(n int64) { e.events = n }

// Settle prepares a restored entity for use under a ladder: it finds the newest pane of each resolution, and what a
// store still holds behind the horizon is left out and dropped with the next delta.
func (e *Entity) Settle(l Ladder) {
	for _, r := range l {
		for i := range e.counts.series {
			panes := e.counts.at(i)
			if e.counts.series[i].resolution() != r.Name || len(panes) == 0 {
				continue
			}
			last := panes[len(panes)-1].Pane
			if newest, any := e.Newest(r); !any || last > newest {
				e.setNewest(r, last)
			}
		}
		e.expire(r)
	}
}

// Counts gives every count held, in the order of series and panes: for stores, inspection and tests.
func (e *Entity) Counts() []FieldCount {
	var all []FieldCount
	for i := range e.counts.series {
		id := e.counts.series[i].id().series()
		for _, p := range e.counts.at(i) {
			if p.N != 0 {
				all = append(all, FieldCount{Field{id, p.Pane}, p.N})
			}
		}
	}
	return all
}

// AllMembers gives every member in the order of when it was last seen.
func (e *Entity) AllMembers() []Member { return e.members.all() }
