package detector

import (
	"slices"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// Measures, as they stand in stored fields.
const (
	measureItems  windows.Measure = 'i' // parcels
	measurePlaces windows.Measure = 'o' // parcels by destination
	measureFresh  windows.Measure = 'n' // parcels that Marks.Fresh tells of
	measureFolded windows.Measure = 'k' // tallies of destinations folded into windows.Others
	measureWeight windows.Measure = 'w' // tallies of logarithms
	measureValue  windows.Measure = 'v' // tallies of logarithms
	// Parcels of an odd weight or value.
	measureOddWeight windows.Measure = 'a'
	measureOddValue  windows.Measure = 'b'
	measureHigh      windows.Measure = 'x' // tallies: the highest score of the day, a slot a rule
)

// MeasureName says in a few words what a measure counts.
func MeasureName(m windows.Measure) string {
	switch m {
	case measureItems:
		return "parcels"
	case measurePlaces:
		return "parcels to a place"
	case measureFresh:
		return "new to it"
	case measureOddWeight:
		return "odd weights"
	case measureOddValue:
		return "odd values"
	case measureFolded:
		return "places folded"
	case measureWeight:
		return "weights"
	case measureValue:
		return "values"
	case measureHigh:
		return "highest scores"
	}
	return string(m)
}

// together are the resolutions that a measure is counted in.
type together struct {
	measure     windows.Measure
	resolutions []windows.Resolution
}

// gather puts counts of one measure together, the measures in the order in which they come.
func gather(counts []Count) (all []together) {
	for _, c := range counts {
		i := slices.IndexFunc(all, func(t together) bool { return t.measure == c.Measure })
		if i < 0 {
			i, all = len(all), append(all, together{measure: c.Measure})
		}
		all[i].resolutions = append(all[i].resolutions, c.Resolution)
	}
	return all
}

// Marks is what counting an event showed about it, from the entity's own members.
type Marks struct {
	// Line: one more order line of a shipment that is counted already: the same sender, recipient and time. It is
	// judged, and counts nothing.
	Line bool
	// Visit: the first event of that sender here (of that recipient at a sender) on its UTC day.
	Visit bool
	// Fresh: the sender's first parcel to this recipient; the first parcel on the lane of a sender that is new
	// anywhere; the first of this sender to the recipient on its UTC day.
	Fresh bool
}

// newSender is how long after its first parcel a sender is new. When that was is a fact of the sender's, which the lane
// takes over as it counts the event; a repeat of the event finds the same, or is found by the lane's fence.
const newSender = 24 * time.Hour

// mark looks up who else takes part in the event, and remembers it. The sender was first seen at since. An entity
// remembers a bounded number, those seen last: who was forgotten is new again, in the past as in the window.
func (s *Set) mark(e *Event, entity *windows.Entity, since time.Time) Marks {
	var m Marks
	other := string(e.Sender)
	if entity.Key.Kind == KindSender {
		other = string(e.Recipient)
	}
	if other == "" {
		return m
	}
	sub := windows.NewSub(other)
	seen, known := entity.Seen(sub)
	m.Line = known && seen.Equal(e.Time)
	m.Visit = !known || !sameDay(seen, e.Time)
	if known && m.Visit && e.Time.Before(seen) {
		s.overtaken(e, entity, other, &m)
	}
	switch entity.Key.Kind {
	case KindRecipient:
		m.Fresh = m.Visit
	case KindLane:
		m.Fresh = !known && (since.IsZero() || e.Time.Sub(since) < newSender)
	default:
		m.Fresh = !known
	}
	entity.Saw(sub, e.Time)
	limit := s.remembered(entity.Key.Kind)
	if spare := limit / 8; entity.Members() > limit+spare { // by the batch, as it sorts them
		entity.ForgetOldest(limit)
	}
	return m
}

// linesRemembered is how many of the others an entity remembers if nothing but order lines is known by them: those of a
// shipment come one after the other, or nearly so. Each costs a field that is written anew with every flush.
const linesRemembered = 2

// remembered is how many of the others an entity of a kind remembers.
func (s *Set) remembered(kind windows.Kind) int {
	most := s.settings.MaxFields / 2
	for _, c := range s.counted(kind) {
		if c.Measure == measureFresh {
			return most
		}
	}
	return min(most, linesRemembered)
}

func sameDay(a, b time.Time) bool {
	const day = 24 * time.Hour
	return a.Truncate(day).Equal(b.Truncate(day))
}

// add counts the event, a parcel to a place, in every resolution that still keeps its time.
func (s *Set) add(e *Event, to windows.Sub, subject *Subject) {
	entity, m := subject.Entity, subject.last.marks
	entity.CountEvent(windows.First{Time: e.Time, At: e.At})
	subject.memo.follow(e, m.Line) // before anything expires or is folded
	if m.Line {
		return
	}
	if entity.Events() == 1 {
		entity.Grow(len(s.counted(entity.Key.Kind)))
	}
	for _, c := range s.together[place(entity.Key.Kind)] {
		switch {
		case c.measure == measureItems, c.measure == measureFresh && m.Fresh:
			entity.AddEach(c.measure, c.resolutions, windows.Sub{}, e.Time, 1)
		case c.measure == measurePlaces && !to.IsZero():
			entity.AddEach(c.measure, c.resolutions, to, e.Time, 1)
		}
	}
	all := s.settings.Ladder[len(s.settings.Ladder)-1]
	subject.memo.sent(entity, all, to)
	if limit := s.settings.MaxFields; entity.Fields() > limit {
		bound(entity, all, to, limit, remember(&subject.memo, entity))
	}
}

// placeSub is the second key of a place, zero for none.
func placeSub(p Place) windows.Sub {
	if p == "" {
		return windows.Sub{}
	}
	return windows.NewSub(string(p))
}
