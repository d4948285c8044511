package windows

import (
	"cmp"
	"slices"
)

// PaneCount is what a series holds in one pane.
type PaneCount struct {
	Pane, N int64
	pending int64 // the part of N that no Delta has carried yet
}

type series struct {
	id    Series
	panes []PaneCount // ascending
	dirty bool        // some pane has pending ≠ 0
}

// counters holds sparse counts: series in order, each a run of panes in order. Senders with little history are the
// rule, so slices searched by halving beat maps in memory and mostly in time.
type counters struct {
	series []series
	fields int // panes that hold anything, in all series
}

func compareSeries(a, b Series) int {
	return cmp.Or(
		cmp.Compare(a.Measure, b.Measure),
		cmp.Compare(a.Resolution, b.Resolution),
		slices.Compare(a.Sub[:], b.Sub[:]),
	)
}

func (c *counters) find(id Series) (int, bool) {
	return slices.BinarySearchFunc(c.series, id, func(s series, id Series) int { return compareSeries(s.id, id) })
}

// panes gives the panes of a series in ascending order. The slice belongs to c.
func (c *counters) panes(id Series) []PaneCount {
	i, ok := c.find(id)
	if !ok {
		return nil
	}
	return c.series[i].panes
}

// run gives the half-open range of c.series that shares measure and resolution.
func (c *counters) run(m Measure, resolution byte) (from, to int) {
	from, _ = c.find(Series{Measure: m, Resolution: resolution})
	to = from
	for to < len(c.series) && c.series[to].id.Measure == m && c.series[to].id.Resolution == resolution {
		to++
	}
	return from, to
}

// add adds n to a pane; pending says whether a Delta must carry it.
func (c *counters) add(id Series, pane, n int64, pending bool) {
	i, ok := c.find(id)
	if !ok {
		c.series = slices.Insert(c.series, i, series{id: id})
	}
	s := &c.series[i]
	j := len(s.panes)
	for j > 0 && s.panes[j-1].Pane > pane {
		j--
	}
	if j == 0 || s.panes[j-1].Pane != pane {
		s.panes = slices.Insert(s.panes, j, PaneCount{Pane: pane})
		j++
	}
	c.set(&s.panes[j-1], s.panes[j-1].N+n)
	if pending {
		s.panes[j-1].pending += n
		s.dirty = true
	}
}

// set keeps fields right when a pane comes to hold something or nothing.
func (c *counters) set(p *PaneCount, n int64) {
	if p.N == 0 && n != 0 {
		c.fields++
	}
	if p.N != 0 && n == 0 {
		c.fields--
	}
	p.N = n
}

// expire removes all panes of a resolution before oldest and appends their fields to dropped.
func (c *counters) expire(resolution byte, oldest int64, dropped []Field) []Field {
	for i := range c.series {
		s := &c.series[i]
		if s.id.Resolution != resolution {
			continue
		}
		n := 0
		for n < len(s.panes) && s.panes[n].Pane < oldest {
			dropped = append(dropped, Field{Series: s.id, Pane: s.panes[n].Pane})
			c.set(&s.panes[n], 0)
			n++
		}
		s.panes = slices.Delete(s.panes, 0, n)
	}
	c.series = slices.DeleteFunc(c.series, func(s series) bool { return len(s.panes) == 0 })
	return dropped
}

// fold moves every pane of one sub of a measure to Others.
func (c *counters) fold(m Measure, sub Sub) {
	var moved []FieldCount
	for i := range c.series {
		s := &c.series[i]
		if s.id.Measure != m || s.id.Sub != sub {
			continue
		}
		for j := range s.panes {
			p := &s.panes[j]
			moved = append(moved, FieldCount{Field{s.id, p.Pane}, p.N})
			p.pending -= p.N
			c.set(p, 0)
		}
		s.dirty = true
	}
	for _, f := range moved {
		f.Field.Sub = Others
		c.add(f.Field.Series, f.Field.Pane, f.N, true)
	}
}

// take appends what is pending to add, and forgets the panes that came to nothing.
func (c *counters) take(add []FieldCount) []FieldCount {
	emptied := false
	for i := range c.series {
		s := &c.series[i]
		if !s.dirty {
			continue
		}
		s.dirty = false
		zero := false
		for j := range s.panes {
			p := &s.panes[j]
			if p.pending != 0 {
				add = append(add, FieldCount{Field{s.id, p.Pane}, p.pending})
				p.pending = 0
			}
			zero = zero || p.N == 0
		}
		if zero {
			s.panes = slices.DeleteFunc(s.panes, func(p PaneCount) bool { return p.N == 0 })
			emptied = emptied || len(s.panes) == 0
		}
	}
	if emptied {
		c.series = slices.DeleteFunc(c.series, func(s series) bool { return len(s.panes) == 0 })
	}
	return add
}

// holds reports whether any pane has a count: after a fold the emptied ones stay until the delta is taken.
func holds(panes []PaneCount) bool {
	return slices.ContainsFunc(panes, func(p PaneCount) bool { return p.N != 0 })
}

// sumPanes adds up what panes hold in [from, to].
func sumPanes(panes []PaneCount, from, to int64) int64 {
	var sum int64
	for i := len(panes) - 1; i >= 0 && panes[i].Pane >= from; i-- {
		if panes[i].Pane <= to {
			sum += panes[i].N
		}
	}
	return sum
}
