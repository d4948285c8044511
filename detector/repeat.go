package detector

import (
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// repeats gives Duplicate or SameItem for an event that the entity has counted already, by its id, its item's number or
// where it stood first, as far as these are remembered, else Counted; then they are remembered from now on. Ids and
// items together take at most a quarter of the entity's fields, those seen last.
func (s *Set) repeats(e *Event, entity *windows.Entity) Outcome {
	if e.Resubmitted != nil && s.resubmitted(e.Resubmitted, entity) {
		return Duplicate
	}
	ids, items := s.settings.DuplicateHorizon, s.settings.ItemHorizon
	longest := max(ids, items)
	if longest == 0 {
		return Counted
	}
	var marks [2]windows.Sub
	n := 0
	if ids > 0 {
		marks[n] = windows.NewMark(e.ID)
		if remembers(entity, marks[n], e.Time, ids) {
			return Duplicate
		}
		n++
	}
	if items > 0 && e.Item != "" {
		marks[n] = windows.NewMark("item\x00" + e.Item) // an event may have its item's number as id
		if remembers(entity, marks[n], e.Time, items) {
			return SameItem
		}
		n++
	}
	for _, mark := range marks[:n] {
		entity.Saw(mark, e.Time)
	}
	entity.ForgetMarks(e.Time.Add(-longest), s.settings.MaxFields/4)
	return Counted
}

// resubmitted tells that the entity has counted a copy of a resubmitted message, and remembers this one. That costs
// nothing to those that have none, so it needs no setting. Of copies written long after each other the first may be
// forgotten: an entity remembers the last ResubmittedAtOnce twice over.
func (s *Set) resubmitted(r *Resubmitted, entity *windows.Entity) bool {
	mark := windows.NewLastingMark(r.First.String())
	if _, ok := entity.Seen(mark); ok {
		return true
	}
	entity.Saw(mark, r.At)
	entity.ForgetLastingMarks(2 * s.ResubmittedAtOnce())
	return false
}

// ResubmittedAtOnce is how many messages can be written to the log again by each of two who know nothing of each other,
// so that all entities recognise what both have written: together an eighth of an entity's fields.
func (s *Set) ResubmittedAtOnce() int { return s.settings.MaxFields / 16 }

// remembers tells that the entity saw the mark within the horizon, before t or after it.
func remembers(entity *windows.Entity, mark windows.Sub, t time.Time, horizon time.Duration) bool {
	seen, ok := entity.Seen(mark)
	return ok && t.Sub(seen).Abs() <= horizon
}
