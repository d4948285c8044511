package chaos

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/faults"
	"github.com/parcelsentry/parcelsentry/cmd/internal/synth"
)

// What must become of a record.
const (
	counted   = ""
	skipped   = "skipped" // it is no shipment
	malformed = "malformed"
	future    = "future"
	poison    = "poison"
	gone      = "gone" // it was cut from the log before anybody read it
)

// record is one of the log that the harness writes.
type record struct {
	shipment  synth.Shipment
	key       []byte
	value     []byte
	time      time.Time
	fate      string // one of the words above
	epoch     int    // counts the topics of this name that there were
	partition int32
	offset    int64
}

// generator makes up the log: shipments with incidents, and now and then a record that is none.
type generator struct {
	random *rand.Rand
	stream *synth.Stream
	wrong  wrongs
	last   map[string]time.Time // a sender's shipment before
}

// wrongs say how often a record is made wrong: one in so many, 0 for never.
type wrongs struct{ malformed, future, scans, poison int }

func newGenerator(seed uint64, senders, days int, w wrongs) (*generator, error) {
	o := synth.Options{
		Seed: seed, Senders: senders, Start: time.Date(2026, 2, 2, 0, 0, 0, 0, time.UTC),
		Span: time.Duration(days) * 24 * time.Hour, Rate: 1.2, Bursts: 8, Routes: 6, NewSenders: 8,
	}
	stream, err := synth.New(o)
	for err != nil && o.Routes > 0 { // not every seed has so many senders whose ways are known
		o.Routes--
		stream, err = synth.New(o)
	}
	if err != nil {
		return nil, err
	}
	return &generator{random: rand.New(rand.NewPCG(seed, 1)), stream: stream, wrong: w, last: map[string]time.Time{}}, nil
}

// next gives the next record, not written yet; false after the last. Of a sender there are no two at the same time, which
// could be taken for lines of one order.
func (g *generator) next() (record, bool) {
	s, ok := g.stream.Next()
	for ok && g.last[s.Sender].Equal(s.Time) {
		s, ok = g.stream.Next()
	}
	if !ok {
		return record{}, false
	}
	g.last[s.Sender] = s.Time
	r := record{shipment: s, key: []byte(s.Sender), value: s.AppendJSON(nil), time: s.Time}
	oneIn := func(n int) bool { return n > 0 && g.random.IntN(n) == 0 }
	switch w := &g.wrong; {
	case oneIn(w.malformed):
		r.fate, r.value = malformed, fmt.Appendf(nil, `{"event_time": "yesterday", "sender_id": %q}`, s.Sender)
	case oneIn(w.future):
		ahead := s
		ahead.Time = s.Time.AddDate(1+g.random.IntN(20), 0, 0)
		r.fate, r.value = future, ahead.AppendJSON(nil)
	case oneIn(w.scans):
		r.fate, r.value = skipped, fmt.Appendf(nil, `{"event_time": %q, "sender_id": %q, "event_type": "arrived"}`, s.Time.Format(time.RFC3339), s.Sender)
	case oneIn(w.poison):
		marked := s
		marked.Service = faults.PoisonDecoder
		if g.random.IntN(2) == 0 {
			marked.Service = faults.PoisonDetector
		}
		r.fate, r.value = poison, marked.AppendJSON(nil)
	}
	return r, true
}
