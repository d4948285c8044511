package detector

import (
	"cmp"
	"slices"

	"github.com/parcelsentry/parcelsentry/windows"
)

// A census is how a sender's parcels before a window spread over the places that it keeps, and how many are in the
// window. The parcels before the window stay the same while it does, whatever comes into it.
type census struct {
	of              *route // whose window it is; nil if the census does not hold any more
	to              int64  // the window's last pane
	parcels, places int64  // before the window; parcels also to folded places
	once, twice     int64  // places used once and twice before it
	now             int64  // parcels in the window
	used            []usage
}

// usage is how many places were used that often before a window; a census has them with the least used first.
type usage struct{ times, places int64 }

// empty makes it one of no parcels, for a window of d that ends with pane to.
func (c *census) empty(d *route, to int64) { *c = census{of: d, to: to, used: c.used[:0]} }

// place takes in a place used that often before the window.
func (c *census) place(times int64) {
	switch {
	case times <= 0:
		return
	case times == 1:
		c.once++
	case times == 2:
		c.twice++
	}
	c.places++
	i, ok := c.find(times)
	if !ok {
		c.used = slices.Insert(c.used, i, usage{times: times})
	}
	c.used[i].places++
}

func (c *census) find(times int64) (int, bool) {
	return slices.BinarySearchFunc(c.used, times, func(u usage, times int64) int { return cmp.Compare(u.times, times) })
}

// atMost counts the places used no more often than that before the window, and their parcels.
func (c *census) atMost(times int64) (places, parcels int64) {
	for _, u := range c.used {
		if u.times > times {
			break
		}
		places += u.places
		parcels += u.places * u.times
	}
	return places, parcels
}

// follow takes in an event that the entity counts now, if it belongs in the window; else the census does not hold
// any more.
func (c *census) follow(e *Event) {
	if c.of == nil || e.Destination == "" {
		return
	}
	w, r := c.of.Window()
	if pane := r.Pane(e.Time); pane > c.to || pane <= c.to-w.Panes() {
		c.of = nil
		return
	}
	c.now++
}

// fold takes in that a place is about to be folded: it is no kept one any more, but its parcels stay.
func (c *census) fold(e *windows.Entity, place windows.Sub) {
	if c.of == nil {
		return
	}
	w, _ := c.of.Window()
	before, _ := c.of.split(c.of.panes(e, place), c.to-w.Panes()+1, c.to)
	i, ok := c.find(before)
	if !ok {
		return // it was not used before the window
	}
	switch before {
	case 1:
		c.once--
	case 2:
		c.twice--
	}
	c.places--
	if c.used[i].places--; c.used[i].places == 0 {
		c.used = slices.Delete(c.used, i, i+1)
	}
}
