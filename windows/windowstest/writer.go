package windowstest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/parcelsentry/parcelsentry/windows"
)

// errGo is what a writer gets that must start again from the fences: somebody newer is there, or writes were lost.
var errGo = errors.New("the fence is not as expected")

// writer is the shortest program that counts a log exactly: it starts behind the lowest fence, counts in each bucket
// what the bucket does not hold, and flushes bucket by bucket.
type writer struct {
	store  windows.Store
	source windows.Source
	log    []shipment

	number   uint64 // of its own, that its fences bear
	next     int64  // offset to read
	fences   *windows.Fences
	entities map[windows.Key]*windows.Entity
	todo     []windows.Update // the flush in progress
}

// start forgets everything and takes its position from the fences.
func (w *writer) start(ctx context.Context) error {
	fences, err := w.store.Fences(ctx, w.source.Topic, w.source.Partition)
	if err != nil {
		return err
	}
	w.fences, w.entities, w.todo = fences, map[windows.Key]*windows.Entity{}, nil
	lowest := fences.At[0].Offset
	for b, f := range fences.At {
		if !fences.Present[b] {
			return fmt.Errorf("bucket %d has no fence of %s", b, w.source)
		}
		lowest = min(lowest, f.Offset)
	}
	w.next = lowest + 1
	return nil
}

func (w *writer) done() bool { return w.next == int64(len(w.log)) }

// read counts one event in the buckets that don't hold it.
func (w *writer) read(ctx context.Context) error {
	s := w.log[w.next]
	at := windows.Coordinates{Source: w.source, Offset: w.next}
	for _, side := range s.sides() {
		if w.next <= w.fences.At[side.key.Bucket()].Offset {
			continue
		}
		e, err := w.entity(ctx, side.key)
		if err != nil {
			return err
		}
		count(e, s, side.other, at)
	}
	w.next++
	return nil
}

func (w *writer) entity(ctx context.Context, key windows.Key) (*windows.Entity, error) {
	if e, ok := w.entities[key]; ok {
		return e, nil
	}
	loaded, err := w.store.Load(ctx, w.source, []windows.Key{key})
	if err != nil {
		return nil, err
	}
	if !loaded[0].Present || !loaded[0].Fence.Is(w.fences.At[key.Bucket()]) {
		return nil, errGo
	}
	e := loaded[0].Entity
	e.Settle(ladder)
	w.entities[key] = e
	return e, nil
}

// flush prepares the updates of every bucket that something was counted in.
func (w *writer) flush() {
	deltas := map[int][]windows.Delta{}
	for key, e := range w.entities {
		if e.Dirty() {
			deltas[key.Bucket()] = append(deltas[key.Bucket()], e.TakeDelta())
		}
	}
	for b, d := range deltas {
		w.todo = append(w.todo, w.update(b, d))
	}
	slices.SortFunc(w.todo, func(a, b windows.Update) int { return a.Bucket - b.Bucket })
}

// checkpoint prepares to move every fence.
func (w *writer) checkpoint() {
	for b, f := range w.fences.At {
		if f.Offset < w.next-1 {
			w.todo = append(w.todo, w.update(b, nil))
		}
	}
}

func (w *writer) update(bucket int, deltas []windows.Delta) windows.Update {
	return windows.Update{
		Bucket:   bucket,
		Expected: w.fences.At[bucket],
		New:      windows.Fence{Offset: w.next - 1, Time: w.log[w.next-1].time, Writer: w.number},
		Deltas:   deltas,
	}
}

// apply does the first n updates of the flush in progress. The answer may be lost: then they are still to be done.
func (w *writer) apply(ctx context.Context, n int, lost bool) error {
	updates := w.todo[:n]
	results, err := w.store.Apply(ctx, w.source, updates)
	if err != nil || lost {
		return err
	}
	for i, r := range results {
		if r.Status == windows.Refused {
			return errGo
		}
		w.fences.At[updates[i].Bucket] = updates[i].New
	}
	w.todo = w.todo[n:]
	return nil
}

// finish reads and flushes what is left of the log.
func (w *writer) finish(ctx context.Context) error {
	for !w.done() {
		if err := w.read(ctx); err != nil {
			return err
		}
	}
	w.flush()
	return w.apply(ctx, len(w.todo), false)
}
