package pipeline

import (
	"unsafe"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// entry is an entity in memory. While it has changes that are not applied it stays.
type entry struct {
	key    windows.Key
	hash   uint64 // of key
	bucket int
	// subject is nil while the entity is being loaded. It lives in room, with its entity: one piece of memory to find and
	// to collect instead of three.
	subject *detector.Subject
	room    room
	// stored is the entity's total of events as the store should have it, own deltas in flight included.
	stored int64
	// unsure are the events counted here that may have to be judged once more; sent are those in the flush under way.
	unsure, sent []doubt
	// doubting: in the worker's list of entries with doubts about the batch in hand.
	doubting bool
	// queued: in the worker's list of changed entries. flying: its delta is being applied.
	queued, flying bool
	// used: since the working set looked at it last, when it made room.
	used  bool
	bytes int64 // as last estimated

	place int    // in the working set's ring
	next  *entry // another one of the same hash
}

type room struct {
	subject detector.Subject
	entity  windows.Entity
}

// open takes an entity in, whose old place must not be used any more.
func (e *entry) open(entity *windows.Entity) error {
	e.room.entity = *entity
	e.subject, e.stored = &e.room.subject, entity.Events()
	return e.room.subject.Open(&e.room.entity)
}

// entryBytes is what an entry takes besides its subject: itself and its place in the map and in the ring of all.
const entryBytes = int64(unsafe.Sizeof(entry{})-unsafe.Sizeof(room{})) +
	3*int64(unsafe.Sizeof(uint64(0))+unsafe.Sizeof(&entry{}))/2 + 5*int64(unsafe.Sizeof(&entry{}))/4

// held tells that the entry has changes that are not applied.
func (e *entry) held() bool { return e.queued || e.flying }

// workingSet is a cache of entities, bounded by capacity in bytes but for entries with changes, which wait for a flush. Those that
// were not used lately are packed, and packed ones go when there are too many of them.
//
// Which are packed is decided by whether they were used since the last look at them (CLOCK): a list in the order of use would
// choose hardly better, and to move an entry in it touches two others that lie anywhere in memory, for each entity of each event.
type workingSet struct {
	capacity  int64
	bytes     int64 // of the entries
	heldBytes int64 // of those with changes
	byHash    map[uint64]*entry
	ring      []*entry // all, each in its place
	hand      int      // the place looked at next, may be the end
	packed    *packed
}

// spreadOut is the part of the capacity that entries take: enough for what comes again soon, few enough that the garbage collector has little to
// look at.
const spreadOut = 8

func newWorkingSet(capacity int64) *workingSet {
	return &workingSet{capacity: capacity, byHash: map[uint64]*entry{}, packed: newPacked(capacity)}
}

// get gives the entry and notes that it is used; nil if it is not here. The hash is the key's.
func (s *workingSet) get(key *windows.Key, hash uint64) *entry {
	e := s.byHash[hash]
	for e != nil && e.key != *key {
		e = e.next
	}
	if e != nil {
		e.used = true
	}
	return e
}

// unpack takes out the entity of an entry that is not here yet, if it lies packed; else it is nil.
func (s *workingSet) unpack(e *entry) *windows.Entity {
	b, ok := s.packed.take(&e.key, e.hash)
	if !ok {
		return nil
	}
	entity, err := windows.Unpack(e.key, b)
	if err != nil {
		return nil // it can't be, and a store has it, too
	}
	return entity
}

// add takes in an entry that is not here. It is used when it is got again.
func (s *workingSet) add(e *entry) {
	e.next = s.byHash[e.hash]
	s.byHash[e.hash] = e
	e.place = len(s.ring)
	s.ring = append(s.ring, e)
	s.resize(e)
}

// remove takes an entry out; the last one of the ring takes its place.
func (s *workingSet) remove(e *entry) {
	last := s.ring[len(s.ring)-1]
	s.ring[e.place], last.place = last, e.place
	s.ring[len(s.ring)-1] = nil
	s.ring = s.ring[:len(s.ring)-1]
	s.bytes -= e.bytes
	switch first := s.byHash[e.hash]; {
	case first != e:
		for first.next != e {
			first = first.next
		}
		first.next = e.next
	case e.next != nil:
		s.byHash[e.hash] = e.next
	default:
		delete(s.byHash, e.hash)
	}
	e.next = nil
}

// resize notes how much the entry takes by now.
func (s *workingSet) resize(e *entry) {
	bytes := entryBytes
	if e.subject != nil {
		bytes += e.subject.Bytes()
	}
	s.bytes += bytes - e.bytes
	if e.held() {
		s.heldBytes += bytes - e.bytes
	}
	e.bytes = bytes
}

// mark notes whether the entry has changes: queued for the next flush, flying in the one under way.
func (s *workingSet) mark(e *entry, queued, flying bool) {
	before := e.held()
	e.queued, e.flying = queued, flying
	switch after := e.held(); {
	case after && !before:
		s.heldBytes += e.bytes
	case before && !after:
		s.heldBytes -= e.bytes
	}
}

// count is how many entities are here, entries and packed ones.
func (s *workingSet) count() int { return len(s.ring) + len(s.packed.at) }

// taken is what all of them take, in bytes.
func (s *workingSet) taken() int64 { return s.bytes + s.packed.taken() }

// shrink packs entries that take more than their part, and evicts packed ones that are over the capacity. It gives how many were evicted.
func (s *workingSet) shrink() (evicted int) {
	for s.bytes > s.capacity/spreadOut && s.bytes > s.heldBytes { // so twice around the ring it finds one
		if s.hand >= len(s.ring) {
			s.hand = 0
		}
		switch e := s.ring[s.hand]; {
		case e.held():
			s.hand++
		case e.used:
			e.used = false
			s.hand++
		default:
			s.remove(e)
			if e.subject == nil || e.subject.Dirty() { // what it has found behind its horizon is to be dropped from the store
				evicted++
				continue
			}
			s.packed.put(&e.key, e.hash, e.subject.Entity)
		}
	}
	for s.taken() > s.capacity && len(s.packed.pieces) > 0 {
		evicted += s.packed.drop()
	}
	return evicted
}
