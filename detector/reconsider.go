package detector

import (
	"slices"

	"github.com/parcelsentry/parcelsentry/windows"
)

// Judged is an event that an entity has counted, and what it was judged by: for judging it once more when the entity
// turns out to hold counts of other sources too.
type Judged struct {
	event   *Event
	profile *Profile
	marks   Marks
	found   bool // it is gathered in the entity's incident
}

// Event is the event itself.
func (j *Judged) Event() *Event { return j.event }

// Judged is the event that the subject counted last.
func (s *Subject) Judged() Judged { return s.last }

// Marks is what counting the event observed last showed about it.
func (s *Subject) Marks() Marks { return s.last.marks }

// Unsure adds an event that an entity of the kind has counted to those that may have to be judged once more. It takes
// the place of one whose judgement would be the same: windows are whole panes, so of the events of a pane the last one
// says for all of them what there is, as far as the same rules judge them.
func (s *Set) Unsure(all []Judged, kind windows.Kind, j Judged) []Judged {
	finest := s.settings.Ladder[0]
	for i := len(all) - 1; i >= max(0, len(all)-lookBack); i-- {
		old := &all[i]
		if finest.Pane(old.event.Time) == finest.Pane(j.event.Time) && old.marks.Fresh == j.marks.Fresh &&
			(!s.byPlace || kind != KindSender || old.event.Destination == j.event.Destination) {
			all = slices.Delete(all, i, i+1)
			break
		}
	}
	return append(all, j)
}

// lookBack is how many events back Unsure looks for one to take the place of. The events of a pane mostly come
// together; that some are judged in vain does no harm.
const lookBack = 4

// Reconsider judges an event once more that the entity has counted, in sight of all that it holds now. A weight or a
// value is judged only as it comes: by now the entity has learned from it.
func (s *Set) Reconsider(j Judged, subject *Subject) Conclusion {
	c := Conclusion{Outcome: Counted, Findings: make([]Finding, len(s.detectors))}
	subject.last, subject.late = j, s.late(j.event, subject.Entity)
	for i, d := range s.detectors {
		switch _, ofAmount := d.(*amount); {
		case d.Kind() != subject.Entity.Key.Kind:
		case ofAmount:
			c.Findings[i] = Finding{Rule: d.Name(), Detector: d.Name(), Abstained: "the sender has learned from it already"}
		default:
			s.judgeBy(d, i, subject, &c)
		}
	}
	s.tell(j.event, subject, j.profile, false, &c)
	return c
}

// Recheck is Reconsider for an event that was counted in an earlier life, which may have ended before the second look
// at it. What that life found is not found again: nothing is said of an event that an incident can have covered, be it
// open or closed since.
func (s *Set) Recheck(e *Event, subject *Subject, p *Profile) Conclusion {
	entity, i := subject.Entity, subject.incident
	quiet, finest := s.settings.Alerts.Quiet, s.settings.Ladder[0]
	newest, _ := entity.Newest(finest)
	if i.open() && e.Time.Sub(i.LastFound) < quiet || finest.Start(newest).Sub(e.Time) > quiet-2*finest.Slide {
		return Conclusion{Outcome: Counted}
	}
	var m Marks
	for _, c := range s.counted(entity.Key.Kind) {
		if c.Measure == measureFresh {
			pane := c.Resolution.Pane(e.Time)
			m.Fresh = entity.Sum(measureFresh, c.Resolution, windows.Sub{}, pane, pane) > 0
			break
		}
	}
	return s.Reconsider(Judged{event: e, profile: p, marks: m}, subject)
}
