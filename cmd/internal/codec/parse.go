package codec

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"unicode/utf8"

	"github.com/valyala/fastjson"
)

// maxDepth is how deeply arrays and objects may nest. Flat events nest once; the bound keeps a parser's recursion, and
// the errors that it wraps level by level, small.
const maxDepth = 32

// keptParser is the size of a value above which the parser's memory, some 50 times as much, is not kept for the next.
const keptParser = 64 << 10

// parse takes the members of the object that value is. They hold until the next call, or until value changes.
func (d *Decoder) parse(value []byte) error {
	if limit := d.options.MaxBytes; limit > 0 && len(value) > limit {
		return unreadable("has %d bytes, the limit is %d", len(value), limit)
	}
	if len(value) == 0 {
		return unreadable("is empty, as a tombstone is")
	}
	if id, ok := confluent(value); ok {
		return unreadable("is no JSON but framed for the schema registry of Confluent (schema %d)", id)
	}
	if !utf8.Valid(value) {
		return unreadable("is no UTF-8 at byte %d", invalidAt(value))
	}
	d.values = [fields]member{}
	if d.flat(value) {
		return nil
	}
	return d.parseAny(value)
}

// parseAny is parse for what flat leaves, nested objects or escapes for one. Value is UTF-8.
func (d *Decoder) parseAny(value []byte) error {
	if tooDeep(value) {
		return unreadable("nests more than %d levels", maxDepth)
	}
	if len(value) > keptParser {
		defer func() { d.parser = fastjson.Parser{} }()
	}
	// The parser alone would take NaN, 01, unknown escapes and line ends within strings.
	if err := fastjson.ValidateBytes(value); err != nil {
		return noJSON(value)
	}
	v, err := d.parser.ParseBytes(value)
	if err != nil {
		return noJSON(value)
	}
	object, err := v.Object()
	if err != nil {
		return unreadable("is %s, not an object", kindOf(v.Type()))
	}
	d.values, d.number = [fields]member{}, d.number[:0]
	object.Visit(d.visit)
	return nil
}

// confluent recognises the frame that Confluent's serialisers put before a value: 0x00 and the number of a schema.
func confluent(value []byte) (schema uint32, ok bool) {
	const frame = 5
	if len(value) < frame || value[0] != 0 {
		return 0, false
	}
	return binary.BigEndian.Uint32(value[1:frame]), true
}

// invalidAt gives the position of the first byte that is no UTF-8.
func invalidAt(b []byte) int {
	at := 0
	for at < len(b) {
		r, size := utf8.DecodeRune(b[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return at
}

func tooDeep(value []byte) bool {
	// What does not open more often can't nest deeper, and counting bytes costs next to nothing.
	if bytes.Count(value, []byte{'{'})+bytes.Count(value, []byte{'['}) <= maxDepth {
		return false
	}
	depth, inString := 0, false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// noJSON says where value stops being JSON. The fast parser tells no position, and shows parts of the value.
func noJSON(value []byte) error {
	var syntax *json.SyntaxError
	if errors.As(json.Unmarshal(value, new(json.RawMessage)), &syntax) {
		return unreadable("is no JSON: %v at byte %d", syntax, syntax.Offset)
	}
	return unreadable("is no JSON")
}
