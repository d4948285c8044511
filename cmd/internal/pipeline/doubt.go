package pipeline

import (
	"slices"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// doubt is an event of an entity that was judged in sight of this worker's counts alone, for all that is known.
type doubt struct {
	judged detector.Judged
	// item is set while the event belongs to the batch in hand; then judged has no event, and kept begins with it, see keep.
	item *item
	kept []byte
}

// lookBack is how many events back one is looked for to take the place of. The events of a pane mostly come together;
// that some are judged in vain does no harm.
const lookBack = 4

// doubt notes that the event which the entry has just counted may have to be judged once more.
func (w *Worker) doubt(s *shard, it *item, e *entry) {
	e.unsure = w.addDoubt(e.unsure, doubt{judged: e.subject.Judged(), item: it}, e.key.Kind)
	if !e.doubting {
		e.doubting = true
		s.doubting = append(s.doubting, e)
	}
}

// addDoubt appends d, perhaps in the place of one for which it stands.
func (w *Worker) addDoubt(all []doubt, d doubt, kind windows.Kind) []doubt {
	for i := len(all) - 1; i >= max(0, len(all)-lookBack); i-- {
		if !w.options.Set.Stands(&d.judged, &all[i].judged, kind) {
			continue
		}
		if i == len(all)-1 {
			all[i] = d
			return all
		}
		all = slices.Delete(all, i, i+1)
		break
	}
	return append(all, d)
}
