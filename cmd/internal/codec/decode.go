package codec

import (
	"hash"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fastjson"
	"github.com/valyala/fastjson/fastfloat"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// maxText is the longest text that a field may hold, in bytes. An alert carries up to detector.MaxItems of them, and
// has to fit into a message even where each byte needs six to be written.
const maxText = 512

// Options are how events are decoded.
type Options struct {
	// MaxBytes is the largest value that is looked at; 0 is no limit.
	MaxBytes int
	// TimeFrom and TimeTo bound event times, half open: [TimeFrom, TimeTo). Zero bounds nothing.
	TimeFrom, TimeTo time.Time
	// PseudonymSenders and PseudonymRecipients replace ids of these people by pseudonyms.
	PseudonymSenders, PseudonymRecipients bool
	// Key is the secret of the pseudonyms; empty is PublicKey.
	Key []byte
}

// A Decoder makes events of records. It keeps memory from one to the next: each goroutine needs its own.
//
// Texts are strings, or whole numbers, whose digits are then the text; they have at most 512 bytes. Numbers may stand
// in a string, as in CSV they must. Times are RFC 3339 with an offset, a space instead of the T allowed, or a number:
// from 10¹¹ on (seconds of the year 5138) Unix milliseconds, below it Unix seconds. Null and the empty string mean
// absent. Of a name that occurs twice the last counts. Unknown names are ignored.
type Decoder struct {
	options Options
	from    time.Time
	to      time.Time
	mac     hash.Hash // nil without pseudonyms

	values [fields]member // of the record in hand
	parser fastjson.Parser
	visit  func(name []byte, v *fastjson.Value)
	number []byte          // the numbers that visit met, one after the other
	text   []byte          // the texts of the record in hand, one after the other
	ends   [fields]int     // where they end
	kept   strings.Builder // the texts of some records, one after the other
}

// NewDecoder gives a Decoder.
func NewDecoder(o Options) *Decoder {
	d := &Decoder{options: o, from: o.TimeFrom, to: o.TimeTo}
	if d.from.IsZero() {
		d.from = time.Date(1, 1, 1, 0, 0, 0, int(time.Millisecond), time.UTC) // the zero time would mean none
	}
	if d.to.IsZero() {
		d.to = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) // RFC 3339 has no more digits
	}
	if o.PseudonymSenders || o.PseudonymRecipients {
		d.mac = newMAC(o.Key)
	}
	d.visit = func(name []byte, v *fastjson.Value) {
		if f := fieldNamed(name); f != fields {
			d.values[f] = d.member(v)
		}
	}
	return d
}

// Decode makes an event of a record's value, which stands at a place in the log, and to which Kafka gave recordTime
// (zero for none). The event shares no memory with value. An error is a *Malformed, and the event is zero then.
func (d *Decoder) Decode(value []byte, at windows.Coordinates, recordTime time.Time) (e detector.Event, err error) {
	err = d.DecodeInto(&e, value, at, recordTime)
	return e, err
}

// DecodeInto is Decode into an event that is zero, and stays so with an error.
func (d *Decoder) DecodeInto(e *detector.Event, value []byte, at windows.Coordinates, recordTime time.Time) error {
	err := d.decode(e, value, at)
	if err != nil {
		*e = detector.Event{}
		return err
	}
	e.At, e.RecordTime = at, recordTime
	return nil
}

func (d *Decoder) decode(e *detector.Event, value []byte, at windows.Coordinates) (err error) {
	if err := d.parse(value); err != nil {
		return err
	}
	if d.absent(operator) {
		d.values[operator] = d.values[carrier]
	}
	if err := d.texts(e, at); err != nil {
		return err
	}
	if e.Time, err = d.time(); err != nil {
		return err
	}
	if e.WeightG, err = d.amount(weightG); err != nil {
		return err
	}
	e.DeclaredValue, err = d.amount(declaredValue)
	return err
}

// member says a value of the parser's as flat would. It holds until the next call of parse.
func (d *Decoder) member(v *fastjson.Value) member {
	m := member{kind: v.Type()}
	switch m.kind {
	case fastjson.TypeString:
		m.text, _ = v.StringBytes()
	case fastjson.TypeNumber:
		start := len(d.number)
		d.number = v.MarshalTo(d.number)
		m.text = d.number[start:]
	}
	return m
}

// absent holds for null and the empty string too.
func (d *Decoder) absent(f field) bool {
	m := &d.values[f]
	return m.kind == fastjson.TypeNull || m.kind == fastjson.TypeString && len(m.text) == 0
}

// texts fills in all fields that are text. They share one string.
func (d *Decoder) texts(e *detector.Event, at windows.Coordinates) (err error) {
	d.text = d.text[:0]
	for f := range fields {
		switch f {
		case eventTime, weightG, declaredValue, carrier:
			continue
		}
		if d.text, err = d.appendText(d.text, f, at); err != nil {
			return err
		}
		d.ends[f] = len(d.text)
	}
	all := d.keep(d.text)
	start := 0
	next := func(f field) string {
		text := all[start:d.ends[f]]
		start = d.ends[f]
		return text
	}
	e.ID = next(eventID)
	e.Sender = detector.Sender(next(senderID))
	e.Recipient = detector.Recipient(next(recipientID))
	e.Item = next(itemID)
	e.Type = next(eventType)
	e.Origin = detector.Place(next(origin))
	e.Destination = detector.Place(next(destination))
	e.Currency = next(currency)
	e.Service = next(service)
	e.Operator = next(operator)
	return nil
}

// keptTexts is how many bytes of texts share their memory: those of some 50 events, which mostly come and go together.
// Whoever keeps one for longer copies it.
const keptTexts = 8 << 10

// keep makes a string of text, behind those of the records before, or in new memory if it does not fit there.
func (d *Decoder) keep(text []byte) string {
	if d.kept.Cap()-d.kept.Len() < len(text) {
		d.kept = strings.Builder{}
		d.kept.Grow(max(keptTexts, len(text)))
	}
	start := d.kept.Len()
	d.kept.Write(text)
	return d.kept.String()[start:]
}

// appendText appends a field's text, or what stands for it.
func (d *Decoder) appendText(b []byte, f field, at windows.Coordinates) ([]byte, error) {
	text, err := d.raw(f)
	switch {
	case err != nil:
		return b, err
	case len(text) == 0 && f == senderID:
		return b, malformed(f, "%v", errMissing)
	case len(text) == 0 && f == eventID:
		return appendName(b, at), nil
	case len(text) == 0:
		return b, nil
	case f == senderID && d.options.PseudonymSenders:
		return appendPseudonym(b, d.mac, senderKind, text), nil
	case f == recipientID && d.options.PseudonymRecipients:
		return appendPseudonym(b, d.mac, recipientKind, text), nil
	}
	return append(b, text...), nil
}

// raw gives a field's text as it stands in the record, empty for absent. It holds until the next call.
func (d *Decoder) raw(f field) ([]byte, error) {
	if d.absent(f) {
		return nil, nil
	}
	m := &d.values[f]
	text := m.text
	switch m.kind {
	case fastjson.TypeString:
	case fastjson.TypeNumber:
		if !whole(text) {
			return nil, malformed(f, "is a number with a fraction or an exponent, not a whole one or a string")
		}
	default:
		return nil, malformed(f, "is %s, not a string or a number", kindOf(m.kind))
	}
	if len(text) > maxText {
		return nil, malformed(f, "has %d bytes, the limit is %d", len(text), maxText)
	}
	return text, nil
}

// appendName names an event that has no id of its own.
func appendName(b []byte, at windows.Coordinates) []byte {
	b = append(b, at.Source.Topic...)
	b = append(b, '/')
	b = strconv.AppendInt(b, int64(at.Source.Partition), 10)
	b = append(b, '/')
	return strconv.AppendInt(b, at.Offset, 10)
}

func (d *Decoder) amount(f field) (detector.Amount, error) {
	if d.absent(f) {
		return detector.Amount{}, nil
	}
	m := &d.values[f]
	var x float64
	var err error
	switch m.kind {
	case fastjson.TypeNumber:
		x, err = parseFloat(m.text)
	case fastjson.TypeString:
		if !decimal(m.text) {
			return detector.Amount{}, malformed(f, "is a text, not a number")
		}
		var short bool
		if x, short = readDecimal(m.text); !short {
			x, err = strconv.ParseFloat(string(m.text), 64)
		}
	default:
		return detector.Amount{}, malformed(f, "is %s, not a number", kindOf(m.kind))
	}
	if err != nil || math.IsInf(x, 0) || math.IsNaN(x) {
		return detector.Amount{}, malformed(f, "is no number that a computer can hold")
	}
	return detector.Amount{Value: x, Known: true}, nil
}

// parseFloat reads a number of JSON.
func parseFloat(text []byte) (float64, error) {
	// Of up to 15 digits both make the nearest number there is, but only one without an allocation.
	if x, ok := readDecimal(text); ok {
		return x, nil
	}
	return fastfloat.Parse(string(text))
}

// readDecimal reads up to 15 digits, a point among them counted, and a minus sign before them perhaps. False says nothing
// about text. The digits and the power of ten under them are whole numbers that a float64 holds, so what comes of the one
// division is the nearest number there is.
func readDecimal(text []byte) (x float64, ok bool) {
	const most = 15
	digits := text
	if len(text) > 0 && text[0] == '-' {
		digits = text[1:]
	}
	if len(digits) == 0 || len(digits) > most || digits[0] == '.' || digits[len(digits)-1] == '.' {
		return 0, false
	}
	n, under, point := int64(0), 1.0, false
	for _, c := range digits {
		switch {
		case c == '.' && !point:
			point = true
		case c < '0' || c > '9':
			return 0, false
		default:
			n = n*10 + int64(c-'0')
			if point {
				under *= 10
			}
		}
	}
	x = float64(n) / under
	if len(digits) < len(text) {
		x = -x
	}
	return x, true
}

// whole reports whether text is nothing but digits, after a minus sign perhaps.
func whole(text []byte) bool {
	if len(text) > 0 && text[0] == '-' {
		text = text[1:]
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(text) > 0
}

// decimal reports whether text is made as decimal numbers are, so that nobody takes Infinity or 0x1p4 for one.
func decimal(text []byte) bool {
	for _, c := range text {
		switch {
		case c >= '0' && c <= '9':
		case c == '.', c == '-', c == '+', c == 'e', c == 'E':
		default:
			return false
		}
	}
	return len(text) > 0
}
