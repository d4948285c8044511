package windows

import "unsafe"

// A Room is memory that deltas share, so that few pieces are to be made and collected. The zero Room makes a piece for each
// of what it is asked for; NewRoom makes one that makes large ones. It is for one goroutine. What it gave out stays.
type Room struct {
	piece   int // bytes that it makes at once, at least
	packed  []byte
	counts  []FieldCount
	members []Member
}

// NewRoom gives a room for many deltas.
func NewRoom() *Room { return &Room{piece: 128 << 10} }

// take gives an empty slice with room for n, of what is left in from. What is appended beyond that goes elsewhere, as ever.
func take[T any](r *Room, from *[]T, n int) []T {
	if n > len(*from) {
		var one T
		*from = make([]T, max(n, r.piece/int(unsafe.Sizeof(one))))
	}
	part := (*from)[:0:n]
	*from = (*from)[n:]
	return part
}
