package pipeline

import "github.com/parcelsentry/parcelsentry/windows"

// hold is what a shard has in a flight. Its memory is used again by the next one: a flush takes some megabytes, twice a second.
type hold struct {
	entries []*entry // in the order of their deltas in updates
	deltas  []windows.Delta
	updates []windows.Update
	room    *windows.Room // for what the deltas hold
}

func newHold() *hold { return &hold{room: windows.NewRoom()} }

// load makes room for as many entries. What a much larger flight needed is let go of.
func (h *hold) load(n int) {
	if cap(h.deltas) < n || cap(h.deltas) > 4*n {
		h.entries, h.deltas, h.updates = make([]*entry, 0, n), make([]windows.Delta, 0, n), nil
	}
}

// unload ends the flight: nothing may hold its deltas any more.
func (h *hold) unload() {
	clear(h.entries)
	clear(h.deltas)
	clear(h.updates)
	h.entries, h.deltas, h.updates = h.entries[:0], h.deltas[:0], h.updates[:0]
	h.room.Empty()
}
