package pipeline

import (
	"fmt"
	"slices"
	"sync"

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
	d := w.decodings.take()
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

// recycle lets the memory of a batch be used for another one. Nothing may hold one of its events or records.
func (w *Worker) recycle(b *Batch) {
	d := b.decoded
	b.decoded = nil
	clear(d.events)
	d.faults = nil
	w.decodings.put(d)
	if b.Release != nil {
		b.Release()
	}
}

// decodings are kept to be used again, a few at most. (A sync.Pool would keep the worker that it is part of until the
// second collection of garbage after its end.)
type decodings struct {
	mu    sync.Mutex // the one who fetches takes, the worker puts
	spare []*decoded
}

// BatchesInUse is how many batches a worker has at once: one being fetched or decoded, one ready, one in work.
const BatchesInUse = 3

func (d *decodings) take() *decoded {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(d.spare)
	if n == 0 {
		return &decoded{}
	}
	last := d.spare[n-1]
	d.spare = d.spare[:n-1]
	return last
}

func (d *decodings) put(one *decoded) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.spare) < BatchesInUse {
		d.spare = append(d.spare, one)
	}
}

func (w *Worker) decodeOne(e *detector.Event, r *Record, at windows.Coordinates) (f fault) {
	defer func() {
		if p := recover(); p != nil {
			f.panicked = fmt.Sprint(p)
			*e = detector.Event{}
		}
	}()
	s, err := r.Resubmission()
	if err != nil {
		return fault{err: err}
	}
	if s == nil {
		f.err = w.options.Decoder.DecodeInto(e, r.Value, at, r.Time)
		return f
	}
	f.err = w.options.Decoder.DecodeInto(e, r.Value, s.First, s.Time)
	e.At, e.Resubmitted = at, &detector.Resubmitted{First: s.First, At: r.Time}
	return f
}
