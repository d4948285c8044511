package windows

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
	"unique"
)

// Unpack builds an entity of what AppendPacked gave; of nothing one of which nothing is known. Anything else, be it changed
// in one byte, is an error. Nothing of packed is kept. The entity has nothing to take, and is to be settled before it is used.
func Unpack(key Key, packed []byte) (*Entity, error) {
	e := NewEntity(key)
	if len(packed) == 0 {
		return e, nil
	}
	if len(packed) < len(e.version) {
		return nil, errors.New("it is no entity")
	}
	e.version = VersionOf(packed)
	u := &unpacker{rest: packed[len(e.version):]}
	if versionOf(u.rest) != e.version {
		return nil, errors.New("it is no entity, or was changed by somebody")
	}
	e.events = u.number()
	u.first(&e.first)
	u.counts(&e.counts)
	u.members(&e.members, e.first.unixMilli())
	if u.broken != "" {
		return nil, fmt.Errorf("at byte %d: %s is missing", len(packed)-len(u.rest), u.broken)
	}
	e.note = string(u.rest)
	return e, nil
}

// TotalOf is the number of events in a packed entity.
func TotalOf(packed []byte) int64 {
	const version = len(Version{})
	if len(packed) < version {
		return 0
	}
	total, _ := binary.Varint(packed[version:])
	return total
}

// unpacker takes what comes next. After the first fault it goes on with nothings.
type unpacker struct {
	rest   []byte
	broken string
}

func (u *unpacker) fail(missing string) {
	if u.broken == "" {
		u.broken = missing
	}
	u.rest = nil
}

// bytes takes n bytes; they belong to the unpacker.
func (u *unpacker) bytes(n uint64) []byte {
	if n > uint64(len(u.rest)) {
		u.fail(fmt.Sprintf("the rest of %d bytes", n))
		return nil
	}
	b := u.rest[:n]
	u.rest = u.rest[n:]
	return b
}

func (u *unpacker) byte() byte {
	if b := u.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (u *unpacker) number() int64 {
	n, size := binary.Varint(u.rest)
	return taken(u, n, size)
}

func (u *unpacker) size() uint64 {
	n, size := binary.Uvarint(u.rest)
	return taken(u, n, size)
}

func taken[N int64 | uint64](u *unpacker, n N, size int) N {
	if size <= 0 {
		u.fail("a number")
		return 0
	}
	u.rest = u.rest[size:]
	return n
}

// count takes how many of something follow that takes a byte at least.
func (u *unpacker) count(factor uint64) (n int, bits uint64) {
	size := u.size()
	if size/factor > uint64(len(u.rest)) {
		u.fail(fmt.Sprintf("the last of %d", size/factor))
		return 0, 0
	}
	return int(size / factor), size % factor
}

// name takes a second key or a member's name.
func (u *unpacker) name(packed bool) uint64 {
	if !packed {
		if b := u.bytes(8); b != nil {
			return binary.BigEndian.Uint64(b)
		}
		return 0
	}
	var bits uint64
	for _, b := range u.bytes(6) {
		bits = bits<<8 | uint64(b)
	}
	return unpack(bits)
}

func (u *unpacker) first(f *First) {
	length := u.size()
	if length == 0 {
		return
	}
	topic := u.bytes(length - 1)
	f.At.Source = Source{
		Topic: unique.Make(string(topic)).Value(), // one for millions of entities
		Epoch: int(u.number()), Partition: int(u.number()),
	}
	f.At.Offset = u.number()
	f.Time = time.UnixMilli(u.number()).UTC()
}

func (u *unpacker) counts(c *counters) {
	const most = 1 << 12 // to make room for, whatever a number says
	n, panes := u.size(), u.size()
	if n == 0 {
		return
	}
	c.series, c.all = make([]series, 0, min(n, most)), make([]PaneCount, 0, min(panes, most))
	from := 0 // the first series of the group before
	for uint64(len(c.series)) < n && u.broken == "" {
		measure, head := u.byte(), u.byte()
		id := seriesID{name: uint16(measure) << 8}
		if kind := head % groupKinds; kind != groupWhole {
			id.sub = u.name(kind == groupPacked)
		}
		first := len(c.series)
		if head/groupKinds == 0 {
			c.repeat(from, first, id)
		}
		for range head / groupKinds {
			id.name = uint16(measure)<<8 | uint16(u.byte())
			u.panes(c)
			c.series = append(c.series, series{sub: id.sub, name: id.name, end: uint32(len(c.all))})
		}
		if from = first; len(c.series) == first {
			u.fail("a series")
		}
	}
	for i := 1; i < len(c.series); i++ {
		if !c.series[i-1].id().before(c.series[i].id()) {
			u.fail("a later series")
		}
	}
	c.fields = len(c.all)
}

// repeat appends the series [from, to) once more, as those of another group.
func (c *counters) repeat(from, to int, id seriesID) {
	for i := from; i < to; i++ {
		c.all = append(c.all, c.at(i)...)
		name := id.name | c.series[i].name&0xff
		c.series = append(c.series, series{sub: id.sub, name: name, end: uint32(len(c.all))})
	}
}

// panes takes those of a series, which are in order and hold something.
func (u *unpacker) panes(c *counters) {
	n, ones := u.count(2)
	from, pane := len(c.all), int64(0)
	for i := range n {
		if i == 0 {
			pane = u.number()
		} else if step := u.size(); pane+int64(step) > pane {
			pane += int64(step)
		} else {
			u.fail("a later pane")
		}
		c.all = append(c.all, PaneCount{Pane: pane, N: 1})
	}
	if ones == 1 {
		return
	}
	count := int64(0)
	for i := range n {
		count += u.number()
		if c.all[from+i].N = count; count == 0 {
			u.fail("a count")
		}
	}
}

func (u *unpacker) members(m *members, first int64) {
	n, _ := u.count(1)
	if n == 0 {
		return
	}
	whole := u.size()
	last := u.number() + first
	*m = make(members, 0, n)
	for i := range n {
		one := member{sub: u.name(uint64(i) >= whole), stored: true}
		one.ms = last - int64(u.size())
		if i > 0 && (*m)[i-1].sub >= one.sub {
			u.fail("a later member")
		}
		*m = append(*m, one)
	}
}

// String gives the version in hexadecimal digits.
func (v Version) String() string { return fmt.Sprintf("%x", v[:]) }
