package windows

import (
	"math/bits"
	"unsafe"
)

// What the parts of an entity take in memory. A slice that grows by one has a third to spare on average, and what it
// begins with is not smaller than 16 bytes.
const (
	entityBytes  = int64(unsafe.Sizeof(Entity{}))
	seriesBytes  = int64(unsafe.Sizeof(series{}))
	paneBytes    = int64(unsafe.Sizeof(PaneCount{})) * 4 / 3
	newestBytes  = int64(unsafe.Sizeof(newestPane{}))
	fieldBytes   = int64(unsafe.Sizeof(Field{}))
	slotBytes    = int64(unsafe.Sizeof(Sub{})+unsafe.Sizeof(int64(0))) + 1
	mapBytes     = 56 // a map, and the head of its slots
	tableBytes   = 64 // what a map of more than one group has besides
	slotsOfGroup = 8
)

// Bytes estimates the memory that the entity takes, what is pending included, at the same small cost however much it
// holds. README.md says how close it comes.
func (e *Entity) Bytes() int64 {
	return entityBytes +
		int64(cap(e.counts.series))*seriesBytes + int64(e.counts.fields)*paneBytes +
		int64(cap(e.newest))*newestBytes +
		mapOf(len(e.members)) + mapOf(len(e.touched)) +
		int64(cap(e.pending.Drop))*fieldBytes +
		int64(len(e.note)+len(e.first.At.Source.Topic)+len(e.Key.ID))
}

// mapOf estimates a map from Sub to a number: one group of slots up to eight, else twice as many whenever seven of
// eight are taken.
func mapOf(n int) int64 {
	switch {
	case n == 0:
		return 0
	case n <= slotsOfGroup:
		return mapBytes + slotsOfGroup*slotBytes
	}
	return mapBytes + tableBytes + int64(1)<<bits.Len(uint((n*8-1)/7))*slotBytes
}
