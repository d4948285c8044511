package synth

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Kinds of incidents.
const (
	Burst     = "burst"      // an established sender sends many parcels within three hours
	Route     = "route"      // a sender with few places sends several parcels in a day to one it never used
	NewSender = "new_sender" // somebody unknown sends many parcels within five hours
)

// Incident is what the labels of made-up shipments say.
type Incident struct {
	Kind     string    `json:"kind"`
	Sender   string    `json:"sender"`
	EventIDs []string  `json:"event_ids"` // in order of time
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`             // of the last event
	Place    string    `json:"place,omitempty"` // the unusual destination of a Route
}

// plan decides on all incidents: each has a sender of its own and a day after the warm-up.
func (s *Stream) plan() error {
	taken := map[int]bool{}
	number := uint64(0)
	add := func(kind string, count int, fits func(*sender) bool) error {
		for range count {
			r := s.random(streamIncident, number)
			i, err := s.choose(r, kind, taken, fits)
			if err != nil {
				return err
			}
			s.plant(r, kind, number, i)
			number++
		}
		return nil
	}
	history := float64(s.days()) * warmUpShare // days before the first incident
	if err := add(Burst, s.options.Bursts, func(f *sender) bool { return f.rate >= 0.3 && f.rate <= 3 }); err != nil {
		return err
	}
	const known = 30 // parcels by which a sender's places are surely known
	err := add(Route, s.options.Routes, func(f *sender) bool { return f.closed && f.rate <= 10 && f.rate*history >= known })
	if err != nil {
		return err
	}
	if err := add(NewSender, s.options.NewSenders, nil); err != nil {
		return err
	}
	slices.SortFunc(s.incidents, func(a, b Incident) int { return a.Start.Compare(b.Start) })
	return nil
}

// choose gives the number of a sender that fits and has no incident yet, or -1 where a new one is wanted.
func (s *Stream) choose(r *rand.Rand, kind string, taken map[int]bool, fits func(*sender) bool) (int, error) {
	if fits == nil {
		return -1, nil
	}
	var free []int
	for i := range s.senders {
		if !taken[i] && fits(&s.senders[i]) {
			free = append(free, i)
		}
	}
	if len(free) == 0 {
		return 0, fmt.Errorf("incidents: no sender is left for one more %s; take more senders, days or a higher rate, or fewer incidents", kind)
	}
	i := free[r.IntN(len(free))]
	taken[i] = true
	return i, nil
}

// plant makes up an incident's shipments.
func (s *Stream) plant(r *rand.Rand, kind string, number uint64, i int) {
	var from sender
	if i >= 0 {
		from = s.senders[i]
	} else {
		from = makeSender(r, s.options.Senders+int(number))
	}
	first := int(float64(s.days())*warmUpShare) + 1
	on := first + r.IntN(s.days()-first)
	start := s.begins(on).Add(time.Duration(8+r.IntN(6)) * time.Hour)
	incident := Incident{Kind: kind, Sender: from.id}
	count, within := 0, time.Duration(0)
	switch kind {
	case Burst:
		count, within = 20+r.IntN(21), time.Hour+time.Duration(r.Int64N(int64(2*time.Hour)))
	case Route:
		count, within = 5+r.IntN(4), 8*time.Hour
		incident.Place = s.placeOtherThan(r, from.places)
	case NewSender:
		count, within = 25+r.IntN(16), 5*time.Hour
	}
	var all []Shipment
	for k := range count {
		sh := from.shipment(r, start.Add(time.Duration(r.Int64N(int64(within)))))
		if kind == Route {
			sh.Destination, sh.Recipient = incident.Place, recipient(r, incident.Place)
		}
		sh.ID = s.eventID(streamIncident, number, uint64(k))
		all = append(all, sh)
	}
	slices.SortFunc(all, func(a, b Shipment) int { return a.Time.Compare(b.Time) })
	for _, sh := range all {
		incident.EventIDs = append(incident.EventIDs, sh.ID)
	}
	incident.Start, incident.End = all[0].Time, all[len(all)-1].Time
	s.incidents = append(s.incidents, incident)
	s.planned[on] = append(s.planned[on], all...)
}

func (s *Stream) placeOtherThan(r *rand.Rand, usual []string) string {
	for {
		if p := postCode(r.IntN(places)); !slices.Contains(usual, p) {
			return p
		}
	}
}
