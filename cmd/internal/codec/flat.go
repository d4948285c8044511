package codec

import (
	"encoding/binary"
	"math/bits"

	"github.com/valyala/fastjson"
)

// A member is a value of the record in hand. Its text is what a string says, or a number as it is written; it has none
// otherwise. The zero member is null.
type member struct {
	kind fastjson.Type
	text []byte
}

// flat takes the members of an object without arrays, objects and escapes in it, which nearly all events are, in one
// pass and a quarter of the parser's time. False says nothing about value, which may be a good object all the same, and
// leaves some members behind. What it takes the parser takes too, to the same members. Value is UTF-8.
func (d *Decoder) flat(value []byte) bool {
	i := afterSpace(value, 0)
	if !stands(value, i, '{') {
		return false
	}
	for {
		name, end := quoted(value, afterSpace(value, i+1))
		colon := afterSpace(value, end)
		if end == 0 || !stands(value, colon, ':') {
			return false
		}
		m, end := scalar(value, afterSpace(value, colon+1))
		if end == 0 {
			return false
		}
		if f := fieldNamed(name); f != fields {
			d.values[f] = m
		}
		i = afterSpace(value, end)
		if stands(value, i, '}') {
			return afterSpace(value, i+1) == len(value)
		}
		if !stands(value, i, ',') {
			return false
		}
	}
}

// stands reports whether c is at i, which may be the end of b.
func stands(b []byte, i int, c byte) bool { return i < len(b) && b[i] == c }

// afterSpace gives the place of the first byte from i on that is no white space.
func afterSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// quoted gives the text of the string that begins at i, and where it has ended; 0 if there is none, or one with escapes.
func quoted(b []byte, i int) (text []byte, end int) {
	if !stands(b, i, '"') {
		return nil, 0
	}
	i++
	j := i
	for ; j+8 <= len(b); j += 8 {
		if found := endings(binary.LittleEndian.Uint64(b[j:])); found != 0 {
			j += bits.TrailingZeros64(found) / 8
			break
		}
	}
	for ; j < len(b); j++ {
		switch c := b[j]; {
		case c == '"':
			return b[i:j], j + 1
		case c < ' ' || c == '\\':
			return nil, 0
		}
	}
	return nil, 0
}

// endings has the highest bit set of the first of eight bytes that is a quotation mark, a backslash or below a space, and
// perhaps of some after that; it is 0 if there is none. (A byte of x is below n if it borrows from its highest bit in
// x - n. Whatever borrows from a byte above stands after one that was found.)
func endings(eight uint64) uint64 {
	const each, highest = 0x0101010101010101, 0x8080808080808080
	quote, backslash := eight^each*'"', eight^each*'\\'
	return ((quote-each)&^quote | (backslash-each)&^backslash | (eight-each*' ')&^eight) & highest
}

// scalar gives the string, number, null, true or false that begins at i, and where it has ended; 0 if there is none.
func scalar(b []byte, i int) (m member, end int) {
	if i == len(b) {
		return m, 0
	}
	switch b[i] {
	case '"':
		text, end := quoted(b, i)
		return member{fastjson.TypeString, text}, end
	case 'n':
		return member{kind: fastjson.TypeNull}, afterWord(b, i, "null")
	case 't':
		return member{kind: fastjson.TypeTrue}, afterWord(b, i, "true")
	case 'f':
		return member{kind: fastjson.TypeFalse}, afterWord(b, i, "false")
	}
	end = afterNumber(b, i)
	return member{fastjson.TypeNumber, b[i:max(i, end)]}, end
}

func afterWord(b []byte, i int, word string) (end int) {
	if end = i + len(word); end <= len(b) && string(b[i:end]) == word {
		return end
	}
	return 0
}

// afterNumber gives where the number that begins at i has ended, 0 if it is none by the grammar of JSON. What follows it
// is not looked at.
func afterNumber(b []byte, i int) (end int) {
	if stands(b, i, '-') {
		i++
	}
	end = afterDigits(b, i)
	if end == i || b[i] == '0' && end > i+1 {
		return 0
	}
	if stands(b, end, '.') {
		i, end = end+1, afterDigits(b, end+1)
		if end == i {
			return 0
		}
	}
	if stands(b, end, 'e') || stands(b, end, 'E') {
		i = end + 1
		if stands(b, i, '+') || stands(b, i, '-') {
			i++
		}
		if end = afterDigits(b, i); end == i {
			return 0
		}
	}
	return end
}

func afterDigits(b []byte, i int) int {
	for i < len(b) && '0' <= b[i] && b[i] <= '9' {
		i++
	}
	return i
}
