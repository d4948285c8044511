package windows

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// A Version names what an entity holds: 48 bits of the xxhash64 of what stands behind it in a packed entity. The zero
// Version is that of an entity of which nothing is known.
type Version [6]byte

// AppendPacked appends the entity in few bytes, none for one that holds nothing, and gives the version that it is.
//
//	version      6 bytes
//	events       the total
//	first event  the length of its topic and 1, topic, epoch, partition, offset, Unix milliseconds; or 0 for none
//	counts       how many series there are, and panes in all; for each group the measure, a byte; another one: four times the number of its series, and
//	             0 if it has no second key, 1 for one of 8 bytes, 2 for one of 6; the second key; for each series the
//	             resolution, a byte; twice the number of panes, and 1 if all hold 1; the first pane, and how many panes each
//	             other comes after the one before; unless all are 1 the first count, and by how much each other is more
//	members      how many there are; if any, how many of them have names of 8 bytes and come before those of 6; when the last
//	             was seen, in milliseconds since the first event; for each the name, and how many milliseconds before that
//	note         the rest
//
// A group is what has a measure and a second key; no series stand for those of the group before. Second keys and names have 6
// bytes if they are of base64url. Numbers are as in encoding/binary, Uvarint where they can't be negative and Varint
// elsewhere. The same entity has the same bytes.
func (e *Entity) AppendPacked(b []byte) ([]byte, Version) {
	if e.counts.fields == 0 && len(e.members) == 0 && e.first.IsZero() && e.note == "" && e.events == 0 {
		return b, Version{}
	}
	start := len(b)
	b = append(b, make([]byte, len(Version{}))...)
	b = binary.AppendVarint(b, e.events)
	b = e.first.appendPacked(b)
	b = e.counts.appendPacked(b)
	b = e.members.appendPacked(b, e.first.unixMilli())
	b = append(b, e.note...)
	v := versionOf(b[start+len(Version{}):])
	copy(b[start:], v[:])
	return b, v
}

// packedSize is about what AppendPacked appends, rather more.
func (e *Entity) packedSize() int {
	const head, ofSeries, ofPane, ofMember = 64, 12, 4, 14
	return head + len(e.first.At.Source.Topic) + ofSeries*len(e.counts.series) + ofPane*len(e.counts.all) + ofMember*len(e.members) + len(e.note)
}

func versionOf(rest []byte) (v Version) {
	var hash [8]byte
	binary.BigEndian.PutUint64(hash[:], xxhash.Sum64(rest))
	copy(v[:], hash[:])
	return v
}

// VersionOf is the version of a packed entity.
func VersionOf(packed []byte) (v Version) {
	copy(v[:], packed)
	return v
}

func (f *First) appendPacked(b []byte) []byte {
	if f.IsZero() {
		return append(b, 0)
	}
	s := &f.At.Source
	b = binary.AppendUvarint(b, uint64(len(s.Topic))+1)
	b = append(b, s.Topic...)
	for _, n := range [...]int64{int64(s.Epoch), int64(s.Partition), f.At.Offset, f.unixMilli()} {
		b = binary.AppendVarint(b, n)
	}
	return b
}

// unixMilli is the first event's time, 0 for none.
func (f *First) unixMilli() int64 {
	if f.IsZero() {
		return 0
	}
	return f.Time.UnixMilli()
}

// What the second byte of a group says of its second key.
const (
	groupWhole  = iota // there is none
	groupSub           // 8 bytes
	groupPacked        // 6 bytes
	groupKinds  = 4
)

func (c *counters) appendPacked(b []byte) []byte {
	series := 0
	for i := range c.series {
		if holds(c.at(i)) {
			series++
		}
	}
	b = binary.AppendUvarint(b, uint64(series))
	b = binary.AppendUvarint(b, uint64(c.fields))
	from, to := 0, 0 // where the series of the group before stand in b
	for i := 0; i < len(c.series); {
		end, size := c.group(i)
		if size == 0 {
			i = end
			continue
		}
		s := &c.series[i]
		b = append(b, byte(s.measure()), 0)
		head := len(b) - 1
		kind := groupWhole
		if s.sub != 0 {
			b, kind = appendGroupSub(b, s.sub)
		}
		at := len(b)
		for ; i < end; i++ {
			if panes := c.at(i); holds(panes) {
				b = append(b, c.series[i].resolution())
				b = appendPanes(b, panes)
			}
		}
		if string(b[at:]) == string(b[from:to]) {
			b, size = b[:at], 0
		} else {
			from, to = at, len(b)
		}
		b[head] = byte(size*groupKinds + kind)
	}
	return b
}

// group gives the end of the group that begins with series number i, and how many of its series hold anything.
func (c *counters) group(i int) (end, size int) {
	first := &c.series[i]
	for end = i; end < len(c.series) && c.series[end].sub == first.sub && c.series[end].measure() == first.measure(); end++ {
		if holds(c.at(end)) {
			size++
		}
	}
	return end, size
}

func appendGroupSub(b []byte, sub uint64) ([]byte, int) {
	if bits, ok := pack(sub); ok {
		return append48(b, bits), groupPacked
	}
	return binary.BigEndian.AppendUint64(b, sub), groupSub
}

func appendPanes(b []byte, panes []PaneCount) []byte {
	n, ones := uint64(0), uint64(1)
	for i := range panes {
		if panes[i].N != 0 {
			n++
		}
		if panes[i].N > 1 || panes[i].N < 0 {
			ones = 0
		}
	}
	b = binary.AppendUvarint(b, n<<1|ones)
	first, before := true, int64(0)
	for i := range panes {
		p := &panes[i]
		switch {
		case p.N == 0:
			continue
		case first:
			b = binary.AppendVarint(b, p.Pane)
			first = false
		default:
			b = binary.AppendUvarint(b, uint64(p.Pane)-uint64(before))
		}
		before = p.Pane
	}
	if ones == 1 {
		return b
	}
	count := int64(0)
	for i := range panes {
		if n := panes[i].N; n != 0 {
			b = binary.AppendVarint(b, n-count)
			count = n
		}
	}
	return b
}

func (m members) appendPacked(b []byte, first int64) []byte {
	b = binary.AppendUvarint(b, uint64(len(m)))
	if len(m) == 0 {
		return b
	}
	last, whole := m[0].ms, 0
	for i := range m {
		last = max(last, m[i].ms)
		if _, ok := pack(m[i].sub); !ok {
			whole = i + 1
		}
	}
	b = binary.AppendUvarint(b, uint64(whole))
	b = binary.AppendVarint(b, last-first)
	for i := range m {
		if i < whole {
			b = binary.BigEndian.AppendUint64(b, m[i].sub)
		} else {
			bits, _ := pack(m[i].sub)
			b = append48(b, bits)
		}
		b = binary.AppendUvarint(b, uint64(last)-uint64(m[i].ms))
	}
	return b
}

func append48(b []byte, bits uint64) []byte {
	return append(b, byte(bits>>40), byte(bits>>32), byte(bits>>24), byte(bits>>16), byte(bits>>8), byte(bits))
}
