package pipeline

import "github.com/parcelsentry/parcelsentry/windows"

// hold is the memory of a flight, to be used again by the next one: a flush takes some megabytes, twice a second.
type hold struct {
	entries []*entry
	deltas  []windows.Delta
	room    *windows.Room // for what the deltas hold
}

func newHold() *hold { return &hold{room: windows.NewRoom()} }

// load makes room for the entries of a flight and as many deltas. What a much larger one needed is let go of.
func (h *hold) load(n int) ([]*entry, []windows.Delta) {
	if cap(h.deltas) < n || cap(h.deltas) > 4*n {
		h.entries, h.deltas = make([]*entry, 0, n), make([]windows.Delta, n)
	}
	h.deltas = h.deltas[:n]
	return h.entries[:0], h.deltas
}

// unload ends the flight of these entries: nothing may hold its deltas any more.
func (h *hold) unload(entries []*entry) {
	clear(entries)
	clear(h.deltas)
	h.room.Empty()
}
