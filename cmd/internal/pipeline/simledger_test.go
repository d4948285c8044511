package pipeline

import (
	"fmt"
	"maps"
	"slices"

	"github.com/parcelsentry/parcelsentry/windows"
)

// placed is a record of one incarnation of the topic, and what it stands for.
type placed struct {
	incarnation, partition int
	offset                 int64
	deed                   int
}

// ledger says which records the counts of each bucket are made of, by what the store promised: an update that was
// applied holds what its worker had fetched between the two fences. It knows nothing of counters.
type ledger struct {
	deeds   []deed
	buckets map[int][]placed // in the order in which they were counted; only of buckets that any event has
	// again are the partitions whose log was cut back: what it still holds may be counted once more.
	again map[int]bool
}

func newLedger(deeds []deed) *ledger {
	l := &ledger{buckets: map[int][]placed{}, again: map[int]bool{}}
	l.know(deeds)
	return l
}

// know takes note of events that were made up.
func (l *ledger) know(deeds []deed) {
	for _, d := range deeds[len(l.deeds):] {
		for _, b := range d.at {
			l.buckets[b] = slices.Grow(l.buckets[b], 1)
		}
	}
	l.deeds = deeds
}

// applied notes that a bucket's fence moved. What is wrong with that is the answer, "" for nothing.
func (l *ledger) applied(u *windows.Update, fetched []placed) string {
	held, any := l.buckets[u.Bucket]
	if !any {
		return ""
	}
	for _, c := range fetched {
		if c.offset <= u.Expected.Offset || c.offset > u.New.Offset || !slices.Contains(l.deeds[c.deed].at, u.Bucket) {
			continue
		}
		if slices.Contains(held, c) && !l.again[c.partition] {
			return fmt.Sprintf("bucket %d counts record %d of partition %d twice", u.Bucket, c.offset, c.partition)
		}
		held = append(held, c)
	}
	l.buckets[u.Bucket] = held
	return ""
}

// of gives what an entity's counts are made of.
func (l *ledger) of(key windows.Key, bucket int) (all []placed) {
	for _, c := range l.buckets[bucket] {
		if slices.Contains(l.deeds[c.deed].keys, key) {
			all = append(all, c)
		}
	}
	return all
}

// holds tells that a bucket's counts hold a record.
func (l *ledger) holds(bucket int, c placed) bool { return slices.Contains(l.buckets[bucket], c) }

// snapshot remembers the ledger; see memstore.Store.Snapshot.
func (l *ledger) snapshot() func(holds func(int) bool) {
	then := maps.Clone(l.buckets)
	return func(holds func(int) bool) {
		for b := range l.buckets {
			if holds(b) {
				l.buckets[b] = slices.Clip(then[b])
			}
		}
	}
}

// lose forgets buckets.
func (l *ledger) lose(holds func(int) bool) {
	for b := range l.buckets {
		if holds(b) {
			l.buckets[b] = nil
		}
	}
}
