package pipeline

import (
	"fmt"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// fault is why no event can be made of a record: an error, or that the decoder panicked, and how.
type fault struct {
	err      error
	panicked string
}

// decode makes events of the records of a batch. Whoever fetches does it, beside the evaluation of the batch before, so
// it looks at nothing of the worker that changes. Calls must follow one another.
func (w *Worker) decode(source windows.Source, b *Batch) {
	b.events = make([]detector.Event, len(b.Records))
	defer w.decoding.Store(0)
	for i := range b.Records {
		r := &b.Records[i]
		w.decoding.Store(r.Offset + 1)
		if f := w.decodeOne(&b.events[i], r, windows.Coordinates{Source: source, Offset: r.Offset}); f.err != nil || f.panicked != "" {
			if b.faults == nil {
				b.faults = map[int]fault{}
			}
			b.faults[i] = f
		}
	}
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
