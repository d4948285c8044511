package pipeline

import (
	"slices"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// doubt is an event of an entity that was judged in sight of this worker's counts alone, for all that is known.
type doubt struct {
	judged detector.Judged
	// item is set while the event belongs to the batch in hand, see keep.
	item *item
}

// lookBack is how many events back one is looked for to take the place of. The events of a pane mostly come together;
// that some are judged in vain does no harm.
const lookBack = 4

// doubt notes that the event which the entry has just counted may have to be judged once more.
func (w *Worker) doubt(it *item, e *entry) {
	e.unsure = w.addDoubt(e.unsure, doubt{e.subject.Judged(), it}, e.key.Kind)
	if !e.doubting {
		e.doubting = true
		w.doubting = append(w.doubting, e)
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

// keep copies the events of the batch in hand that somebody may want to judge again, so that the batch can go. Most of a
// busy sender's events have had their place taken by then, and what judging needs is a part of an event.
func (w *Worker) keep() {
	w.kept, w.texts = w.kept[:0], w.texts[:0]
	for _, e := range w.doubting {
		for i := range e.unsure {
			if it := e.unsure[i].item; it != nil && !it.kept {
				it.kept, it.place = true, len(w.kept)
				w.kept = append(w.kept, it.event)
				w.texts = appendTexts(w.texts, it.event)
			}
		}
	}
	copies, texts := make([]detector.Event, len(w.kept)), string(w.texts)
	for i, e := range w.kept {
		copies[i] = *e
		texts = setTexts(&copies[i], texts)
	}
	for _, e := range w.doubting {
		for i := range e.unsure {
			if d := &e.unsure[i]; d.item != nil {
				d.judged.Keep(&copies[d.item.place])
				d.item = nil
			}
		}
		e.doubting = false
	}
	clear(w.doubting)
	clear(w.kept)
	w.doubting = w.doubting[:0]
}

// appendTexts appends the texts of an event that judging it again needs.
func appendTexts(b []byte, e *detector.Event) []byte {
	b = append(b, e.ID...)
	b = append(b, e.Sender...)
	b = append(b, e.Recipient...)
	b = append(b, e.Item...)
	b = append(b, e.Origin...)
	return append(b, e.Destination...)
}

// setTexts has an event share the text that begins with what appendTexts gave for it, and gives the rest of that.
func setTexts(e *detector.Event, text string) (rest string) {
	next := func(n int) string {
		part := text[:n]
		text = text[n:]
		return part
	}
	e.ID = next(len(e.ID))
	e.Sender = detector.Sender(next(len(e.Sender)))
	e.Recipient = detector.Recipient(next(len(e.Recipient)))
	e.Item = next(len(e.Item))
	e.Origin = detector.Place(next(len(e.Origin)))
	e.Destination = detector.Place(next(len(e.Destination)))
	e.Type, e.Currency, e.Service, e.Operator, e.Attributes = "", "", "", "", nil
	return text
}
