package memstore

import (
	"maps"
	"slices"

	"github.com/parcelsentry/parcelsentry/windows"
)

// Snapshot remembers the store as it is. The function it returns puts the buckets that holds chooses back to it,
// counts and fences: what a replica that was behind does when it takes over a part of Redis. It may be called often.
func (s *Store) Snapshot() func(holds func(bucket int) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entities := maps.Clone(s.entities)
	fences := map[windows.Source]windows.Fences{}
	for source, f := range s.fences {
		fences[source] = *f
	}
	return func(holds func(bucket int) bool) { s.fallBack(entities, fences, holds) }
}

func (s *Store) fallBack(entities map[windows.Key][]byte, fences map[windows.Source]windows.Fences, holds func(int) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.entities {
		if holds(key.Bucket()) {
			delete(s.entities, key)
		}
	}
	for key, e := range entities {
		if holds(key.Bucket()) {
			s.entities[key] = e
		}
	}
	for source := range fences {
		if s.fences[source] == nil {
			s.fences[source] = &windows.Fences{Source: source}
		}
	}
	for source, f := range s.fences {
		then := fences[source] // none: the source had not begun
		for b := range f.At {
			if holds(b) {
				f.At[b], f.Present[b] = then.At[b], then.Present[b]
			}
		}
		if !slices.Contains(f.Present[:], true) {
			delete(s.fences, source)
		}
	}
}

// Lose forgets the buckets that holds chooses, counts and fences.
func (s *Store) Lose(holds func(bucket int) bool) { s.fallBack(nil, nil, holds) }

// BeginDownTo is Begin that is cut short before it comes to the buckets below one.
func (s *Store) BeginDownTo(source windows.Source, at windows.Fence, lowest int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begin(source, at, lowest)
}
