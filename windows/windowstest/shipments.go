package windowstest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// The ladder is small, so that a log of a few days drops panes.
var ladder = windows.Ladder{
	{Name: 'h', Slide: time.Hour, Keep: 30},
	{Name: 'd', Slide: 24 * time.Hour, Keep: 3},
}

const (
	items  windows.Measure = 'i' // parcels
	others windows.Measure = 'o' // events by the other side
	newOne windows.Measure = 'r' // others never met before: decided from the entity's own members
	ever   windows.Measure = 'e' // tally of newOne
)

// shipment is an event of the model: it touches its sender and its recipient.
type shipment struct {
	time              time.Time
	sender, recipient string
	items             int64
}

// shipments makes the log of one partition. Senders belong to it, recipients to all. Most times go on, some are late,
// a few later than the ladder keeps.
func shipments(r *rand.Rand, name string, partition, n int) []shipment {
	log := make([]shipment, n)
	now := time.Date(2026, 3, 28, 22, 0, 0, 0, time.UTC)
	for i := range log {
		now = now.Add(time.Duration(r.IntN(10*3600)) * time.Second)
		late := time.Duration(0)
		switch r.IntN(10) {
		case 0, 1:
			late = time.Duration(r.IntN(20*3600)) * time.Second
		case 2:
			late = time.Duration(r.IntN(200*3600)) * time.Second
		}
		log[i] = shipment{
			time:      now.Add(-late),
			sender:    fmt.Sprintf("%s-p%d-s%d", name, partition, r.IntN(6)),
			recipient: fmt.Sprintf("%s-r%d", name, r.IntN(5)),
			items:     1 + r.Int64N(3),
		}
	}
	return log
}

// side is what a shipment is to one of its entities.
type side struct {
	key   windows.Key
	other string
}

func (s shipment) sides() [2]side {
	return [2]side{
		{windows.NewKey("sender", s.sender), s.recipient},
		{windows.NewKey("recipient", s.recipient), s.sender},
	}
}

// count is what the reference writer does with an event: plain counts, counts by second key, and one that depends on
// the state of the entity.
func count(e *windows.Entity, s shipment, other string, at windows.Coordinates) {
	e.CountEvent(windows.First{Time: s.time, At: at})
	sub := windows.NewSub(other)
	_, known := e.Seen(sub)
	for _, r := range ladder {
		e.Add(items, r, windows.Sub{}, s.time, s.items)
		e.Add(others, r, sub, s.time, 1)
		if !known {
			e.Add(newOne, r, windows.Sub{}, s.time, 1)
		}
	}
	if !known {
		e.Tally(ever, 0, 1)
	}
	e.Saw(sub, s.time)
	e.SetNote(at.String())
}
