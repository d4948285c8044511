package detector

import (
	"unsafe"

	"github.com/parcelsentry/parcelsentry/windows"
)

// A memo is what the detectors of a subject keep of the entity's past from one event to the next, so that an event costs
// the same however much lies behind the entity. It only saves time: whatever is judged with it is judged the same
// without. A subject that was just read has none, and an entity with little behind it never needs one.
type memo struct {
	events int64 // of the entity, when the memo followed it last
	routes [2]*census
	rates  [3]*learned
	rare   *rare // nil until places are folded
}

// fewPanes is how many days or places of the past are looked through anew at every event: less than a memo costs.
const fewPanes = 8

// follow takes in an event that the entity counts now, with line as in Marks. What it does not fit is forgotten.
func (m *memo) follow(e *Event, line bool) {
	if m == nil {
		return
	}
	m.events++
	if line {
		return
	}
	for _, c := range m.routes {
		if c != nil {
			c.follow(e)
		}
	}
	for _, l := range m.rates {
		if l != nil {
			l.follow(e)
		}
	}
}

// fold takes in that a place is about to be folded into windows.Others.
func (m *memo) fold(e *windows.Entity, place windows.Sub) {
	if m == nil {
		return
	}
	for _, c := range m.routes {
		if c != nil {
			c.fold(e, place)
		}
	}
}

// sent takes in that the entity has counted a parcel to a place.
func (m *memo) sent(e *windows.Entity, all windows.Resolution, place windows.Sub) {
	if m != nil && m.rare != nil && !place.IsZero() {
		m.rare.follow(e, all, place)
	}
}

// rarest gives the list of the least used places, an empty one if there was none.
func (m *memo) rarest() *rare {
	if m == nil {
		return &rare{}
	}
	if m.rare == nil {
		m.rare = &rare{}
	}
	return m.rare
}

// memo gives the view's memo as far as it holds; nil for none.
func (v *View) memo() *memo {
	if v.memory == nil {
		return nil
	}
	return holding(v.memory, v.Entity)
}

// remember gives the view's memo, made if there is none; nil where the view can keep none.
func (v *View) remember() *memo {
	if v.memory == nil {
		return nil
	}
	return remember(v.memory, v.Entity)
}

// holding gives the memo of an entity as far as it holds; nil for none.
func holding(memory **memo, e *windows.Entity) *memo {
	if m := *memory; m != nil && m.events != e.Events() {
		*memory = nil // some event was counted without it
	}
	return *memory
}

// remember gives the memo of an entity, made if there is none.
func remember(memory **memo, e *windows.Entity) *memo {
	if holding(memory, e) == nil {
		*memory = &memo{events: e.Events()}
	}
	return *memory
}

// bytes estimates the memory that the memo takes.
func (m *memo) bytes() int64 {
	if m == nil {
		return 0
	}
	n := int64(unsafe.Sizeof(*m))
	for _, c := range m.routes {
		if c != nil {
			n += int64(unsafe.Sizeof(*c)) + int64(cap(c.used))*int64(unsafe.Sizeof(usage{}))
		}
	}
	for _, l := range m.rates {
		if l != nil {
			n += int64(unsafe.Sizeof(*l))
		}
	}
	if m.rare != nil {
		n += int64(unsafe.Sizeof(*m.rare)) + int64(cap(m.rare.places))*int64(unsafe.Sizeof(usedPlace{}))
	}
	return n
}
