package pipeline

import (
	"context"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// buried are records of a partition that are dead letters, by offset, with their timestamps in Unix milliseconds. A record that became a
// dead letter stays out whatever a later configuration would make of it, until it is resubmitted: else one that is read
// again, after lost state or a crash, would count beside its copy, which nobody can know when it comes.
type buried map[int64]int64

// holds tells that the record is a dead letter. By its timestamp it is known from one of another topic of that name.
func (b buried) holds(r *Record) bool {
	at, ok := b[r.Offset]
	return ok && at == r.Time.UnixMilli()
}

// clocksApart is how much the clock behind a record's timestamp may be ahead of the clock behind its dead letter's.
const clocksApart = 10 * time.Minute

// bury finds out which records are dead letters of those that the worker is about to read. In one life of a worker they
// are asked for once, or again when it goes back further: what became a dead letter since becomes one again.
func (r *runner) bury(ctx context.Context, s *standing) error {
	if r.io.Buried == nil {
		return nil
	}
	o := r.worker.options
	from := decide(*s, o.StartAtEnd).position
	if r.buried == nil || from < r.buriedFrom {
		found, err := r.io.Buried(ctx, windows.Source{Topic: o.Topic, Partition: o.Partition}, from, lettersSince(s.fences))
		if err != nil {
			return err
		}
		r.buried, r.buriedFrom = found, from
		if r.buried == nil {
			r.buried = buried{}
		}
	}
	s.buried = r.buried
	return nil
}

// lettersSince is a time before which no dead letter was written of a record behind the lowest fence: such records were
// read after that of any fence was written. Zero if it is unknown.
func lettersSince(f *windows.Fences) time.Time {
	var earliest time.Time
	for b := range f.At {
		at := f.At[b].Time
		if !f.Present[b] || at.IsZero() {
			return time.Time{}
		}
		if earliest.IsZero() || at.Before(earliest) {
			earliest = at
		}
	}
	return earliest.Add(-clocksApart)
}
