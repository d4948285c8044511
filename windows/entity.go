package windows

import (
	"encoding/binary"
	"iter"
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
	members map[Sub]int64
	first   First
	note    string
	events  int64

	pending Delta
	dirty   bool
	touched map[Sub]bool // members changed since; true: forgotten in between, whatever came after
}

type newestPane struct {
	resolution byte
	pane       int64
}

// NewEntity gives an entity of which nothing is known.
func NewEntity(key Key) *Entity { return &Entity{Key: key} }

// Add counts n at t in a series of resolution r. It reports false and changes nothing if t lies beyond what r keeps,
// counted from the entity's newest pane of r. A newer pane moves the horizon: what falls behind it is dropped.
func (e *Entity) Add(m Measure, r Resolution, sub Sub, t time.Time, n int64) bool {
	pane := r.Pane(t)
	newest, any := e.Newest(r)
	if any && pane <= newest-r.Keep {
		return false
	}
	e.dirty = true
	if !any || pane > newest {
		e.setNewest(r, pane)
		e.expire(r)
	}
	e.counts.add(Series{m, r.Name, sub}, pane, n, true)
	return true
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
	if newest, any := e.Newest(r); any {
		e.pending.Drop = e.counts.expire(r.Name, newest-r.Keep+1, e.pending.Drop)
		e.dirty = e.dirty || len(e.pending.Drop) > 0
	}
}

// Tally adds n to count number slot of a measure, one that belongs to no pane and never expires.
func (e *Entity) Tally(m Measure, slot, n int64) {
	e.dirty = true
	e.counts.add(Series{Measure: m, Resolution: AllTime}, slot, n, true)
}

// TallyOf is the sum of what Tally added.
func (e *Entity) TallyOf(m Measure, slot int64) int64 {
	return sumPanes(e.counts.panes(Series{Measure: m, Resolution: AllTime}), slot, slot)
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
	return e.counts.panes(Series{m, r.Name, sub})
}

// Sum adds up the panes [from, to] of a series.
func (e *Entity) Sum(m Measure, r Resolution, sub Sub, from, to int64) int64 {
	return sumPanes(e.Panes(m, r, sub), from, to)
}

// Subs gives every second key of a measure at resolution r with its panes, in the order of keys; Others among them,
// the series without a second key not.
func (e *Entity) Subs(m Measure, r Resolution) iter.Seq2[Sub, []PaneCount] {
	return func(yield func(Sub, []PaneCount) bool) {
		from, to := e.counts.run(m, r.Name)
		for _, s := range e.counts.series[from:to] {
			if !s.id.Sub.IsZero() && holds(s.panes) && !yield(s.id.Sub, s.panes) {
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
	f.Time = time.UnixMilli(f.Time.UnixMilli()).UTC()
	e.dirty = true
	e.events++
	e.pending.Events++
	if f.Before(e.first) {
		e.first = f
		e.pending.First = f
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
	e.note = note
	e.pending.Note, e.pending.SetNote = note, true
}

// Saw remembers a member as seen at t, unless it was seen later already.
func (e *Entity) Saw(sub Sub, t time.Time) {
	ms := t.UnixMilli()
	if seen, ok := e.members[sub]; ok && seen >= ms {
		return
	}
	if e.members == nil {
		e.members = map[Sub]int64{}
	}
	e.members[sub] = ms
	e.touch(sub, false)
}

// Seen tells when a member was last seen; false if it is not remembered.
func (e *Entity) Seen(sub Sub) (time.Time, bool) {
	ms, ok := e.members[sub]
	if !ok {
		return time.Time{}, false
	}
	return time.UnixMilli(ms).UTC(), true
}

// Members is the number of members remembered.
func (e *Entity) Members() int { return len(e.members) }

// ForgetMarks forgets the marks last seen before t, then those seen longest ago until at most limit are left. Lasting
// ones stay, and don't count.
func (e *Entity) ForgetMarks(t time.Time, limit int) {
	e.forget(limit, func(s Sub) bool { return s.IsMark() && !s.isLasting() }, func(m Member) bool { return m.UnixMilli < t.UnixMilli() })
}

// ForgetLastingMarks forgets the lasting marks seen longest ago until at most limit are left.
func (e *Entity) ForgetLastingMarks(limit int) {
	e.forget(limit, Sub.isLasting, func(Member) bool { return false })
}

// ForgetOldest forgets the members that are no marks and were seen longest ago, until at most limit are left.
func (e *Entity) ForgetOldest(limit int) {
	e.forget(limit, func(s Sub) bool { return !s.IsMark() }, func(Member) bool { return false })
}

func (e *Entity) forget(limit int, which func(Sub) bool, old func(Member) bool) {
	all := slices.DeleteFunc(e.AllMembers(), func(m Member) bool { return !which(m.Sub) })
	for i, m := range all {
		if !old(m) && len(all)-i <= limit {
			return
		}
		delete(e.members, m.Sub)
		e.touch(m.Sub, true)
	}
}

func (e *Entity) touch(sub Sub, forgotten bool) {
	e.dirty = true
	if e.touched == nil {
		e.touched = map[Sub]bool{}
	}
	e.touched[sub] = e.touched[sub] || forgotten
}

func sortMembers(m []Member) {
	slices.SortFunc(m, func(a, b Member) int {
		if a.UnixMilli != b.UnixMilli {
			return int(min(max(a.UnixMilli-b.UnixMilli, -1), 1))
		}
		return slices.Compare(a.Sub[:], b.Sub[:])
	})
}

// Dirty reports whether there is anything for TakeDelta to take.
func (e *Entity) Dirty() bool { return e.dirty }

// TakeDelta gives every change since the last call, and starts gathering anew.
func (e *Entity) TakeDelta() Delta {
	d := e.pending
	d.Key = e.Key
	d.Add = e.counts.take(nil)
	for sub, forgotten := range e.touched {
		if forgotten {
			d.Forget = append(d.Forget, sub)
		}
		if ms, ok := e.members[sub]; ok {
			d.Seen = append(d.Seen, Member{sub, ms})
		}
	}
	sortMembers(d.Seen)
	slices.SortFunc(d.Forget, func(a, b Sub) int { return slices.Compare(a[:], b[:]) })
	e.pending, e.dirty, e.touched = Delta{}, false, nil
	return d
}

// PendingEvents is the number of events counted since the last TakeDelta.
func (e *Entity) PendingEvents() int64 { return e.pending.Events }

// SubsBoth gives every second key of a measure at resolution r as Subs does, with its panes there and those that it
// has at resolution also. Both series stand in the order of keys, so none is searched for.
func (e *Entity) SubsBoth(m Measure, r, also Resolution) iter.Seq2[Sub, [2][]PaneCount] {
	return func(yield func(Sub, [2][]PaneCount) bool) {
		from, to := e.counts.run(m, r.Name)
		other, end := e.counts.run(m, also.Name)
		for _, s := range e.counts.series[from:to] {
			if s.id.Sub.IsZero() || !holds(s.panes) {
				continue
			}
			for other < end && e.counts.series[other].id.Sub.before(s.id.Sub) {
				other++
			}
			both := [2][]PaneCount{s.panes}
			if other < end && e.counts.series[other].id.Sub == s.id.Sub {
				both[1] = e.counts.series[other].panes
			}
			if !yield(s.id.Sub, both) {
				return
			}
		}
	}
}

// before reports whether s stands before other in the order of keys.
func (s Sub) before(other Sub) bool {
	return binary.BigEndian.Uint64(s[:]) < binary.BigEndian.Uint64(other[:])
}
