package windows

import (
	"iter"
	"math"
	"slices"
	"time"
)

// An Entity is what has been counted for one thing: sparse counts by series and pane, members that it remembers, its
// first event, and a note of whoever counts. It gathers every change since the last TakeDelta.
//
// The zero Entity is not ready for use; see NewEntity.
type Entity struct {
	Key Key

	counts  counters
	newest  []newestPane
	members members
	first   First
	note    string
	events  int64
	version Version // as a store should have it once it has every delta taken

	// What changed since the last TakeDelta, besides counts and members.
	counted         int64 // of events
	dirty           bool
	hasFirst, noted bool // first, note did
	removed         *removed
}

// removed is what is to be taken from a store.
type removed struct {
	drop   []Field
	forget []Sub
}

type newestPane struct {
	resolution byte
	pane       int64
}

// NewEntity gives an entity of which nothing is known.
func NewEntity(key Key) *Entity { return &Entity{Key: key} }

// Grow makes room for n more series of a pane each.
func (e *Entity) Grow(n int) {
	e.counts.series = slices.Grow(e.counts.series, n)
	e.counts.all = slices.Grow(e.counts.all, n)
}

// Add counts n at t in a series of resolution r. It reports false and changes nothing if t lies beyond what r keeps,
// counted from the entity's newest pane of r. A newer pane moves the horizon: what falls behind it is dropped.
func (e *Entity) Add(m Measure, r Resolution, sub Sub, t time.Time, n int64) bool {
	pane, kept := e.reach(r, t)
	if kept {
		e.counts.add(Series{m, r.Name, sub}.id(), pane, n, true)
	}
	return kept
}

// AddEach is Add in each of some resolutions of different names: their series stand together, so one search finds them
// all, and those of a new second key are put in at once.
func (e *Entity) AddEach(m Measure, all []Resolution, sub Sub, t time.Time, n int64) {
	if e.newest == nil {
		e.newest = make([]newestPane, 0, len(all))
	}
	var room [usualResolutions]paneOf
	kept := room[:0]
	for _, r := range all {
		pane, ok := e.reach(r, t)
		if !ok {
			continue
		}
		kept = append(kept, paneOf{r.Name, pane})
		for i := len(kept) - 1; i > 0 && kept[i].resolution < kept[i-1].resolution; i-- {
			kept[i], kept[i-1] = kept[i-1], kept[i]
		}
	}
	if len(kept) > 0 {
		e.counts.addEach(m, sub, kept, n)
	}
}

// reach gives the pane of r that holds t, false if it is not kept any more, and moves the horizon on to it.
func (e *Entity) reach(r Resolution, t time.Time) (pane int64, kept bool) {
	pane = r.Pane(t)
	newest, any := e.Newest(r)
	if any && pane <= newest-r.Keep {
		return pane, false
	}
	e.dirty = true
	if !any || pane > newest {
		e.setNewest(r, pane)
		e.expire(r)
	}
	return pane, true
}

// Keeps reports whether Add would count an event at t in resolution r.
func (e *Entity) Keeps(r Resolution, t time.Time) bool {
	newest, any := e.Newest(r)
	return !any || r.Pane(t) > newest-r.Keep
}

func (e *Entity) setNewest(r Resolution, pane int64) {
	for i := range e.newest {
		if e.newest[i].resolution == r.Name {
			e.newest[i].pane = pane
			return
		}
	}
	e.newest = append(e.newest, newestPane{r.Name, pane})
}

// expire drops what lies behind the horizon of r.
func (e *Entity) expire(r Resolution) {
	newest, any := e.Newest(r)
	if !any {
		return
	}
	var before []Field
	if e.removed != nil {
		before = e.removed.drop
	}
	if drop := e.counts.expire(r.Name, newest-r.Keep+1, before); len(drop) > len(before) {
		e.dirty = true
		e.remove().drop = drop
	}
}

func (e *Entity) remove() *removed {
	if e.removed == nil {
		e.removed = &removed{}
	}
	return e.removed
}

// Tally adds n to count number slot of a measure, one that belongs to no pane and never expires.
func (e *Entity) Tally(m Measure, slot, n int64) {
	e.dirty = true
	e.counts.add(Series{Measure: m, Resolution: AllTime}.id(), slot, n, true)
}

// TallyEach adds to the first slots of a measure what is given for each, as Tally does.
func (e *Entity) TallyEach(m Measure, all ...int64) {
	e.dirty = true
	i := e.counts.open(Series{Measure: m, Resolution: AllTime}.id())
	for slot, n := range all {
		e.counts.count(i, int64(slot), n, true)
	}
}

// TallyOf is the sum of what Tally added.
func (e *Entity) TallyOf(m Measure, slot int64) int64 {
	return sumPanes(e.counts.panes(Series{Measure: m, Resolution: AllTime}.id()), slot, slot)
}

// Newest is the newest pane of r that holds anything of the entity; false if none does.
func (e *Entity) Newest(r Resolution) (int64, bool) {
	for _, n := range e.newest {
		if n.resolution == r.Name {
			return n.pane, true
		}
	}
	return 0, false
}

// Panes gives the panes of a series in ascending order; one that came to 0 may be among them until the next
// TakeDelta. The slice belongs to the entity and holds until its next change.
func (e *Entity) Panes(m Measure, r Resolution, sub Sub) []PaneCount {
	return e.counts.panes(Series{m, r.Name, sub}.id())
}

// PanesBoth gives the panes of a second key at resolution r and those at resolution also, as Panes does.
func (e *Entity) PanesBoth(m Measure, r, also Resolution, sub Sub) (both [2][]PaneCount) {
	c := &e.counts
	id := Series{Measure: m, Sub: sub}.id()
	for i, _ := c.find(id); c.of(i, id); i++ {
		c.pick(i, r, also, &both)
	}
	return both
}

// Sum adds up the panes [from, to] of a series.
func (e *Entity) Sum(m Measure, r Resolution, sub Sub, from, to int64) int64 {
	return sumPanes(e.Panes(m, r, sub), from, to)
}

// Subs gives every second key of a measure at resolution r with its panes, in the order of keys; Others among them,
// the series without a second key not.
func (e *Entity) Subs(m Measure, r Resolution) iter.Seq2[Sub, []PaneCount] {
	return func(yield func(Sub, []PaneCount) bool) {
		from, to := e.counts.run(m)
		for i := from; i < to; i++ {
			s := &e.counts.series[i]
			if s.sub == 0 || s.resolution() != r.Name {
				continue
			}
			if panes := e.counts.at(i); holds(panes) && !yield(s.id().series().Sub, panes) {
				return
			}
		}
	}
}

// Fold moves all counts of a second key, in every resolution, to Others.
func (e *Entity) Fold(m Measure, sub Sub) {
	e.dirty = true
	e.counts.fold(m, sub)
}

// Fields is the number of counts and members held: what the entity costs in a store, but for its few fixed fields.
func (e *Entity) Fields() int { return e.counts.fields + len(e.members) }

// CountEvent adds one event to the entity's total and keeps the earliest. Times count by the millisecond, as stores
// keep them: else an entity would choose otherwise after it was stored and loaded.
func (e *Entity) CountEvent(f First) {
	f = f.millis()
	e.dirty = true
	e.events++
	e.counted++
	if f.Before(e.first) {
		e.first, e.hasFirst = f, true
	}
}

// Events is the number of events ever counted here.
func (e *Entity) Events() int64 { return e.events }

// First is the earliest event counted here.
func (e *Entity) First() First { return e.first }

// Note is what was last kept by SetNote, "" at first.
func (e *Entity) Note() string { return e.note }

// SetNote keeps a few words of whoever counts, such as the state of an open incident.
func (e *Entity) SetNote(note string) {
	if note == e.note {
		return
	}
	e.dirty = true
	e.note, e.noted = note, true
}

// Saw remembers a member as seen at t, unless it was seen later already.
func (e *Entity) Saw(sub Sub, t time.Time) {
	if e.members.saw(sub, t.UnixMilli()) {
		e.dirty = true
	}
}

// Seen tells when a member was last seen; false if it is not remembered.
func (e *Entity) Seen(sub Sub) (time.Time, bool) {
	i, ok := e.members.find(sub)
	if !ok {
		return time.Time{}, false
	}
	return time.UnixMilli(e.members[i].ms).UTC(), true
}

// Members is the number of members remembered.
func (e *Entity) Members() int { return len(e.members) }

// ForgetMarks forgets the marks last seen before t, then those seen longest ago until at most limit are left. Lasting
// ones stay, and don't count.
func (e *Entity) ForgetMarks(t time.Time, limit int) {
	e.forget(limit, t.UnixMilli(), func(s Sub) bool { return s.IsMark() && !s.isLasting() })
}

// ForgetLastingMarks forgets the lasting marks seen longest ago until at most limit are left.
func (e *Entity) ForgetLastingMarks(limit int) {
	e.forget(limit, math.MinInt64, Sub.isLasting)
}

// ForgetOldest forgets the members that are no marks and were seen longest ago, until at most limit are left.
func (e *Entity) ForgetOldest(limit int) {
	e.forget(limit, math.MinInt64, func(s Sub) bool { return !s.IsMark() })
}

// forget forgets those members of a kind that were last seen before ms, and the oldest of them above limit.
func (e *Entity) forget(limit int, ms int64, which func(Sub) bool) {
	n, old, oldest := 0, 0, int64(math.MaxInt64)
	for i := range e.members {
		m := &e.members[i]
		if !which(m.name()) {
			continue
		}
		n++
		oldest = min(oldest, m.ms)
		if m.ms < ms {
			old++
		}
	}
	gone := max(old, n-limit)
	if gone <= 0 {
		return
	}
	// Of those seen at the time of the last one to go, the first by name go.
	last, ofLast := oldest, 1
	if gone > 1 {
		times := make([]int64, 0, n)
		for i := range e.members {
			if which(e.members[i].name()) {
				times = append(times, e.members[i].ms)
			}
		}
		slices.Sort(times)
		last = times[gone-1]
		before, _ := slices.BinarySearch(times, last)
		ofLast = gone - before
	}
	e.dirty = true
	e.members = slices.DeleteFunc(e.members, func(m member) bool {
		switch {
		case m.ms > last || !which(m.name()) || m.ms == last && ofLast == 0:
			return false
		case m.ms == last:
			ofLast--
		}
		if m.stored {
			e.remove().forget = append(e.remove().forget, m.name())
		}
		return true
	})
}

// Dirty reports whether there is anything for TakeDelta to take.
func (e *Entity) Dirty() bool { return e.dirty }

// TakeDelta gives every change since the last call, and starts gathering anew.
func (e *Entity) TakeDelta() Delta { return e.TakeDeltaTo(&Room{}) }

// TakeDeltaTo is TakeDelta with what the delta holds in room, so that many deltas share memory.
func (e *Entity) TakeDeltaTo(room *Room) Delta {
	d := Delta{Key: e.Key, Events: e.counted, Seen: e.members.take(room)}
	if n := e.counts.changes(); n > 0 {
		d.Add = e.counts.take(take(room, &room.counts, n))
	} else {
		e.counts.take(nil)
	}
	if e.hasFirst {
		d.First = e.first
	}
	if e.noted {
		d.Note, d.SetNote = e.note, true
	}
	if e.removed != nil {
		d.Drop, d.Forget = e.removed.drop, e.removed.forget
		slices.SortFunc(d.Forget, func(a, b Sub) int { return slices.Compare(a[:], b[:]) })
	}
	e.counted, e.dirty, e.hasFirst, e.noted, e.removed = 0, false, false, false, nil
	d.Base, d.Had = e.version, e.events-d.Events
	packed, version := e.AppendPacked(take(room, &room.packed, e.packedSize()))
	d.Packed, e.version = slices.Clip(packed), version
	return d
}

// PendingEvents is the number of events counted since the last TakeDelta.
func (e *Entity) PendingEvents() int64 { return e.counted }

// SubsBoth gives every second key of a measure at resolution r as Subs does, with its panes there and those that it
// has at resolution also.
func (e *Entity) SubsBoth(m Measure, r, also Resolution) iter.Seq2[Sub, [2][]PaneCount] {
	return func(yield func(Sub, [2][]PaneCount) bool) {
		c := &e.counts
		for i, to := c.run(m); i < to; {
			first := c.series[i].id()
			var both [2][]PaneCount
			for ; i < to && c.series[i].sub == first.sub; i++ {
				c.pick(i, r, also, &both)
			}
			if first.sub != 0 && holds(both[0]) && !yield(first.series().Sub, both) {
				return
			}
		}
	}
}
