package detector

import (
	"github.com/parcelsentry/parcelsentry/windows"
)

// Judged is an event that an entity has counted, and what it was judged by: for judging it once more when the entity
// turns out to hold counts of other sources too.
type Judged struct {
	event   *Event
	profile *Profile
	marks   Marks
	found   bool // it is gathered in the entity's incident
	// pane is the finest one of the event, to where it goes if a rule asks.
	pane int64
	to   windows.Sub
}

// judged is an event of that way, in sight of what it will be judged by.
func (s *Set) judged(e *Event, w *way, p *Profile, m Marks) Judged {
	return Judged{event: e, profile: p, marks: m, pane: s.settings.Ladder[0].Pane(e.Time), to: w.destination}
}

// Event is the event itself.
func (j *Judged) Event() *Event { return j.event }

// Put puts a copy of the event in its place, for somebody who keeps what was judged longer than events; nil until it is
// judged again.
func (j *Judged) Put(e *Event) { j.event = e }

// Judged is the event that the subject counted last.
func (s *Subject) Judged() Judged { return s.last }

// Marks is what counting the event observed last showed about it.
func (s *Subject) Marks() Marks { return s.last.marks }

// Stands tells that judging j once more says what judging old, an earlier event of the same entity, would say, too.
// Windows are whole panes, so of the events of a pane the last one says for all of them what there is, as far as the
// same rules judge them.
func (s *Set) Stands(j, old *Judged, kind windows.Kind) bool {
	return old.pane == j.pane && old.marks.Fresh == j.marks.Fresh && (!s.byPlace || kind != KindSender || old.to == j.to)
}

// Reconsider judges an event once more that the entity has counted, in sight of all that it holds now. A weight or a
// value is judged only as it comes: by now the entity has learned from it.
func (s *Set) Reconsider(j Judged, subject *Subject) Conclusion {
	var c Conclusion
	s.Begin(&c, j.event)
	c.Outcome = Counted
	subject.last, subject.late = j, s.late(j.event, subject.Entity)
	s.look(subject, &c)
	for i, d := range s.detectors {
		switch _, ofAmount := d.(*amount); {
		case d.Kind() != subject.Entity.Key.Kind:
		case ofAmount:
			c.Findings[i] = Finding{Rule: d.Name(), Detector: d.Name(), Abstained: "the sender has learned from it already"}
		default:
			s.judgeBy(d, i, &c)
		}
	}
	s.tell(j.event, subject, j.profile, false, &c)
	c.view = View{}
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
	w := wayOf(e)
	return s.Reconsider(s.judged(e, &w, p, m), subject)
}
