package pipeline

import (
	"encoding/binary"

	"github.com/parcelsentry/parcelsentry/windows"
)

// packed keeps entities as bytes, one behind the other in pieces of memory, and forgets the piece that was begun first. An entity takes
// a fifth there of what it takes to work with, and the garbage collector has nothing to look at: there are no pointers. What is
// taken out leaves its place empty until the piece goes.
type packed struct {
	size   int // of a piece, in bytes
	pieces [][]byte
	first  int // number of pieces[0]
	at     map[uint64]packedPlace
	bytes  int64 // of the pieces
}

// packedPlace is where an entity lies.
type packedPlace struct{ piece, offset uint32 }

// placeBytes is about what an entity takes besides its bytes: its place in the map.
const placeBytes = 32

func newPacked(capacity int64) *packed {
	const least, most, pieces = 1 << 10, 1 << 20, 32
	return &packed{size: int(min(max(capacity/pieces, least), most)), at: map[uint64]packedPlace{}}
}

// put takes in an entity that is not here. Of two with one hash the later stays.
func (p *packed) put(key *windows.Key, hash uint64, entity *windows.Entity) {
	last := len(p.pieces) - 1
	const usual = 512 // where less is left in a piece, one that needs more makes it grow
	if last < 0 || cap(p.pieces[last])-len(p.pieces[last]) < usual {
		p.pieces = append(p.pieces, make([]byte, 0, p.size))
		p.bytes += int64(p.size)
		last++
	}
	b := p.pieces[last]
	before := cap(b)
	offset := len(b)
	p.at[hash] = packedPlace{uint32(p.first + last), uint32(offset)}
	b = binary.LittleEndian.AppendUint64(b, hash)
	b = appendText(b, string(key.Kind))
	b = appendText(b, key.ID)
	b = append(b, make([]byte, 4)...)
	from := len(b)
	b, _ = entity.AppendPacked(b)
	binary.LittleEndian.PutUint32(b[from-4:], uint32(len(b)-from))
	p.pieces[last] = b
	p.bytes += int64(cap(b) - before)
}

// take takes an entity out: its bytes, which hold until the next put; false if it is not here.
func (p *packed) take(key *windows.Key, hash uint64) ([]byte, bool) {
	at, ok := p.at[hash]
	if !ok {
		return nil, false
	}
	_, kind, id, entity, _ := cut(p.pieces[int(at.piece)-p.first][at.offset:])
	if string(kind) != string(key.Kind) || string(id) != key.ID {
		return nil, false
	}
	delete(p.at, hash)
	return entity, true
}

// drop forgets the oldest piece, and gives how many entities were in it.
func (p *packed) drop() (gone int) {
	piece := p.pieces[0]
	for rest := piece; len(rest) > 0; {
		offset := len(piece) - len(rest)
		var hash uint64
		hash, _, _, _, rest = cut(rest)
		if at, ok := p.at[hash]; ok && at == (packedPlace{uint32(p.first), uint32(offset)}) {
			delete(p.at, hash)
			gone++
		}
	}
	p.bytes -= int64(cap(piece))
	p.pieces[0] = nil
	p.pieces = p.pieces[1:]
	p.first++
	return gone
}

// taken is what all of it takes, about.
func (p *packed) taken() int64 { return p.bytes + placeBytes*int64(len(p.at)) }

func appendText(b []byte, text string) []byte {
	b = append(b, byte(len(text))) // ids have 40 bytes at most
	return append(b, text...)
}

// cut gives the parts of the first entity in b, and what comes after it.
func cut(b []byte) (hash uint64, kind, id, entity, rest []byte) {
	hash, b = binary.LittleEndian.Uint64(b), b[8:]
	kind, b = b[1:1+b[0]], b[1+b[0]:]
	id, b = b[1:1+b[0]], b[1+b[0]:]
	size := binary.LittleEndian.Uint32(b)
	b = b[4:]
	return hash, kind, id, b[:size], b[size:]
}
