package pipeline

import (
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// entry is an entity in memory. While it has changes that are not applied it stays.
type entry struct {
	key     windows.Key
	bucket  int
	subject *detector.Subject
	// stored is the entity's total of events as the store should have it, own deltas in flight included.
	stored int64
	// unsure are the events counted here that were judged in sight of this worker's counts alone, for all that is
	// known; the first sent of them are in the flush under way.
	unsure []detector.Judged
	sent   int
	// queued: in the worker's list of changed entries. flying: its delta is being applied.
	queued, flying bool

	newer, older *entry
}

// workingSet is a cache of entities, the least recently used of which go first. It is bounded by capacity, but for
// entries with changes, which the worker's bound of unflushed work limits.
type workingSet struct {
	capacity       int
	entries        map[windows.Key]*entry
	newest, oldest *entry
}

func newWorkingSet(capacity int) *workingSet {
	return &workingSet{capacity: capacity, entries: map[windows.Key]*entry{}}
}

// get gives the entry and makes it the most recently used; nil if it is not here.
func (s *workingSet) get(key windows.Key) *entry {
	e := s.entries[key]
	if e == nil || e == s.newest {
		return e
	}
	s.unlink(e)
	s.push(e)
	return e
}

func (s *workingSet) add(e *entry) {
	s.entries[e.key] = e
	s.push(e)
}

// shrink evicts what is over the capacity and gives how many went.
func (s *workingSet) shrink() int {
	evicted := 0
	for e := s.oldest; e != nil && len(s.entries) > s.capacity; {
		next := e.newer
		if !e.queued && !e.flying {
			s.unlink(e)
			delete(s.entries, e.key)
			evicted++
		}
		e = next
	}
	return evicted
}

func (s *workingSet) push(e *entry) {
	e.older, e.newer = s.newest, nil
	if s.newest != nil {
		s.newest.newer = e
	}
	s.newest = e
	if s.oldest == nil {
		s.oldest = e
	}
}

func (s *workingSet) unlink(e *entry) {
	if e.older != nil {
		e.older.newer = e.newer
	} else {
		s.oldest = e.newer
	}
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		s.newest = e.older
	}
	e.older, e.newer = nil, nil
}
