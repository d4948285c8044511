package detector

import (
	"strconv"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// lateMemory is how long, in event time, it is remembered what came late of a day.
const lateMemory = 7 * 24 * time.Hour

// overtaken puts the marks right of an event that lies on an earlier day than its entity last saw the other one: that
// time says nothing of the earlier day, so what comes late of it is remembered by itself. Without this, thirty late
// parcels of one sender would be thirty senders to the recipient, and thirty lines of a late order thirty parcels.
func (s *Set) overtaken(e *Event, entity *windows.Entity, other string, m *Marks) {
	line := windows.NewMark("line\x00" + other + "\x00" + strconv.FormatInt(e.Time.UnixMilli(), 10))
	visit := windows.NewMark("visit\x00" + other + "\x00" + strconv.FormatInt(Day(e.Time), 10))
	_, m.Line = entity.Seen(line)
	_, visited := entity.Seen(visit)
	m.Visit = !visited
	entity.Saw(line, e.Time)
	entity.Saw(visit, e.Time)
	memory := max(lateMemory, s.settings.DuplicateHorizon, s.settings.ItemHorizon)
	entity.ForgetMarks(e.Time.Add(-memory), s.settings.MaxFields/4)
}
