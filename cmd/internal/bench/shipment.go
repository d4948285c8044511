package bench

import (
	"cmp"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// What the made-up events are like. These are the figures of the job that other engines were measured with, so that results
// compare; nothing of it is real.
const (
	usualSenders = 200_000
	// The exponent and the offset of the law of Zipf by which senders are chosen: a few send very much, most hardly ever.
	zipfExponent, zipfOffset = 1.1, 10
	// meanStep lies between two events, by event time.
	meanStep = 3 * time.Millisecond
	// meanSize is how many bytes an event has.
	meanSize   = 307
	recipients = 5_000_000
	places     = 40_000
	operators  = 3000
	// timeLayout has a fixed length, so that the time of an event can be written over.
	timeLayout = "2006-01-02T15:04:05.000Z"
)

// Types are the event types that occur. Each counts as a shipment in the workloads.
func Types() []string {
	return []string{"item.accepted", "item.sorted", "item.departed", "item.arrived", "item.delivered"}
}

// A Shipment is an event as it goes into the topic.
type Shipment struct {
	// Sender is the record's key.
	Sender []byte
	Value  []byte
	Time   time.Time

	timeAt int // where Time stands in Value
}

// Restamp gives the event another time.
func (s *Shipment) Restamp(t time.Time) {
	s.Time = t.UTC().Truncate(time.Millisecond)
	copy(s.Value[s.timeAt:], s.Time.Format(timeLayout)) // AppendFormat would write a few bytes more, which Value has not
}

// A Shape is what made-up shipments are like where it is not the usual. The zero value is the usual.
type Shape struct {
	// Senders is how many there are; 0 means 200,000. A few send very much and most hardly ever, unless Even lets all send alike.
	Senders uint64
	Even    bool
	// Step is the mean time between two events; 0 means 3 ms.
	Step time.Duration
	// Late is the share of events, of those whose sender has had one, that happened up to twelve hours before its last one.
	Late float64
	// Padding is how many bytes fields add that the service does not know, rounded down to whole fields of 64.
	Padding int
}

// Late events are so long before the others.
const leastLate, mostLate = time.Hour, 12 * time.Hour

// A Generator makes up shipments in the order of their times, but for those that are late. The same seed gives the same.
type Generator struct {
	random  *rand.Rand
	sender  func() uint64
	prefix  string
	types   []string
	now     time.Time
	made    int64
	shape   Shape
	known   []bool // the senders that have had an event; only where some are late
	padding string
}

// NewGenerator gives a generator of shipments whose senders' names begin with a prefix.
func NewGenerator(seed uint64, prefix string, shape Shape) *Generator {
	shape.Senders = cmp.Or(shape.Senders, usualSenders)
	shape.Step = cmp.Or(shape.Step, meanStep)
	r := rand.New(rand.NewPCG(seed, 0))
	g := &Generator{
		random: r, sender: rand.NewZipf(r, zipfExponent, zipfOffset, shape.Senders-1).Uint64, prefix: prefix, types: Types(),
		now: time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC), shape: shape, padding: padding(shape.Padding),
	}
	if shape.Even {
		g.sender = func() uint64 { return r.Uint64N(shape.Senders) }
	}
	if shape.Late > 0 {
		g.known = make([]bool, shape.Senders)
	}
	return g
}

// padding gives fields of 64 bytes each, so many bytes in all.
func padding(bytes int) string {
	var b []byte
	for i := range bytes / 64 {
		b = appendPadded(append(b, `,"note_`...), uint64(i), 4)
		b = append(append(b, `":"`...), strings.Repeat("n", 64-len(`,"note_0000":""`))...)
		b = append(b, '"')
	}
	return string(b)
}

// when gives the time of an event of a sender: now, unless it is late.
func (g *Generator) when(sender uint64) time.Time {
	at := g.now
	if g.known != nil {
		if g.known[sender] && g.random.Float64() < g.shape.Late {
			at = at.Add(-leastLate - time.Duration(g.random.Int64N(int64(mostLate-leastLate))))
		}
		g.known[sender] = true
	}
	return at.Truncate(time.Millisecond)
}

// Next makes up the next shipment. It shares no memory with the others.
func (g *Generator) Next() Shipment {
	const usualSize = 320
	r := g.random
	g.made++
	g.now = g.now.Add(time.Duration(r.ExpFloat64() * float64(g.shape.Step)))
	sender := g.sender()
	s := Shipment{Sender: appendPadded([]byte(g.prefix), sender, 6), Time: g.when(sender)}
	b := append(make([]byte, 0, usualSize+len(g.padding)), `{"event_id":"`...)
	b = appendPadded(b, uint64(g.made), 12)
	b = append(b, '-')
	b = appendPadded(b, uint64(r.Uint32()), 10)
	b = append(append(b, `","event_type":"`...), g.types[r.IntN(len(g.types))]...)
	b = append(b, `","event_time":"`...)
	s.timeAt = len(b)
	b = s.Time.AppendFormat(b, timeLayout)
	b = append(append(b, `","sender_id":"`...), s.Sender...)
	b = appendPadded(append(b, `","recipient_id":"r`...), r.Uint64N(recipients), 7)
	b = appendPadded(append(b, `","origin":"`...), r.Uint64N(places), 6)
	b = appendPadded(append(b, `","destination":"`...), r.Uint64N(places), 6)
	b = strconv.AppendUint(append(b, `","weight_g":`...), 20+r.Uint64N(20_000), 10)
	b = strconv.AppendUint(append(b, `,"declared_value":`...), r.Uint64N(5_000_000), 10)
	b = appendPadded(append(b, `,"operator":"op-`...), r.Uint64N(operators), 4)
	b = appendPadded(append(b, `","item_id":"RB`...), r.Uint64N(1_000_000_000), 9)
	b = append(append(b, `XX","service":"registered"`...), g.padding...)
	s.Value = append(b, '}')
	return s
}

// appendPadded appends a number with zeros before it, so that it has so many digits at least.
func appendPadded(b []byte, n uint64, digits int) []byte {
	text := strconv.FormatUint(n, 10)
	for range digits - len(text) {
		b = append(b, '0')
	}
	return append(b, text...)
}
