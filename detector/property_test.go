package detector

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parcelsentry/parcelsentry/windows"
)

// someEvents draws up to four weeks of events of the senders, in the order of time but for some late ones.
func someEvents(t *rapid.T, senders []Sender) []*Event {
	var all []*Event
	hour := 0
	for n := range rapid.IntRange(1, 80).Draw(t, "events") {
		hour += rapid.SampledFrom([]int{0, 0, 0, 1, 3, 12, 24}).Draw(t, "hours on")
		late := rapid.SampledFrom([]int{0, 0, 0, 0, 0, 1, 8, 40}).Draw(t, "hours late")
		e := testEvent(n, time.Duration(hour-late)*time.Hour+time.Duration(rapid.IntRange(0, 3).Draw(t, "minutes"))*time.Minute)
		e.Sender = rapid.SampledFrom(senders).Draw(t, "sender")
		e.Recipient = rapid.SampledFrom([]Recipient{"", "R", "S", Recipient(fmt.Sprint("new-", n))}).Draw(t, "recipient")
		e.Origin = rapid.SampledFrom([]Place{"", "P"}).Draw(t, "origin")
		e.Destination = rapid.SampledFrom([]Place{"", "X", "Y", "Z"}).Draw(t, "destination")
		if rapid.Bool().Draw(t, "weighed") {
			e.WeightG = Amount{rapid.Float64Range(1, 30_000).Draw(t, "weight"), true}
		}
		all = append(all, e)
	}
	return all
}

// senderFindings are those of the sender's rules.
func senderFindings(c *Conclusion) []Finding {
	return slices.DeleteFunc(slices.Clone(c.Findings), func(f Finding) bool { return kindOf(f.Rule) != KindSender })
}

// What a conclusion that is used again keeps from one event to the next changes nothing, be it of other entities, other
// windows or another profile.
func TestAConclusionUsedAgainSaysTheSame(t *testing.T) {
	set := newTestSet(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		profiles := []*Profile{set.NewProfile(0), someProfile(t, set)}
		once, again := newWorld(set), newWorld(set)
		sums, sumsAgain := NewSums(), NewSums()
		var c Conclusion
		for n, e := range someEvents(t, []Sender{"A", "B", "C"}) {
			p := profiles[n/10%2]
			set.Begin(&c, e)
			subjects := again.subjectsOf(e)
			for _, subject := range subjects.inOrder() {
				if subject != nil {
					set.ObserveOne(&c, e, subject, subjects.since(), p, sumsAgain)
				}
			}
			if want := set.Observe(e, once.subjectsOf(e), p, sums); !same(c, want) {
				t.Fatalf("event %d: %+v, want %+v", n, c, want)
			}
		}
		if !reflect.DeepEqual(sumsAgain, sums) {
			t.Fatalf("learned %+v, want %+v", sumsAgain, sums)
		}
	})
}

// A sender that joins the others leaves their scores of the day alone: what it teaches counts from the next day on.
func TestAQuietSenderChangesNobodysScoresOfTheDay(t *testing.T) {
	set := newTestSet(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		profile := someProfile(t, set)
		without, with := newWorld(set), newWorld(set)
		events := someEvents(t, []Sender{"A", "B"})
		quiet := rapid.IntRange(0, len(events)-1).Draw(t, "quiet one before")
		for n, e := range events {
			if n == quiet {
				q := *e
				q.ID, q.Sender = "quiet", "Q"
				set.Observe(&q, with.subjectsOf(&q), profile, NewSums())
			}
			a := set.Observe(e, without.subjectsOf(e), profile, NewSums())
			b := set.Observe(e, with.subjectsOf(e), profile, NewSums())
			if got, want := senderFindings(&b), senderFindings(&a); !reflect.DeepEqual(got, want) {
				t.Fatalf("event %d: %+v, without the quiet sender %+v", n, got, want)
			}
		}
	})
}

// Events of different senders at the same time may come in any order: each sender's scores are the same.
func TestEqualTimesInAnyOrder(t *testing.T) {
	set := newTestSet(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		profile := someProfile(t, set)
		events := someEvents(t, []Sender{"A", "B", "C"})
		slices.SortStableFunc(events, func(a, b *Event) int { return a.Time.Compare(b.Time) })
		first := rapid.Permutation([]Sender{"A", "B", "C"}).Draw(t, "first")
		other := slices.Clone(events)
		slices.SortStableFunc(other, func(a, b *Event) int {
			if c := a.Time.Compare(b.Time); c != 0 {
				return c
			}
			return slices.Index(first, a.Sender) - slices.Index(first, b.Sender)
		})
		scores := func(events []*Event) map[string][]Finding {
			w, all := newWorld(set), map[string][]Finding{}
			for _, e := range events {
				c := set.Observe(e, w.subjectsOf(e), profile, NewSums())
				all[e.ID] = senderFindings(&c)
			}
			return all
		}
		if a, b := scores(events), scores(other); !reflect.DeepEqual(a, b) {
			t.Fatalf("%+v, in another order %+v", a, b)
		}
	})
}

// stored gives the entity as a store would give it back. It takes the subject's delta.
func stored(t *rapid.T, s *Subject, l windows.Ladder) *Subject {
	s.TakeDelta() // writes the note
	old := s.Entity
	e := windows.NewEntity(old.Key)
	for _, c := range old.Counts() {
		e.RestoreCount(c.Field, c.N)
	}
	for _, m := range old.AllMembers() {
		e.RestoreMember(m.Sub, time.UnixMilli(m.UnixMilli))
	}
	e.RestoreFirst(old.First())
	e.RestoreNote(old.Note())
	e.RestoreEvents(old.Events())
	e.Settle(l)
	subject, err := NewSubject(e)
	if err != nil {
		t.Fatal(err)
	}
	return subject
}

// A restart in the middle, with every entity and the profile stored and read, changes nothing.
func TestARestartChangesNothing(t *testing.T) {
	set := newTestSet(t, func(s *Settings) { s.MaxFields = 128; s.Burst.Threshold = 2 })
	rapid.Check(t, func(t *rapid.T) {
		straight, restarted := newWorld(set), newWorld(set)
		events := someEvents(t, []Sender{"A", "A", "B", "C"})
		at := rapid.IntRange(0, len(events)-1).Draw(t, "restart before")
		for n, e := range events {
			if n == at {
				for key, s := range restarted.subjects {
					restarted.subjects[key] = stored(t, s, set.Ladder())
				}
				restarted.restartProfile(t)
			}
			a, b := straight.observe(e), restarted.observe(e)
			if !same(a, b) {
				t.Fatalf("event %d: %+v, without the restart %+v", n, b, a)
			}
		}
		if a, b := straight.profile.ID(), restarted.profile.ID(); a != b {
			t.Fatalf("the profile is %s, without the restart %s", b, a)
		}
	})
}

func (w *world) restartProfile(t *rapid.T) {
	if w.profile == nil {
		return
	}
	p, err := w.set.ReadProfile(w.profile.Encode())
	if err != nil {
		t.Fatal(err)
	}
	sums, err := ReadSums(w.sums.Encode())
	if err != nil {
		t.Fatal(err)
	}
	w.profile, w.sums = p, sums
}

// One more line of a shipment counts nothing: whatever was concluded of the first holds for it.
func TestOrderLinesCountOnce(t *testing.T) {
	set := newTestSet(t, nil)
	w := newWorld(set)
	for n := range 20 {
		e := testEvent(n, 10*time.Hour)
		e.Recipient, e.Origin, e.Destination = "R", "P", "X"
		c := w.observe(e)
		if n > 0 != w.subjects[windows.NewKey(KindSender, "A")].Marks().Line {
			t.Errorf("event %d: marks %+v", n+1, w.subjects[windows.NewKey(KindSender, "A")].Marks())
		}
		for _, rule := range []string{ruleLimit, ruleBurst, ruleSurge, ruleRoute, ruleLaneBurst} {
			if f := finding(t, &c, rule); f.Abstained == "" && f.Observed != 1 {
				t.Errorf("event %d: %s observes %v", n+1, rule, f.Observed)
			}
		}
	}
	for _, s := range w.subjects {
		if s.Entity.Events() != 20 {
			t.Errorf("%v has counted %d events", s.Entity.Key, s.Entity.Events())
		}
	}
}

// A window is whole panes, so it holds at least what its length less a pane holds by exact times, and at most what its
// whole length does.
func TestPanesAgainstExactTimes(t *testing.T) {
	set := newTestSet(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(set)
		var sent, lane, visits []time.Time // to R, from P to X, and the first of each sender and day to R
		seen := map[string]bool{}
		at := testEvent(0, 0).Time
		for n := range rapid.IntRange(1, 120).Draw(t, "events") {
			at = at.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 7, 61, 300, 1500, 9000}).Draw(t, "minutes on"))*time.Minute +
				time.Duration(1+rapid.IntRange(0, 59_999).Draw(t, "milliseconds"))*time.Millisecond)
			e := testEvent(n, 0)
			e.Time, e.Sender = at, rapid.SampledFrom([]Sender{"A", "A", "A", "B", "C", "D"}).Draw(t, "sender")
			e.Recipient, e.Origin, e.Destination = "R", "P", "X"
			c := w.observe(e)
			lane = append(lane, at)
			if day := string(e.Sender) + at.Format(time.DateOnly); !seen[day] {
				seen[day] = true
				visits = append(visits, at)
			}
			between(t, set, &c, ruleLaneBurst, lane, at)
			between(t, set, &c, ruleFanin, visits, at)
			if e.Sender != "A" {
				continue
			}
			sent = append(sent, at)
			for _, rule := range []string{ruleLimit, ruleBurst, ruleSurge} {
				between(t, set, &c, rule, sent, at)
			}
		}
	})
}

// between holds what a rule observed at a time against the exact times before it.
func between(t *rapid.T, set *Set, c *Conclusion, rule string, times []time.Time, at time.Time) {
	i := slices.Index(set.Rules(), rule)
	w, r := set.detectors[i].Window()
	within := func(d time.Duration) (n float64) {
		for _, x := range times {
			if at.Sub(x) < d {
				n++
			}
		}
		return n
	}
	least, most := within(w.Size-r.Slide), within(w.Size)
	if got := c.Findings[i].Observed; got < least || got > most {
		t.Fatalf("%s observes %v at %v, by exact times it is %v to %v", rule, got, at, least, most)
	}
}
