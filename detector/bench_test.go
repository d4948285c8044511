package detector

import (
	"fmt"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// benchmarkJudge judges the last event of a sender again and again.
func benchmarkJudge(b *testing.B, set *Set, subject *Subject) {
	var c Conclusion
	set.Begin(&c, subject.last.event)
	b.ReportAllocs()
	for b.Loop() {
		set.judge(subject, &c)
	}
}

// A sender with so many places, a parcel to each, and one in hand.
func BenchmarkRouteJudge(b *testing.B) {
	for _, places := range []int{1, 10, 200} {
		b.Run(fmt.Sprint("places=", places), func(b *testing.B) {
			set := newTestSet(b, func(s *Settings) {
				only(ruleRoute)(s)
				s.SlowRoute = DefaultSettings().SlowRoute
				s.MaxFields = 10_000
			})
			subject := newTestSubject(b, "A")
			for n := range places + 2 {
				e := testEvent(n, time.Duration(n)*24*time.Hour/time.Duration(places))
				e.Destination = Place(fmt.Sprint("P", n%places))
				observe(set, e, subject)
			}
			benchmarkJudge(b, set, subject)
		})
	}
}

// A sender with so many days of three parcels behind it.
func BenchmarkCountingJudge(b *testing.B) {
	for _, days := range []int{0, 10, 119} {
		b.Run(fmt.Sprint("days=", days), func(b *testing.B) {
			set := newTestSet(b, func(s *Settings) {
				d := DefaultSettings()
				only(ruleBurst)(s)
				s.Surge, s.Fanout = d.Surge, d.Fanout
			})
			subject := newTestSubject(b, "A")
			for n := range 3*days + 1 {
				e := testEvent(n, time.Duration(n)*8*time.Hour)
				e.Recipient = Recipient(fmt.Sprint("R", n%100))
				observe(set, e, subject)
			}
			benchmarkJudge(b, set, subject)
		})
	}
}

// All rules and all three entities of an event: new ones, small ones (a parcel a week), a shop that sends two parcels a
// day to two places, one with forty a day to sixty, and a marketplace whose places are folded.
func BenchmarkObserve(b *testing.B) {
	for _, c := range []struct {
		what          string
		daily, places int
	}{{"small", 0, 2}, {"shop", 2, 2}, {"large", 40, 60}, {"folding", 40, 400}} {
		b.Run(c.what, func(b *testing.B) { benchmarkObserveAll(b, c.daily, c.places) })
	}
	b.Run("new", func(b *testing.B) {
		set := newTestSet(b, nil)
		profile, sums := set.NewProfile(0), NewSums()
		e := benchmarkEvent(0, 1)
		keys := set.Keys(e)
		b.ReportAllocs()
		for b.Loop() {
			var all Subjects
			for _, key := range keys {
				all.Set(&Subject{Entity: windows.NewEntity(key)})
			}
			set.Observe(e, all, profile, sums)
		}
	})
}

func benchmarkEvent(n, places int) *Event {
	e := testEvent(n, 0)
	e.Origin, e.Destination = "O", Place(fmt.Sprint("P", n%places))
	e.Recipient = Recipient(fmt.Sprint("R", n%(7*places)))
	e.WeightG = Amount{Value: float64(100 + n%900), Known: true}
	return e
}

// benchmarkObserveAll observes a sender with a hundred days behind it, the deltas taken every forty events; the
// recipients and lanes are the sender's own. A daily of 0 is one a week.
func benchmarkObserveAll(b *testing.B, daily, places int) {
	set := newTestSet(b, nil)
	w := newWorld(set)
	step, before := 7*24*time.Hour, 15
	if daily > 0 {
		step, before = 24*time.Hour/time.Duration(daily), 100*daily
	}
	events := make([]*Event, 7*places)
	subjects := make([]Subjects, len(events))
	for i := range events {
		events[i] = benchmarkEvent(i, places)
		subjects[i] = w.subjectsOf(events[i])
	}
	start := testEvent(0, 0).Time
	// A profile of after all events: the days after a profile's own are looked through one by one, and there is hardly
	// ever one.
	profile, sums := set.NewProfile(Day(start)+1_000_000), NewSums()
	n := 0
	observe := func() {
		e := events[n%len(events)]
		e.Time = start.Add(step * time.Duration(n))
		set.Observe(e, subjects[n%len(events)], profile, sums)
		n++
		if at := n % len(events); n%40 == 0 {
			for _, all := range subjects[max(0, at-40):at] {
				for _, s := range all.inOrder() {
					s.TakeDelta()
				}
			}
		}
	}
	for n < before {
		observe()
	}
	b.ReportAllocs()
	for b.Loop() {
		observe()
	}
}
