package detector

import (
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// repeats gives Duplicate or SameItem for an event that the entity has counted already, by its id or its item's number
// as far as these are remembered, else Counted; then they are remembered from now on. Ids and items together take at
// most a quarter of the entity's fields, those seen last.
func (s *Set) repeats(e *Event, entity *windows.Entity) Outcome {
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

// remembers tells that the entity saw the mark within the horizon, before t or after it.
func remembers(entity *windows.Entity, mark windows.Sub, t time.Time, horizon time.Duration) bool {
	seen, ok := entity.Seen(mark)
	return ok && t.Sub(seen).Abs() <= horizon
}
