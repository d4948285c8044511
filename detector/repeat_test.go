package detector

import (
	"fmt"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// Duplicate marks share the bounds of an entity.
func TestDuplicateMarksAreBounded(t *testing.T) {
	set := newTestSet(t, func(s *Settings) { s.DuplicateHorizon = 7 * 24 * time.Hour; s.MaxFields = 80 })
	subject := newTestSubject(t, "A")
	for n := range 50 {
		e := testEvent(n, time.Duration(n)*time.Minute)
		if got := observe(set, e, subject).Outcome; got != Counted {
			t.Fatalf("event %d is %s", n, got)
		}
		if got := observe(set, e, subject).Outcome; got != Duplicate {
			t.Fatalf("event %d once more is %s", n, got)
		}
	}
	if got := subject.Entity.Members(); got > 20 {
		t.Errorf("%d ids are remembered, a quarter of 80 fields are allowed", got)
	}
	if got := subject.Entity.Events(); got != 50 {
		t.Errorf("%d events are counted", got)
	}
}

// Ids and items share the bound, and do not stand for each other.
func TestIDsAndItemsAreApart(t *testing.T) {
	const day = 24 * time.Hour
	set := newTestSet(t, func(s *Settings) { s.DuplicateHorizon, s.ItemHorizon, s.MaxFields = day, 7*day, 80 })
	subject := newTestSubject(t, "A")
	for _, step := range []struct {
		id, item string
		at       time.Duration
		want     Outcome
	}{
		{"E1", "I1", 0, Counted},
		{"E1", "I2", time.Hour, Duplicate},
		{"I1", "E1", time.Hour, Counted}, // names of the other sort
		{"E2", "I1", 2 * day, SameItem},
		{"E2", "I2", 2 * day, Counted}, // neither was remembered when the other was known
		{"E1", "I3", 2 * day, Counted}, // the id's time is over, the item's is not
		{"E3", "I1", -day, SameItem},   // late
		{"E4", "I1", 8 * day, Counted}, // over
		{"E5", "", 8 * day, Counted},   // without an item
		{"E6", "", 8 * day, Counted},
		{"E6", "", 8 * day, Duplicate},
	} {
		e := testEvent(0, step.at)
		e.ID, e.Item = step.id, step.item
		if got := observe(set, e, subject).Outcome; got != step.want {
			t.Errorf("event %q of item %q at %v is %s, want %s", step.id, step.item, step.at, got, step.want)
		}
	}
	for n := range 50 {
		e := testEvent(n, 8*day+time.Duration(n)*time.Minute)
		observe(set, e, subject)
		if got := observe(set, e, subject).Outcome; got != Duplicate {
			t.Fatalf("event %d once more is %s", n, got)
		}
	}
	if got := subject.Entity.Members(); got > 20 {
		t.Errorf("%d ids and items are remembered, a quarter of 80 fields are allowed", got)
	}
}

// A resubmitted message counts once, whatever id it has, without any setting. Ids that are remembered don't push out
// where it stood first, and it not them.
func TestResubmittedOnce(t *testing.T) {
	for _, horizon := range []time.Duration{0, 7 * 24 * time.Hour} {
		set := newTestSet(t, func(s *Settings) { s.DuplicateHorizon, s.MaxFields = horizon, 160 })
		subject := newTestSubject(t, "A")
		copies := 0
		copied := func(n int) *Event {
			copies++
			e := testEvent(n, time.Duration(n)*time.Minute)
			e.ID = fmt.Sprint("copy ", copies) // by which no two are the same
			e.Resubmitted = &Resubmitted{
				First: windows.Coordinates{Source: windows.Source{Topic: "shipments"}, Offset: int64(n)},
				At:    e.Time.Add(time.Duration(copies) * time.Hour),
			}
			return e
		}
		for n := range 100 {
			observe(set, testEvent(n+1000, time.Duration(n)*time.Minute), subject)
			if got := observe(set, copied(n), subject).Outcome; got != Counted {
				t.Fatalf("horizon %v: resubmitted %d is %s", horizon, n, got)
			}
		}
		if set.ResubmittedAtOnce() != 10 {
			t.Fatalf("%d at once, want 160/16", set.ResubmittedAtOnce())
		}
		for n := 80; n < 100; n++ {
			if got := observe(set, copied(n), subject).Outcome; got != Duplicate {
				t.Errorf("horizon %v: the second copy of %d is %s", horizon, n, got)
			}
		}
		if got := subject.Entity.Events(); got != 200 {
			t.Errorf("horizon %v: %d events are counted, want 200", horizon, got)
		}
		if got := subject.Entity.Members(); got > 20+40 {
			t.Errorf("horizon %v: %d are remembered, an eighth and a quarter of 160 fields are allowed", horizon, got)
		}
	}
}

// With both horizons off nothing is remembered and nothing allocated.
func TestNothingIsRememberedByDefault(t *testing.T) {
	set := newTestSet(t, nil)
	subject, e := newTestSubject(t, "A"), testEvent(0, 0)
	if n := testing.AllocsPerRun(100, func() { set.repeats(e, subject.Entity) }); n > 0 || subject.Entity.Members() > 0 {
		t.Errorf("%v allocations, %d members", n, subject.Entity.Members())
	}
}
