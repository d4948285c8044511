package detector

import "github.com/parcelsentry/parcelsentry/windows"

// Slots of the tally of places folded into windows.Others.
const (
	foldedPlaces int64 = iota
	foldedOnce
	foldedTwice
)

// bound folds the least used places of an entity into one until at most limit fields are left, or nothing is left to
// fold. The place of the event in hand stays, so that a new one can grow. What is folded depends on the entity
// alone, so a replay folds the same. The memo may be nil.
func bound(e *windows.Entity, all windows.Resolution, keep windows.Sub, limit int, m *memo) {
	for e.Fields() > limit {
		var least windows.Sub
		fewest := int64(-1)
		for sub, panes := range e.Subs(measurePlaces, all) {
			if sub == keep || sub == windows.Others {
				continue
			}
			var n int64
			for _, p := range panes {
				n += p.N
			}
			if fewest < 0 || n < fewest {
				least, fewest = sub, n
			}
		}
		if fewest < 0 {
			return
		}
		m.fold(e, least)
		e.Fold(measurePlaces, least)
		e.Tally(measureFolded, foldedPlaces, 1)
		switch fewest {
		case 1:
			e.Tally(measureFolded, foldedOnce, 1)
		case 2:
			e.Tally(measureFolded, foldedTwice, 1)
		}
	}
}
