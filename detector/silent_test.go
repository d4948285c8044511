package detector

import (
	"testing"
	"time"
)

// TestCounterfactualOfWhatWasHeld: the alert that closes an incident tells the highest count that would have stayed
// silent when it was at its worst, be the incident stored in between or not. Nothing of a profile is kept for that once
// it is stored.
func TestCounterfactualOfWhatWasHeld(t *testing.T) {
	set := newTestSet(t, only(ruleBurst))
	profile := set.NewProfile(0)
	for _, flushed := range []bool{false, true} {
		subject := newTestSubject(t, "A")
		var worst Finding
		for n := range 40 {
			e := testEvent(n, time.Duration(n)*time.Minute)
			c := set.Observe(e, Subjects{Sender: subject}, profile, NewSums())
			last := &subject.last
			set.detectors[0].Judge(&View{Event: e, Entity: subject.Entity, At: e.Time, Marks: last.marks, Profile: profile}, &worst)
			if n > 20 && (c.Flag == nil || worst.Counterfactual < 2) {
				t.Fatalf("parcel %d: flag %v, %v would have stayed silent", n+1, c.Flag, worst.Counterfactual)
			}
			if flushed {
				subject.TakeDelta()
				if subject.incident != nil && subject.incident.silent != (silent{}) {
					t.Errorf("parcel %d: the profile is kept by the incident", n+1)
				}
			}
		}
		c := set.Observe(testEvent(40, 90*24*time.Hour), Subjects{Sender: subject}, profile, NewSums())
		if len(c.Alerts) != 1 || c.Alerts[0].Activity != Close || c.Alerts[0].Counterfactual != worst.Counterfactual {
			t.Errorf("flushed is %v: %+v, want %v", flushed, c.Alerts, worst.Counterfactual)
		}
	}
}
