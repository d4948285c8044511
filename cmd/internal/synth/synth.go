// Package synth makes up shipments as a courier network in Viet Nam might see them, with labelled incidents among them.
package synth

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Options say what to make up. Zero values stand for the defaults named at each field.
type Options struct {
	// Seed decides everything: the same options give the same shipments.
	Seed uint64
	// Senders is the number of senders, those of new-sender incidents not among them; default 300.
	Senders int
	// Start is when the first day begins; default 2026-01-05 in Viet Nam.
	Start time.Time
	// Span is how many whole days there are, at least 20; default 60 days.
	Span time.Duration
	// Rate is the mean number of parcels a sender and day; default 1.5.
	Rate float64
	// Bursts, Routes and NewSenders are the numbers of incidents of each kind; default none.
	Bursts, Routes, NewSenders int
}

// zone is the time in Viet Nam, where the made-up people work.
var zone = time.FixedZone("+07", 7*60*60)

const (
	day         = 24 * time.Hour
	leastDays   = 20 // with fewer nobody is established before the first incident
	warmUpShare = 0.4
)

func (o Options) withDefaults() Options {
	if o.Senders == 0 {
		o.Senders = 300
	}
	if o.Start.IsZero() {
		o.Start = time.Date(2026, 1, 5, 0, 0, 0, 0, zone)
	}
	if o.Span == 0 {
		o.Span = 60 * day
	}
	if o.Rate == 0 {
		o.Rate = 1.5
	}
	return o
}

func (o Options) validate() error {
	switch {
	case o.Senders < 1:
		return fmt.Errorf("senders: %d must be at least 1", o.Senders)
	case o.Span < leastDays*day:
		return fmt.Errorf("span: %v must be at least %d days", o.Span, leastDays)
	case o.Rate <= 0 || o.Rate > 1000:
		return fmt.Errorf("rate: %v must be above 0 and at most 1000", o.Rate)
	case o.Bursts < 0 || o.Routes < 0 || o.NewSenders < 0:
		return fmt.Errorf("incidents: none of %d, %d, %d must be negative", o.Bursts, o.Routes, o.NewSenders)
	}
	return nil
}

// Stream gives shipments in the order of their time. It belongs to one goroutine.
type Stream struct {
	options   Options
	senders   []sender
	incidents []Incident
	planned   map[int][]Shipment // of incidents, by day

	day     int
	ready   []Shipment // of the day, in order
	serials int
}

// New plans a stream, or says which option can't work.
func New(o Options) (*Stream, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	s := &Stream{options: o, senders: makeSenders(&o), planned: map[int][]Shipment{}}
	if err := s.plan(); err != nil {
		return nil, err
	}
	return s, nil
}

// Incidents are those among the shipments, in the order of their start. They are known before the first shipment.
func (s *Stream) Incidents() []Incident { return s.incidents }

// Next gives the next shipment; false after the last.
func (s *Stream) Next() (Shipment, bool) {
	for len(s.ready) == 0 {
		if s.day >= s.days() {
			return Shipment{}, false
		}
		s.ready = s.makeDay(s.day)
		s.day++
	}
	next := s.ready[0]
	s.ready = s.ready[1:]
	next.Item = itemID(s.serials)
	s.serials++
	return next, true
}

func (s *Stream) days() int { return int(s.options.Span / day) }

// begins is when day number n begins.
func (s *Stream) begins(n int) time.Time { return s.options.Start.Add(time.Duration(n) * day) }

// makeDay makes up the shipments of a day and adds those of incidents.
func (s *Stream) makeDay(n int) []Shipment {
	start := s.begins(n)
	busy := weekdayShare[start.In(zone).Weekday()]
	var all []Shipment
	for i := range s.senders {
		from := &s.senders[i]
		r := s.random(streamDay, uint64(n), uint64(i))
		for k := range poisson(r, from.rate*busy) {
			sh := from.shipment(r, start.Add(workingTime(r)))
			sh.ID = s.eventID(streamDay, uint64(n), uint64(i), uint64(k))
			all = append(all, sh)
		}
	}
	all = append(all, s.planned[n]...)
	delete(s.planned, n)
	slices.SortFunc(all, func(a, b Shipment) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// What random numbers are for: each purpose has a stream of its own, so that one more incident changes no shipment.
const (
	streamSender = iota + 1
	streamDay
	streamIncident
)

// random gives the generator for one purpose.
func (s *Stream) random(purpose ...uint64) *rand.Rand {
	return rand.New(rand.NewPCG(s.options.Seed, mix(purpose...)))
}

// eventID names an event so that nothing tells an incident's from another.
func (s *Stream) eventID(purpose ...uint64) string {
	return fmt.Sprintf("%016x", mix(append(purpose, s.options.Seed)...))
}

// mix turns a few numbers into one that looks random, by the finalizer of SplitMix64 (Steele, Lea and Flood 2014).
func mix(numbers ...uint64) uint64 {
	var h uint64
	for _, n := range numbers {
		h += n + 0x9e3779b97f4a7c15
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}
