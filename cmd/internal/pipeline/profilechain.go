package pipeline

import (
	"context"
	"slices"
	"sync"

	"github.com/parcelsentry/parcelsentry/detector"
)

// ProfileChain keeps Profiles in memory, for replays and tests. It is safe for concurrent use.
type ProfileChain struct {
	set *detector.Set

	mu     sync.Mutex
	days   []int64 // decided, ascending
	by     map[int64]*detector.Profile
	taught *detector.Sums
}

// NewProfileChain starts without any profile.
func NewProfileChain(set *detector.Set) *ProfileChain {
	return &ProfileChain{set: set, by: map[int64]*detector.Profile{}, taught: detector.NewSums()}
}

// Record puts in a profile that was recorded for a day.
func (c *ProfileChain) Record(day int64, p *detector.Profile) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(day, p)
}

// Teach implements Profiles.
func (c *ProfileChain) Teach(_ context.Context, sums *detector.Sums) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.taught.Add(sums, 1)
	return nil
}

// For implements Profiles.
func (c *ProfileChain) For(_ context.Context, day int64) (*detector.Profile, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.by[day]; p != nil {
		return p, nil
	}
	p := c.set.NewProfile(day)
	i, _ := slices.BinarySearch(c.days, day)
	if i > 0 {
		p = c.by[c.days[i-1]]
	}
	if i == len(c.days) {
		p = c.set.NextProfile(p, day, c.taught)
		c.taught = detector.NewSums()
	}
	c.put(day, p)
	return p, nil
}

func (c *ProfileChain) put(day int64, p *detector.Profile) {
	if i, found := slices.BinarySearch(c.days, day); !found {
		c.days = slices.Insert(c.days, i, day)
	}
	c.by[day] = p
}
