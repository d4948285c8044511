package detectortest

import (
	"slices"

	"github.com/parcelsentry/parcelsentry/detector"
)

// profiles is the chain of population profiles by event day, as the service keeps it: the first event of a new day
// makes the profile of that day out of the one before and what was taught since. A day once decided stays, so late
// events are judged as their day was.
type profiles struct {
	set    *detector.Set
	days   []int64 // decided, ascending
	by     map[int64]*detector.Profile
	taught *detector.Sums
}

func newProfiles(set *detector.Set) *profiles {
	return &profiles{set: set, by: map[int64]*detector.Profile{}, taught: detector.NewSums()}
}

func (c *profiles) teach(sums *detector.Sums) { c.taught.Add(sums, 1) }

// on gives the profile in force on a day.
func (c *profiles) on(day int64) *detector.Profile {
	if p := c.by[day]; p != nil {
		return p
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
	c.days, c.by[day] = slices.Insert(c.days, i, day), p
	return p
}
