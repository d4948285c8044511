package detector

import "github.com/parcelsentry/parcelsentry/windows"

// Slots of the tally of places folded into windows.Others.
const (
	foldedPlaces int64 = iota
	foldedOnce
	foldedTwice
)

// foldedOf gives how many places were folded into windows.Others, and how many of them were used once and twice.
func foldedOf(e *windows.Entity) (places, once, twice int64) {
	for _, t := range e.Panes(measureFolded, windows.Resolution{Name: windows.AllTime}, windows.Sub{}) {
		switch t.Pane {
		case foldedPlaces:
			places = t.N
		case foldedOnce:
			once = t.N
		case foldedTwice:
			twice = t.N
		}
	}
	return places, once, twice
}

// bound folds the least used places of an entity into one until at most limit fields are left, or nothing is left to
// fold. The place of the event in hand stays, so that a new one can grow. What is folded depends on the entity
// alone, so a replay folds the same. The memo may be nil.
func bound(e *windows.Entity, all windows.Resolution, keep windows.Sub, limit int, m *memo) {
	if e.Fields() <= limit {
		return
	}
	rare := m.rarest()
	rare.expire(e, all)
	for e.Fields() > limit {
		least, ok := rare.take(keep)
		if !ok {
			rare.look(e, all)
			if least, ok = rare.take(keep); !ok {
				return
			}
		}
		m.fold(e, least.place)
		e.Fold(measurePlaces, least.place)
		e.Tally(measureFolded, foldedPlaces, 1)
		switch least.parcels {
		case 1:
			e.Tally(measureFolded, foldedOnce, 1)
		case 2:
			e.Tally(measureFolded, foldedTwice, 1)
		}
	}
}
