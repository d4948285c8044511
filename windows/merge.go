package windows

import (
	"errors"
	"fmt"
)

// ErrLost is what Merge gives for a delta of an entity that has lost events since.
var ErrLost = errors.New("fewer events are stored than there were")

// Merge adds a delta to a packed entity, and gives what that is then, nothing for an entity that holds nothing any more. It is
// ErrLost if events are missing, and another error if what is stored is no entity, or if a sum is beyond 64 bits.
func Merge(stored []byte, d *Delta) ([]byte, error) {
	if TotalOf(stored) < d.Had {
		return nil, ErrLost
	}
	e, err := Unpack(d.Key, stored)
	if err != nil {
		return nil, err
	}
	if err := e.merge(d); err != nil {
		return nil, err
	}
	packed, _ := e.AppendPacked(nil)
	return packed, nil
}

func (e *Entity) merge(d *Delta) error {
	for _, a := range d.Add {
		if err := e.counts.merge(a); err != nil {
			return err
		}
	}
	for _, f := range d.Drop {
		e.counts.add(f.id(), f.Pane, -sumPanes(e.counts.panes(f.id()), f.Pane, f.Pane), false)
	}
	e.counts.keep(func(_ *series, p *PaneCount) bool { return p.N != 0 })
	for _, sub := range d.Forget {
		e.members.remove(sub)
	}
	for _, m := range d.Seen {
		e.members.saw(m.Sub, m.UnixMilli)
	}
	if first := d.First.millis(); first.Before(e.first) {
		e.first = first
	}
	if d.SetNote {
		e.note = d.Note
	}
	events, ok := sum(e.events, d.Events)
	if !ok {
		return fmt.Errorf("the total of events would overflow from %d", e.events)
	}
	e.events = events
	return nil
}

func (c *counters) merge(a FieldCount) error {
	if a.N == 0 {
		return nil
	}
	held := sumPanes(c.panes(a.Field.id()), a.Field.Pane, a.Field.Pane)
	if _, ok := sum(held, a.N); !ok {
		return fmt.Errorf("field %s would overflow from %d", a.Field, held)
	}
	c.add(a.Field.id(), a.Field.Pane, a.N, false)
	return nil
}

// sum is that of a and b; false if it is beyond 64 bits.
func sum(a, b int64) (int64, bool) {
	n := a + b
	return n, (n > a) == (b > 0)
}
