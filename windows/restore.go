package windows

import "time"

// The Restore methods are for stores that build an entity from what they hold. They leave nothing to take.

// RestoreCount sets a count. Call it once a field.
func (e *Entity) RestoreCount(f Field, n int64) { e.counts.add(f.Series, f.Pane, n, false) }

// RestoreMember sets when a member was last seen.
func (e *Entity) RestoreMember(sub Sub, t time.Time) {
	if e.members == nil {
		e.members = map[Sub]int64{}
	}
	e.members[sub] = t.UnixMilli()
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
		for _, s := range e.counts.series {
			if s.id.Resolution != r.Name || len(s.panes) == 0 {
				continue
			}
			last := s.panes[len(s.panes)-1].Pane
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
	for _, s := range e.counts.series {
		for _, p := range s.panes {
			if p.N != 0 {
				all = append(all, FieldCount{Field{s.id, p.Pane}, p.N})
			}
		}
	}
	return all
}

// AllMembers gives every member in the order of when it was last seen.
func (e *Entity) AllMembers() []Member {
	var all []Member
	for sub, ms := range e.members {
		all = append(all, Member{sub, ms})
	}
	sortMembers(all)
	return all
}
