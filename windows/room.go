package windows

import "unsafe"

// A Room is memory that deltas share, so that few pieces are to be made and collected. The zero Room makes a piece for each
// of what it is asked for; NewRoom makes one that makes large ones. It is for one goroutine. What it gave out stays until
// Empty.
type Room struct {
	piece   int // bytes that it makes at once, at least
	packed  pieces[byte]
	counts  pieces[FieldCount]
	members pieces[Member]
}

// pieces are of one type. The first ones are in use; left is what is not given out of the last of these.
type pieces[T any] struct {
	all  [][]T
	used int
	left []T
}

// NewRoom gives a room for many deltas.
func NewRoom() *Room { return &Room{piece: 128 << 10} }

// Empty lets the memory be given out again. Nothing may hold what was given out before. Pieces that were not needed since the
// last Empty go.
func (r *Room) Empty() {
	r.packed.empty()
	r.counts.empty()
	r.members.empty()
}

func (p *pieces[T]) empty() {
	clear(p.all[p.used:])
	p.all, p.used, p.left = p.all[:p.used], 0, nil
}

// take gives an empty slice with room for n, of what is left in from. What is appended beyond that goes elsewhere, as ever.
func take[T any](r *Room, from *pieces[T], n int) []T {
	for n > len(from.left) {
		if from.used == len(from.all) {
			var one T
			from.all = append(from.all, make([]T, max(n, r.piece/int(unsafe.Sizeof(one)))))
		}
		from.left = from.all[from.used]
		from.used++
	}
	part := from.left[:0:n]
	from.left = from.left[n:]
	return part
}
