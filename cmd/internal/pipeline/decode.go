package pipeline

import (
	"fmt"
	"slices"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// decoded is what the records of a batch hold.
type decoded struct {
	events []detector.Event // one a record
	faults map[int]fault    // by the number of the record
}

// fault is why no event can be made of a record: an error, or that the decoder panicked, and how.
type fault struct {
	err      error
	panicked string
}

// decode makes events of the records of a batch. Whoever fetches does it, beside the evaluation of the batch before, so
// it looks at nothing of the worker that changes. Calls must follow one another.
func (w *Worker) decode(source windows.Source, b *Batch) {
	d, _ := w.decodings.Get().(*decoded)
	if d == nil {
		d = &decoded{}
	}
	d.events = slices.Grow(d.events[:0], len(b.Records))[:len(b.Records)]
	b.decoded = d
	defer w.decoding.Store(0)
	for i := range b.Records {
		r := &b.Records[i]
		w.decoding.Store(r.Offset + 1)
		if f := w.decodeOne(&d.events[i], r, windows.Coordinates{Source: source, Offset: r.Offset}); f.err != nil || f.panicked != "" {
			if d.faults == nil {
				d.faults = map[int]fault{}
			}
			d.faults[i] = f
		}
	}
}

// recycle lets the memory of a batch's events be used for another batch. Nothing may hold one of the events.
func (w *Worker) recycle(b *Batch) {
	d := b.decoded
	b.decoded = nil
	clear(d.events)
	d.faults = nil
	w.decodings.Put(d)
}

func (w *Worker) decodeOne(e *detector.Event, r *Record, at windows.Coordinates) (f fault) {
	defer func() {
		if p := recover(); p != nil {
			f.panicked = fmt.Sprint(p)
		}
	}()
	s, err := r.Resubmission()
	if err != nil {
		return fault{err: err}
	}
	if s == nil {
		*e, f.err = w.options.Decoder.Decode(r.Value, at, r.Time)
		return f
	}
	*e, f.err = w.options.Decoder.Decode(r.Value, s.First, s.Time)
	e.At, e.Resubmitted = at, &detector.Resubmitted{First: s.First, At: r.Time}
	return f
}
