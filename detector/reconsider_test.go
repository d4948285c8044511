package detector

import (
	"fmt"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// A weight that was not odd when it came is not odd at a second look, whatever the entity has learned from it; one
// that was stays told once.
func TestReconsiderLeavesAmountsAlone(t *testing.T) {
	set := newTestSet(t, only(ruleWeight))
	subject := newTestSubject(t, "A")
	profile, sums := someWeights(t, set), NewSums()
	var c Conclusion
	for n := range 30 {
		e := testEvent(n, time.Duration(n)*24*time.Hour)
		e.WeightG = Amount{1000 + float64(n%3), true}
		if n == 29 {
			e.WeightG.Value = 1e6
		}
		c = set.Observe(e, Subjects{Sender: subject}, profile, sums)
	}
	if len(c.Alerts) != 1 {
		t.Fatalf("a ton among parcels of a kilogram makes %d alerts", len(c.Alerts))
	}
	again := set.Reconsider(subject.Judged(), subject)
	if f := finding(t, &again, ruleWeight); f.Abstained == "" || len(again.Alerts) > 0 || again.Flag != nil {
		t.Errorf("at a second look: %+v, %d alerts, flag %v", f, len(again.Alerts), again.Flag)
	}
}

// someWeights is the profile after a month of senders with parcels of about a kilogram.
func someWeights(t *testing.T, set *Set) *Profile {
	t.Helper()
	w := newWorld(set)
	for n := range 600 {
		e := testEvent(n, time.Duration(n-720)*time.Hour)
		e.Sender = Sender(fmt.Sprint("S", n%20))
		e.WeightG = Amount{900 + float64(n*7919%200), true}
		w.observe(e)
	}
	return set.NextProfile(w.profile, Day(testEvent(0, 0).Time), w.sums)
}

// Of the events of an hour the last stands for all, one new to the entity apart from those that are not.
func TestStands(t *testing.T) {
	set := newTestSet(t, nil)
	judged := func(after time.Duration, fresh bool) Judged {
		e := testEvent(0, after)
		w := wayOf(e)
		return set.judged(e, &w, nil, Marks{Fresh: fresh})
	}
	elsewhere := judged(50*time.Minute, false)
	elsewhere.to = placeSub("X")
	later := judged(50*time.Minute, false)
	for _, x := range []struct {
		old  Judged
		kind windows.Kind
		want bool
	}{
		{judged(10*time.Minute, false), KindLane, true},
		{judged(59*time.Minute, false), KindLane, true}, // came before, though its time is later
		{judged(10*time.Minute, true), KindLane, false},
		{judged(70*time.Minute, false), KindLane, false},
		{judged(10*time.Minute, false), KindSender, true},
		{elsewhere, KindSender, false},
		{elsewhere, KindLane, true},
	} {
		if got := set.Stands(&later, &x.old, x.kind); got != x.want {
			t.Errorf("for %v, %+v of a %s: %v, want %v", x.old.event.Time, x.old.marks, x.kind, got, x.want)
		}
	}
	if limits := newTestSet(t, only(ruleLimit)); !limits.Stands(&later, &elsewhere, KindSender) {
		t.Error("a sender's parcel to another place stands for itself, though no rule asks where it goes")
	}
}

// recipientOf gives R after n senders within an hour, by a set that did not judge them, as if they had come by other
// partitions.
func recipientOf(t *testing.T, set *Set, n int) (*Subject, *Event) {
	t.Helper()
	var last *Event
	blind := newTestSet(t, func(s *Settings) { s.Fanin.Threshold = 1000 })
	subject := &Subject{Entity: windows.NewEntity(windows.NewKey(KindRecipient, "R"))}
	for i := range n {
		last = testEvent(i, 10*time.Hour+time.Duration(i)*time.Minute)
		last.Sender, last.Recipient = Sender(fmt.Sprint("S", i)), "R"
		blind.Observe(last, Subjects{Recipient: subject}, set.NewProfile(0), NewSums())
	}
	return subject, last
}

// An event counted in an earlier life makes the alert that nobody has made. What an incident covers already, or may have
// covered before it was closed, is not said again.
func TestRecheck(t *testing.T) {
	set := newTestSet(t, nil)
	p := set.NewProfile(0)
	t.Run("nobody has told", func(t *testing.T) {
		subject, last := recipientOf(t, set, 40)
		c := set.Recheck(last, subject, p)
		if len(c.Alerts) != 1 || c.Alerts[0].Activity != Create || c.Alerts[0].Rule != ruleFanin {
			t.Fatalf("alerts %+v", c.Alerts)
		}
		if c = set.Recheck(last, subject, p); len(c.Alerts) > 0 || c.Flag != nil {
			t.Errorf("at the third look: %+v", c)
		}
	})
	t.Run("too few", func(t *testing.T) {
		subject, last := recipientOf(t, set, 2)
		if c := set.Recheck(last, subject, p); len(c.Alerts) > 0 || c.Flag != nil {
			t.Errorf("%+v", c)
		}
	})
	t.Run("perhaps closed since", func(t *testing.T) {
		subject, last := recipientOf(t, set, 40)
		later := *last
		later.ID, later.Time = "later", last.Time.Add(24*time.Hour)
		set.Observe(&later, Subjects{Recipient: subject}, p, NewSums())
		subject.incident = nil
		if c := set.Recheck(last, subject, p); len(c.Alerts) > 0 || c.Flag != nil {
			t.Errorf("%+v", c)
		}
	})
}

// On a lane structuring judges only new senders. Whether an event was of one can't be seen any more once it is counted,
// but whether its hour has any.
func TestRecheckOfStructuring(t *testing.T) {
	set := newTestSet(t, nil)
	subject := &Subject{Entity: windows.NewEntity(windows.NewKey(KindLane, "P", "X"))}
	blind := newTestSet(t, func(s *Settings) { s.Structuring.Threshold, s.LaneBurst.Threshold = 1000, 1000 })
	p := set.NewProfile(0)
	var all []*Event
	for n := range 41 {
		e := testEvent(n, 10*time.Hour+time.Duration(n)*time.Minute)
		e.Sender, e.Origin, e.Destination = Sender(fmt.Sprint("S", n)), "P", "X"
		if n == 40 {
			e.Sender, e.Time = "S0", e.Time.Add(time.Hour)
		}
		blind.Observe(e, Subjects{Lane: subject}, p, NewSums())
		all = append(all, e)
	}
	known := set.Recheck(all[40], subject, p)
	if f := finding(t, &known, ruleStructuring); f.Abstained == "" {
		t.Errorf("an hour without new senders: %+v", f)
	}
	subject.incident = nil
	fresh := set.Recheck(all[39], subject, p)
	if f := finding(t, &fresh, ruleStructuring); !f.Over() {
		t.Errorf("the last of forty new senders: %+v", f)
	}
}
