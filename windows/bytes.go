package windows

import "unsafe"

// What the parts of an entity take in memory.
const (
	entityBytes  = int64(unsafe.Sizeof(Entity{}))
	seriesBytes  = int64(unsafe.Sizeof(series{}))
	paneBytes    = int64(unsafe.Sizeof(PaneCount{}))
	newestBytes  = int64(unsafe.Sizeof(newestPane{}))
	memberBytes  = int64(unsafe.Sizeof(member{}))
	fieldBytes   = int64(unsafe.Sizeof(Field{}))
	subBytes     = int64(unsafe.Sizeof(Sub{}))
	removedBytes = int64(unsafe.Sizeof(removed{}))
)

// Bytes estimates the memory that the entity takes, what is pending included, at the same small cost however much it
// holds. README.md says how close it comes.
func (e *Entity) Bytes() int64 {
	n := entityBytes +
		int64(cap(e.counts.series))*seriesBytes + int64(cap(e.counts.all))*paneBytes +
		int64(cap(e.newest))*newestBytes + int64(cap(e.members))*memberBytes +
		int64(len(e.note)+len(e.first.At.Source.Topic)+len(e.Key.ID))
	if r := e.removed; r != nil {
		n += removedBytes + int64(cap(r.drop))*fieldBytes + int64(cap(r.forget))*subBytes
	}
	return n
}
