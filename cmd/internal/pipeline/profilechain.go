package pipeline

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// ProfileChain keeps Profiles in memory, for replays and tests. It is safe for concurrent use.
type ProfileChain struct {
	set *detector.Set

	mu     sync.Mutex
	days   []int64 // decided, ascending
	by     map[int64]*detector.Profile
	newest int64 // the latest day asked for
	taught *detector.Sums
}

// NewProfileChain starts without any profile.
func NewProfileChain(set *detector.Set) *ProfileChain {
	return &ProfileChain{set: set, by: map[int64]*detector.Profile{}, newest: math.MinInt64, taught: detector.NewSums()}
}

// Record puts in profiles that were recorded. What is taught before such a day is first asked for is taken to be in
// its profile. A day that lacks one is decided as ever: after all others it is built on the newest of them, between
// them it shares that of the day before.
func (c *ProfileChain) Record(all []windows.DayProfile) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := map[string]*detector.Profile{} // days may share one
	for _, d := range all {
		if d.Artefact == nil {
			c.put(d.Day, c.set.NewProfile(d.Day))
			continue
		}
		id := detector.ArtefactID(d.Artefact)
		if known[id] == nil {
			p, err := c.set.ReadProfile(d.Artefact)
			if err != nil {
				return fmt.Errorf("%s: %w", d.Date(), err)
			}
			known[id] = p
		}
		c.put(d.Day, known[id])
	}
	return nil
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
	p := c.by[day]
	if p == nil {
		p = c.decide(day)
	} else if day > c.newest {
		c.taught = detector.NewSums() // the run that recorded it made it of this
	}
	c.newest = max(c.newest, day)
	return p, nil
}

func (c *ProfileChain) decide(day int64) *detector.Profile {
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
	return p
}

// Days is the number of days decided.
func (c *ProfileChain) Days() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.days)
}

// Recorded gives the profile of every day decided, ascending.
func (c *ProfileChain) Recorded() []windows.DayProfile {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]windows.DayProfile, len(c.days))
	for i, day := range c.days {
		all[i] = windows.DayProfile{Day: day, Artefact: c.by[day].Encode()}
	}
	return all
}

func (c *ProfileChain) put(day int64, p *detector.Profile) {
	if i, found := slices.BinarySearch(c.days, day); !found {
		c.days = slices.Insert(c.days, i, day)
	}
	c.by[day] = p
}
