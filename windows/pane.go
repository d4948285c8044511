package windows

import (
	"fmt"
	"time"
)

// A Resolution slices time into panes of one length and says how far back they are kept. Pane n is the half-open
// interval [n·Slide, (n+1)·Slide) since the Unix epoch, in UTC.
type Resolution struct {
	// Name is one lower-case letter; it is part of every stored field.
	Name byte
	// Slide is the length of a pane, a whole number of milliseconds above 0.
	Slide time.Duration
	// Keep is the number of panes that are kept, counted from an entity's newest one and including it.
	Keep int64
}

// Pane gives the number of the pane that holds t; it is negative before 1970.
func (r Resolution) Pane(t time.Time) int64 {
	ms, slide := t.UnixMilli(), r.Slide.Milliseconds()
	p := ms / slide
	if ms%slide < 0 {
		p--
	}
	return p
}

// Start gives the first instant of pane p, in UTC.
func (r Resolution) Start(p int64) time.Time {
	return time.UnixMilli(p * r.Slide.Milliseconds()).UTC()
}

// Horizon is the time that the kept panes cover, the newest one whole.
func (r Resolution) Horizon() time.Duration { return time.Duration(r.Keep) * r.Slide }

// A Window of Size slides by Slide: seen from pane p of a resolution of that slide, it is p and the Size/Slide − 1
// panes before it. At an instant inside p it therefore covers between Size − Slide and Size.
type Window struct {
	Size, Slide time.Duration
}

// Panes is the number of panes in the window.
func (w Window) Panes() int64 { return int64(w.Size / w.Slide) }

// A Ladder is the set of resolutions in force, from the finest to the coarsest.
type Ladder []Resolution

// Finest gives the finest resolution whose panes make up a window of that size and that still keeps the whole
// window one pane after it ended; false if there is none.
func (l Ladder) Finest(size time.Duration) (Resolution, bool) {
	for _, r := range l {
		if size%r.Slide == 0 && r.Horizon() >= size+r.Slide {
			return r, true
		}
	}
	return Resolution{}, false
}

// Days gives the resolution whose panes are days; false if there is none.
func (l Ladder) Days() (Resolution, bool) {
	for _, r := range l {
		if r.Slide == 24*time.Hour {
			return r, true
		}
	}
	return Resolution{}, false
}

// Horizon is the longest time that any resolution keeps.
func (l Ladder) Horizon() time.Duration {
	var longest time.Duration
	for _, r := range l {
		longest = max(longest, r.Horizon())
	}
	return longest
}

// Validate reports the first reason why the ladder can't be used: no resolution, a name that is no lower-case
// letter or used twice, slides that don't rise and divide each other, fewer than two panes kept.
func (l Ladder) Validate() error {
	if len(l) == 0 {
		return fmt.Errorf("no resolutions")
	}
	var named [256]bool
	for i, r := range l {
		switch {
		case r.Name < 'a' || r.Name > 'z' || named[r.Name]:
			return fmt.Errorf("resolution %d: the name %q must be a lower-case letter of its own", i, r.Name)
		case r.Slide < time.Millisecond || r.Slide%time.Millisecond != 0:
			return fmt.Errorf("resolution %c: the slide %v must be whole milliseconds", r.Name, r.Slide)
		case r.Keep < 2:
			return fmt.Errorf("resolution %c: keeps %d panes, needs at least 2", r.Name, r.Keep)
		case i > 0 && (r.Slide <= l[i-1].Slide || r.Slide%l[i-1].Slide != 0):
			return fmt.Errorf("resolution %c: the slide %v must be a multiple of %v", r.Name, r.Slide, l[i-1].Slide)
		}
		named[r.Name] = true
	}
	return nil
}
