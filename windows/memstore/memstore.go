// Package memstore keeps entities and fences in memory: for replays and for tests.
package memstore

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// Store is a windows.Store without a network or an end of life. It can't fail but for updates that no store takes and
// sums beyond 64 bits, and does not look at contexts. Make one with New; it may be used by several goroutines at once.
type Store struct {
	mu       sync.Mutex
	entities map[windows.Key][]byte // packed
	fences   map[windows.Source]*windows.Fences
}

// New gives an empty store.
func New() *Store {
	return &Store{
		entities: map[windows.Key][]byte{},
		fences:   map[windows.Source]*windows.Fences{},
	}
}

// Fences implements windows.Store.
func (s *Store) Fences(_ context.Context, topic string, partition int) (*windows.Fences, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := &windows.Fences{Source: windows.Source{Topic: topic, Partition: partition}}
	latest := found
	for source, fences := range s.fences {
		if source.Topic == topic && source.Partition == partition && source.Epoch >= latest.Source.Epoch {
			latest = fences
		}
	}
	*found = *latest
	return found, nil
}

// Begin implements windows.Store.
func (s *Store) Begin(_ context.Context, source windows.Source, at windows.Fence) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begin(source, at, 0)
	return nil
}

func (s *Store) begin(source windows.Source, at windows.Fence, lowest int) {
	fences, ok := s.fences[source]
	if !ok {
		fences = &windows.Fences{Source: source}
		s.fences[source] = fences
	}
	at = millis(at)
	for b := lowest; b < windows.Buckets; b++ {
		if !fences.Present[b] {
			fences.At[b], fences.Present[b] = at, true
		}
	}
}

// Load implements windows.Store.
func (s *Store) Load(_ context.Context, source windows.Source, keys []windows.Key) ([]windows.Loaded, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	loaded := make([]windows.Loaded, len(keys))
	for i, key := range keys {
		e, err := windows.Unpack(key, s.entities[key])
		if err != nil {
			return nil, fmt.Errorf("load %s %q: %w", key.Kind, key.ID, err)
		}
		loaded[i].Entity = e
		if fences, ok := s.fences[source]; ok {
			b := key.Bucket()
			loaded[i].Fence, loaded[i].Present = fences.At[b], fences.Present[b]
		}
	}
	return loaded, nil
}

// Apply implements windows.Store.
func (s *Store) Apply(_ context.Context, source windows.Source, updates []windows.Update) ([]windows.Result, error) {
	for i := range updates {
		if err := updates[i].Validate(); err != nil {
			return nil, fmt.Errorf("apply %s: %w", source, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	results := make([]windows.Result, len(updates))
	for i := range updates {
		var err error
		if results[i], err = s.apply(source, &updates[i]); err != nil {
			return nil, fmt.Errorf("apply %s: %w", source, err)
		}
	}
	return results, nil
}

func (s *Store) apply(source windows.Source, u *windows.Update) (windows.Result, error) {
	fences, ok := s.fences[source]
	if !ok || !fences.Present[u.Bucket] {
		return windows.Result{}, nil
	}
	fence := &fences.At[u.Bucket]
	r := windows.Result{Events: make([]int64, len(u.Deltas))}
	switch {
	case fence.Is(u.New):
		r.Status = windows.Already
		for i := range u.Deltas {
			r.Events[i] = windows.TotalOf(s.entities[u.Deltas[i].Key])
		}
		return r, nil
	case fence.Is(u.Expected):
		r.Status = windows.Applied
	default:
		return windows.Result{}, nil
	}
	sums := make([][]byte, len(u.Deltas))
	for i := range u.Deltas {
		var err error
		if sums[i], err = s.sum(&u.Deltas[i]); errors.Is(err, windows.ErrLost) {
			return windows.Result{}, nil
		} else if err != nil {
			return windows.Result{}, err
		}
	}
	for i := range u.Deltas {
		r.Events[i] = windows.TotalOf(sums[i])
		if key := u.Deltas[i].Key; len(sums[i]) == 0 {
			delete(s.entities, key)
		} else {
			s.entities[key] = sums[i]
		}
	}
	*fence = millis(u.New)
	return r, nil
}

// sum gives an entity with a delta, packed.
func (s *Store) sum(d *windows.Delta) ([]byte, error) {
	held := s.entities[d.Key]
	if len(d.Packed) > 0 && d.Base == windows.VersionOf(held) {
		return bytes.Clone(d.Packed), nil
	}
	packed, err := windows.Merge(held, d)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", d.Key.Kind, d.Key.ID, err)
	}
	return packed, nil
}

// Keys gives the keys of all entities stored, by kind and id.
func (s *Store) Keys() []windows.Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := make([]windows.Key, 0, len(s.entities))
	for key := range s.entities {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b windows.Key) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), strings.Compare(a.ID, b.ID))
	})
	return keys
}

// millis gives the fence with its time as stores keep times.
func millis(f windows.Fence) windows.Fence {
	if !f.Time.IsZero() {
		f.Time = time.UnixMilli(f.Time.UnixMilli()).UTC()
	}
	return f
}
