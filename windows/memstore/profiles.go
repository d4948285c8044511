package memstore

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/parcelsentry/parcelsentry/windows"
)

// Profiles is windows.Profiles without a network. It fails only when build does or a day is decided otherwise, and
// does not look at contexts. Make one with NewProfiles; it may be used by several goroutines at once.
type Profiles struct {
	mu            sync.Mutex
	days          map[int64][]byte
	contributions [][]byte
	// gone counts the contributions that have left: the index of contributions[0] among all that ever came.
	gone int
	// version changes with days: what was built from an older one is not stored.
	version int
}

// NewProfiles gives a store in which nothing is decided.
func NewProfiles() *Profiles {
	return &Profiles{days: map[int64][]byte{}}
}

// Contribute implements windows.Profiles.
func (p *Profiles) Contribute(_ context.Context, contribution []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.contributions = append(p.contributions, bytes.Clone(contribution))
	p.drop(p.gone + len(p.contributions) - windows.MaxContributions)
	return nil
}

// drop removes the contributions before an index among all that ever came.
func (p *Profiles) drop(before int) {
	if n := before - p.gone; n > 0 {
		p.contributions = slices.Delete(p.contributions, 0, n)
		p.gone += n
	}
}

// Decide implements windows.Profiles.
func (p *Profiles) Decide(
	_ context.Context, day int64, build func(previous []byte, contributions [][]byte) ([]byte, error),
) ([]byte, error) {
	for {
		artefact, m := p.look(day)
		if m == nil {
			return artefact, nil
		}
		artefact, err := build(m.previous, m.contributions)
		if err != nil {
			return nil, fmt.Errorf("profile of day %d: %w", day, err)
		}
		if p.store(day, artefact, m) {
			return artefact, nil
		}
	}
}

// material is what an artefact is made of, and what the store was like when it was taken.
type material struct {
	previous      []byte
	contributions [][]byte
	end, version  int
}

// look gives a day's artefact, deciding a late day, or else the material to build one from.
func (p *Profiles) look(day int64) ([]byte, *material) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if artefact, ok := p.days[day]; ok {
		return bytes.Clone(artefact), nil
	}
	days := slices.Sorted(maps.Keys(p.days))
	at, _ := slices.BinarySearch(days, day)
	var previous []byte
	for i := at - 1; i >= 0 && previous == nil; i-- {
		previous = p.days[days[i]]
	}
	if at < len(days) {
		p.put(day, previous)
		// A day after it exists, so it takes the place of one day at most: the oldest, which may be itself.
		if len(p.days) > windows.MaxProfileDays {
			delete(p.days, min(day, days[0]))
		}
		return bytes.Clone(previous), nil
	}
	m := &material{previous: bytes.Clone(previous), end: p.gone + len(p.contributions), version: p.version}
	for _, c := range p.contributions {
		m.contributions = append(m.contributions, bytes.Clone(c))
	}
	return nil, m
}

// store decides a day that is after all others, unless a day was decided since m was taken.
func (p *Profiles) store(day int64, artefact []byte, m *material) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.version != m.version {
		return false
	}
	p.put(day, artefact)
	p.drop(m.end)
	days := slices.Sorted(maps.Keys(p.days))
	for _, oldest := range days[:max(0, len(days)-windows.MaxProfileDays)] {
		delete(p.days, oldest)
	}
	return true
}

func (p *Profiles) put(day int64, artefact []byte) {
	p.days[day] = bytes.Clone(artefact)
	p.version++
}

// Recorded implements windows.Profiles.
func (p *Profiles) Recorded(context.Context) ([]windows.DayProfile, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []windows.DayProfile
	for _, day := range slices.Sorted(maps.Keys(p.days)) {
		all = append(all, windows.DayProfile{Day: day, Artefact: bytes.Clone(p.days[day])})
	}
	return all, nil
}

// Record implements windows.Profiles.
func (p *Profiles) Record(_ context.Context, all []windows.DayProfile) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	added := map[int64][]byte{}
	for _, d := range all {
		held, ok := p.days[d.Day]
		if !ok {
			held, ok = added[d.Day]
		}
		if ok && !same(held, d.Artefact) {
			return fmt.Errorf("record profiles: %w", &windows.DecidedError{Day: d.Day})
		}
		if !ok {
			added[d.Day] = d.Artefact
		}
	}
	for day, artefact := range added {
		p.put(day, artefact)
	}
	return nil
}

// same tells nil from empty.
func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }
