package detector

import (
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// TestFlagScore: the score of a flag is the sender's if the sender speaks, also if the recipient has a higher one: after
// a crash a repeat may concern the sender alone.
func TestFlagScore(t *testing.T) {
	set := newTestSet(t, func(s *Settings) {
		only("")(s)
		s.Limit = &LimitSettings{Window: 24 * time.Hour, Shipments: 10}
		s.Fanin = &CountSettings{Window: 48 * time.Hour, Threshold: 3}
	})
	sender, p := newTestSubject(t, "A"), set.NewProfile(0)
	recipient, _ := NewSubject(windows.NewEntity(windows.NewKey(KindRecipient, "R")))
	var c Conclusion
	for n := range 60 { // a parcel of each of fifty others, then ten of A, of which the last goes there too
		e := testEvent(n, time.Duration(n)*time.Minute)
		subjects := Subjects{Sender: sender}
		if n < 50 {
			e.Sender, subjects.Sender = Sender(e.ID), newTestSubject(t, Sender(e.ID))
		}
		if n < 50 || n == 59 {
			e.Recipient, subjects.Recipient = "R", recipient
		}
		c = set.Observe(e, subjects, p, NewSums())
	}
	fanin := finding(t, &c, ruleFanin)
	if c.Flag == nil || c.Flag.Score != limitScore || fanin.Score <= limitScore {
		t.Errorf("flag %+v beside a finding of the recipient of %v; want the sender's score, %v", c.Flag, fanin.Score, limitScore)
	}
}
