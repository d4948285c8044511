package pipeline

import (
	"slices"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// doubt is an event of an entity that was judged in sight of this worker's counts alone, for all that is known.
type doubt struct {
	judged detector.Judged
	kept   *kept
}

// kept is a copy of an event that several entities of it may hold. What is not needed to judge it again is left out, so
// that what waits for a flush takes little memory.
type kept struct {
	event   detector.Event
	holders int
}

// lookBack is how many events back one is looked for to take the place of. The events of a pane mostly come together;
// that some are judged in vain does no harm.
const lookBack = 4

// doubt notes that the event which the entry has just counted may have to be judged once more.
func (w *Worker) doubt(it *item, e *entry) {
	if it.kept == nil {
		it.kept = w.keep(it.event)
	}
	it.kept.holders++
	d := doubt{judged: e.subject.Judged(), kept: it.kept}
	d.judged.Keep(&it.kept.event)
	e.unsure = w.addDoubt(e.unsure, d, e.key.Kind)
}

// addDoubt appends d, perhaps in the place of one for which it stands.
func (w *Worker) addDoubt(all []doubt, d doubt, kind windows.Kind) []doubt {
	for i := len(all) - 1; i >= max(0, len(all)-lookBack); i-- {
		if w.options.Set.Stands(&d.judged, &all[i].judged, kind) {
			w.release(all[i].kept)
			all = slices.Delete(all, i, i+1)
			break
		}
	}
	return append(all, d)
}

// keep copies an event.
func (w *Worker) keep(e *detector.Event) *kept {
	var k *kept
	if n := len(w.spare); n > 0 {
		k, w.spare = w.spare[n-1], w.spare[:n-1]
	} else {
		k = &kept{}
	}
	k.event = *e
	b := append(w.texts[:0], e.ID...)
	b = append(b, e.Sender...)
	b = append(b, e.Recipient...)
	b = append(b, e.Item...)
	b = append(b, e.Origin...)
	b = append(b, e.Destination...)
	w.texts = b
	all := string(b)
	next := func(n int) string {
		part := all[:n]
		all = all[n:]
		return part
	}
	k.event.ID = next(len(e.ID))
	k.event.Sender = detector.Sender(next(len(e.Sender)))
	k.event.Recipient = detector.Recipient(next(len(e.Recipient)))
	k.event.Item = next(len(e.Item))
	k.event.Origin = detector.Place(next(len(e.Origin)))
	k.event.Destination = detector.Place(next(len(e.Destination)))
	k.event.Type, k.event.Currency, k.event.Service, k.event.Operator, k.event.Attributes = "", "", "", "", nil
	return k
}

// release lets one holder go, and the copy be used again with the last.
func (w *Worker) release(k *kept) {
	k.holders--
	if k.holders == 0 && len(w.spare) < mostSpare {
		k.event = detector.Event{}
		w.spare = append(w.spare, k)
	}
}

// mostSpare bounds the copies that wait to be used again.
const mostSpare = 4096
