package windows

import (
	"encoding/binary"
	"slices"
)

// PaneCount is what a series holds in one pane.
type PaneCount struct {
	Pane, N int64
	pending int64 // the part of N that no Delta has carried yet
}

// seriesID is a Series as two numbers, as they compare several times as fast as the bytes. Series are in the order of
// measure, Sub and resolution, so that what belongs to a second key stands together.
type seriesID struct {
	name uint16 // measure and resolution
	sub  uint64
}

func (s Series) id() seriesID {
	return seriesID{uint16(s.Measure)<<8 | uint16(s.Resolution), binary.BigEndian.Uint64(s.Sub[:])}
}

func (id seriesID) series() Series {
	s := Series{Measure: Measure(id.name >> 8), Resolution: byte(id.name)}
	binary.BigEndian.PutUint64(s.Sub[:], id.sub)
	return s
}

func (id seriesID) before(other seriesID) bool {
	if m, o := id.name>>8, other.name>>8; m != o {
		return m < o
	}
	return id.sub < other.sub || id.sub == other.sub && id.name < other.name
}

// series is where a run of panes ends that belong together; it begins where the series before it ends.
type series struct {
	sub  uint64
	end  uint32
	name uint16
	// dirty: some pane has pending ≠ 0, or came to nothing since the last take.
	dirty bool
}

func (s *series) id() seriesID { return seriesID{s.name, s.sub} }

func (s *series) measure() Measure { return Measure(s.name >> 8) }

func (s *series) resolution() byte { return byte(s.name) }

// counters holds sparse counts: series in order, and the panes of all of them in one slice, in order too. Neither has a
// pointer in it, so the garbage collector has nothing to follow. Senders with little history are the rule, so slices
// searched by halving beat maps in memory and mostly in time.
type counters struct {
	series []series
	all    []PaneCount
	fields int // panes that hold anything, in all series
}

// find gives the place of a series, or where it would be put.
func (c *counters) find(id seriesID) (int, bool) {
	low, high := 0, len(c.series)
	// What is counted of the entity itself stands before what is counted of its many places, or behind it.
	const edge = 8
	if high > 4*edge {
		switch {
		case !c.series[edge].id().before(id):
			high = edge
		case c.series[high-edge].id().before(id):
			low = high - edge + 1
		}
	}
	for low < high {
		mid := int(uint(low+high) >> 1)
		if c.series[mid].id().before(id) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low, low < len(c.series) && c.series[low].id() == id
}

// span gives the half-open range of c.all that series number i has.
func (c *counters) span(i int) (from, to int) {
	if i > 0 {
		from = int(c.series[i-1].end)
	}
	return from, int(c.series[i].end)
}

// at gives the panes of series number i in ascending order. The slice belongs to c.
func (c *counters) at(i int) []PaneCount {
	from, to := c.span(i)
	return c.all[from:to:to]
}

// pick puts the panes of series number i where they belong: first those of r, then those of also.
func (c *counters) pick(i int, r, also Resolution, both *[2][]PaneCount) {
	resolution := c.series[i].resolution()
	if resolution == r.Name {
		both[0] = c.at(i)
	}
	if resolution == also.Name {
		both[1] = c.at(i)
	}
}

// panes gives the panes of a series, as at does.
func (c *counters) panes(id seriesID) []PaneCount {
	i, ok := c.find(id)
	if !ok {
		return nil
	}
	return c.at(i)
}

// run gives the half-open range of c.series that has a measure.
func (c *counters) run(m Measure) (from, to int) {
	from, _ = c.find(seriesID{name: uint16(m) << 8})
	to = from
	for to < len(c.series) && c.series[to].measure() == m {
		to++
	}
	return from, to
}

// add adds n to a pane; pending says whether a Delta must carry it.
func (c *counters) add(id seriesID, pane, n int64, pending bool) {
	c.count(c.open(id), pane, n, pending)
}

// open gives the place of a series, put in without panes if there was none.
func (c *counters) open(id seriesID) int {
	i, ok := c.find(id)
	if !ok {
		c.series = slices.Insert(c.series, i, series{sub: id.sub, name: id.name, end: c.begin(i)})
	}
	return i
}

// begin is where in c.all the panes of series number i begin, be it there or to be put there.
func (c *counters) begin(i int) uint32 {
	if i == 0 {
		return 0
	}
	return c.series[i-1].end
}

// count adds n to a pane of series number i; pending says whether a Delta must carry it.
func (c *counters) count(i int, pane, n int64, pending bool) {
	from, to := c.span(i)
	j := to
	for j > from && c.all[j-1].Pane > pane {
		j--
	}
	if j == from || c.all[j-1].Pane != pane {
		c.all = slices.Insert(c.all, j, PaneCount{Pane: pane})
		c.shift(i, 1)
		j++
	}
	p := &c.all[j-1]
	c.set(p, p.N+n)
	if pending {
		p.pending += n
		c.series[i].dirty = true
	}
}

// shift moves the ends of the series from number i on by n panes.
func (c *counters) shift(i int, n uint32) {
	for k := range c.series[i:] {
		c.series[i+k].end += n
	}
}

// paneOf is a pane of a resolution of that name.
type paneOf struct {
	resolution byte
	pane       int64
}

// usualResolutions is at least how many resolutions a ladder mostly has. With more, counting costs memory each time.
const usualResolutions = 5

// addEach adds n to one pane each of the series of a measure and second key. The panes are in the order of resolutions.
func (c *counters) addEach(m Measure, sub Sub, panes []paneOf, n int64) {
	id := Series{Measure: m, Sub: sub}.id()
	i, _ := c.find(id)
	if !c.of(i, id) {
		c.addNew(i, id, panes, n)
		return
	}
	for _, p := range panes {
		id.name = uint16(m)<<8 | uint16(p.resolution)
		for c.of(i, id) && c.series[i].name < id.name {
			i++
		}
		if !c.of(i, id) || c.series[i].name != id.name {
			c.series = slices.Insert(c.series, i, series{sub: id.sub, name: id.name, end: c.begin(i)})
		}
		c.count(i, p.pane, n, true)
	}
}

// of tells that there is a series number i, of id's measure and second key.
func (c *counters) of(i int, id seriesID) bool {
	return i < len(c.series) && c.series[i].sub == id.sub && c.series[i].name>>8 == id.name>>8
}

// addNew is addEach for a measure and second key that have no series yet; they come to stand from number i on.
func (c *counters) addNew(i int, id seriesID, panes []paneOf, n int64) {
	var seriesRoom [usualResolutions]series
	var paneRoom [usualResolutions]PaneCount
	added, counts := seriesRoom[:0], paneRoom[:0]
	begin := c.begin(i)
	for _, p := range panes {
		counts = append(counts, PaneCount{Pane: p.pane, N: n, pending: n})
		added = append(added, series{sub: id.sub, name: id.name | uint16(p.resolution), end: begin + uint32(len(counts)), dirty: true})
	}
	c.series = slices.Insert(c.series, i, added...)
	c.all = slices.Insert(c.all, int(begin), counts...)
	c.shift(i+len(added), uint32(len(counts)))
	if n != 0 {
		c.fields += len(counts)
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

// keep drops the panes that which does not want, and the series that are left with none. It is called once for each
// pane, in order.
func (c *counters) keep(which func(s *series, p *PaneCount) bool) {
	left, from, to := 0, 0, 0
	for i := range c.series {
		s := c.series[i]
		begin := to
		for j := from; j < int(s.end); j++ {
			if which(&c.series[i], &c.all[j]) {
				c.all[to] = c.all[j]
				to++
			}
		}
		from = int(s.end)
		if to > begin {
			s.end, s.dirty = uint32(to), c.series[i].dirty
			c.series[left] = s
			left++
		}
	}
	c.all, c.series = c.all[:to], c.series[:left]
}

// expire removes all panes of a resolution before oldest and appends their fields to dropped.
func (c *counters) expire(resolution byte, oldest int64, dropped []Field) []Field {
	if !c.reaches(resolution, oldest) {
		return dropped
	}
	c.keep(func(s *series, p *PaneCount) bool {
		if s.resolution() != resolution || p.Pane >= oldest {
			return true
		}
		dropped = append(dropped, Field{Series: s.id().series(), Pane: p.Pane})
		c.set(p, 0)
		return false
	})
	return dropped
}

// reaches tells whether any pane of a resolution lies before oldest.
func (c *counters) reaches(resolution byte, oldest int64) bool {
	from := uint32(0)
	for i := range c.series {
		s := &c.series[i]
		if s.resolution() == resolution && s.end > from && c.all[from].Pane < oldest {
			return true
		}
		from = s.end
	}
	return false
}

// fold moves every pane of one sub of a measure to Others.
func (c *counters) fold(m Measure, sub Sub) {
	var room [2 * usualResolutions]FieldCount
	moved := room[:0]
	id := Series{Measure: m, Sub: sub}.id()
	for i, _ := c.find(id); c.of(i, id); i++ {
		s := &c.series[i]
		from, to := c.span(i)
		for j := from; j < to; j++ {
			p := &c.all[j]
			moved = append(moved, FieldCount{Field{s.id().series(), p.Pane}, p.N})
			p.pending -= p.N
			c.set(p, 0)
		}
		s.dirty = true
	}
	for _, f := range moved {
		f.Field.Sub = Others
		c.add(f.Field.id(), f.Field.Pane, f.N, true)
	}
}

// take appends what is pending to add, and forgets the panes that came to nothing.
func (c *counters) take(add []FieldCount) []FieldCount {
	emptied := false
	from := uint32(0)
	for i := range c.series {
		s := &c.series[i]
		if s.dirty {
			s.dirty = false
			for j := from; j < s.end; j++ {
				p := &c.all[j]
				if p.pending != 0 {
					add = append(add, FieldCount{Field{s.id().series(), p.Pane}, p.pending})
					p.pending = 0
				}
				emptied = emptied || p.N == 0
			}
		}
		from = s.end
	}
	if emptied {
		c.keep(func(_ *series, p *PaneCount) bool { return p.N != 0 })
	}
	return add
}

// changes is the number of panes that have something pending, at most.
func (c *counters) changes() int {
	n, from := 0, uint32(0)
	for i := range c.series {
		s := &c.series[i]
		if s.dirty {
			for j := from; j < s.end; j++ {
				if c.all[j].pending != 0 {
					n++
				}
			}
		}
		from = s.end
	}
	return n
}

// holds reports whether any pane has a count: after a fold the emptied ones stay until the delta is taken.
func holds(panes []PaneCount) bool {
	for i := range panes {
		if panes[i].N != 0 {
			return true
		}
	}
	return false
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
