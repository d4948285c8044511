package detector

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parcelsentry/parcelsentry/windows"
)

// afresh is what the subject's rules make of the event counted last without a memo, those of amounts left out: the
// entity has learned from the event by then.
func afresh(set *Set, subject *Subject) []Finding {
	var c Conclusion
	set.Begin(&c, subject.last.event)
	set.judge(&Subject{Entity: subject.Entity, last: subject.last}, &c)
	return withoutAmounts(set, c.Findings)
}

func withoutAmounts(set *Set, findings []Finding) (kept []Finding) {
	for i, d := range set.detectors {
		if _, ofAmount := d.(*amount); !ofAmount {
			kept = append(kept, findings[i])
		}
	}
	return kept
}

// Whatever comes in, in whatever order, with places folded, days and windows moved on: a subject with a memo judges as
// one that was just read.
func TestAMemoChangesNoFinding(t *testing.T) {
	used := 0
	small := newTestSet(t, func(s *Settings) { s.MaxFields = 130 })
	sets := []*Set{newTestSet(t, nil), small}
	rapid.Check(t, func(t *rapid.T) {
		set := rapid.SampledFrom(sets).Draw(t, "set")
		profiles := []*Profile{set.NewProfile(0), someProfile(t, set)}
		subject, sums := &Subject{Entity: windows.NewEntity(windows.NewKey(KindSender, "A"))}, NewSums()
		hour := 0
		places := rapid.OneOf(rapid.IntRange(0, 40), rapid.IntRange(0, 3))
		for n := range rapid.IntRange(20, 150).Draw(t, "events") {
			hour += rapid.SampledFrom([]int{0, 0, 0, 0, 1, 5, 24, 40}).Draw(t, "hours on")
			late := rapid.SampledFrom([]int{0, 0, 0, 0, 0, 0, 2, 30, 400}).Draw(t, "hours late")
			e := testEvent(n, time.Duration(hour-late)*time.Hour)
			e.Recipient = Recipient(fmt.Sprint(rapid.SampledFrom([]int{1, 2, n}).Draw(t, "recipient")))
			if place := places.Draw(t, "place"); place > 0 {
				e.Destination = Place(fmt.Sprint("P", place))
			}
			profile := profiles[min(n/60, 1)]
			c := set.Observe(e, Subjects{Sender: subject}, profile, sums)
			if c.Outcome != Counted {
				continue
			}
			if subject.memo != nil {
				used++
			}
			if got, want := withoutAmounts(set, c.Findings), afresh(set, subject); !reflect.DeepEqual(got, want) {
				t.Fatalf("event %d:\ngot  %+v\nwant %+v", n+1, got, want)
			}
			again := set.Reconsider(subject.Judged(), subject)
			if got, want := withoutAmounts(set, again.Findings), afresh(set, subject); !reflect.DeepEqual(got, want) {
				t.Fatalf("event %d once more:\ngot  %+v\nwant %+v", n+1, got, want)
			}
			if rapid.IntRange(0, 9).Draw(t, "stored") == 0 {
				subject.TakeDelta()
			}
		}
		from := stored(t, subject, set.Ladder())
		from.last = subject.last
		if got, want := afresh(set, from), afresh(set, subject); !reflect.DeepEqual(got, want) {
			t.Fatalf("read from a store:\ngot  %+v\nwant %+v", got, want)
		}
	})
	if used == 0 {
		t.Fatal("no subject had a memo")
	}
}

// What a memo holds of places follows a fold, and the parcels that go where it does not look.
func TestACensusFollowsFolds(t *testing.T) {
	set := newTestSet(t, only(ruleRoute))
	d := set.detectors[0].(*route)
	subject := newTestSubject(t, "A")
	send := func(n int, place string, after time.Duration) {
		e := testEvent(n, after)
		e.Destination = Place(place)
		observe(set, e, subject)
	}
	for n := range 40 {
		send(n, fmt.Sprint("P", n%20), time.Duration(n)*time.Hour/4)
	}
	for n := range 40 {
		send(n, "home", 48*time.Hour)
	}
	c := subject.memo.routes[d.slot()]
	if c.places != 20 || c.twice != 20 || c.now != 40 {
		t.Fatalf("after all parcels: %+v", c)
	}
	m := subject.memo
	bound(subject.Entity, d.all, windows.NewSub("home"), subject.Entity.Fields()-2, m)
	var anew census
	fold := View{Entity: subject.Entity, memory: new(*memo)}
	fold.remember().routes[d.slot()] = &anew
	w, _ := d.Window()
	d.census(&fold, c.to-w.Panes()+1, c.to)
	if !reflect.DeepEqual(*c, anew) || c.twice >= 20 {
		t.Errorf("after a fold %+v, counted anew %+v", *c, anew)
	}
}

// Warm reads of any subject and changes none.
func TestWarmChangesNothing(t *testing.T) {
	for _, change := range []func(*Settings){nil, only(ruleBurst)} {
		set := newTestSet(t, change)
		warmed, other := newTestSubject(t, "A"), newTestSubject(t, "A")
		for n := range 50 {
			e := testEvent(n, time.Duration(n)*7*time.Hour)
			e.Recipient = Recipient(fmt.Sprint(n % 7))
			set.Warm(warmed)
			if got, want := observe(set, e, warmed), observe(set, e, other); !same(got, want) {
				t.Fatalf("event %d: %+v, want %+v", n, got, want)
			}
		}
		if got, want := warmed.TakeDelta(), other.TakeDelta(); !reflect.DeepEqual(got, want) {
			t.Errorf("delta %+v, want %+v", got, want)
		}
	}
}

// boundByLooking is bound as it is meant: each fold looks through all places.
func boundByLooking(e *windows.Entity, all windows.Resolution, keep windows.Sub, limit int) {
	for e.Fields() > limit {
		var least usedPlace
		for sub, panes := range e.Subs(measurePlaces, all) {
			if n := parcelsIn(panes); sub != keep && sub != windows.Others && (least.parcels == 0 || n < least.parcels) {
				least = usedPlace{n, sub}
			}
		}
		if least.parcels == 0 {
			return
		}
		e.Fold(measurePlaces, least.place)
		e.Tally(measureFolded, foldedPlaces, 1)
		if slot := least.parcels; slot <= foldedTwice {
			e.Tally(measureFolded, slot, 1)
		}
	}
}

// However the parcels come, with months moved on and parcels in hand whose place must stay: the list of the least used
// places gives those to fold that looking through all of them gives.
func TestTheListedPlacesAreThoseThatLookingFinds(t *testing.T) {
	folded := 0
	rapid.Check(t, func(t *rapid.T) {
		all := DefaultSettings().Ladder[2]
		listed, looked := windows.NewEntity(windows.NewKey(KindSender, "A")), windows.NewEntity(windows.NewKey(KindSender, "A"))
		m, at := &memo{}, time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)
		limit := rapid.SampledFrom([]int{5, 20, 60}).Draw(t, "limit")
		for range rapid.IntRange(1, 300).Draw(t, "parcels") {
			at = at.AddDate(0, 0, rapid.SampledFrom([]int{0, 0, 0, 0, 1, -40, 31, 200}).Draw(t, "days on"))
			place := windows.NewSub(fmt.Sprint(rapid.IntRange(0, 100).Draw(t, "place")))
			listed.Add(measurePlaces, all, place, at, 1)
			looked.Add(measurePlaces, all, place, at, 1)
			m.sent(listed, all, place)
			keep := rapid.SampledFrom([]windows.Sub{place, {}}).Draw(t, "kept")
			bound(listed, all, keep, limit, m)
			boundByLooking(looked, all, keep, limit)
			if got, want := listed.Counts(), looked.Counts(); !reflect.DeepEqual(got, want) {
				t.Fatalf("with a list %v, without %v", got, want)
			}
			if rapid.IntRange(0, 9).Draw(t, "stored") == 0 {
				listed.TakeDelta()
			}
			folded += int(listed.TallyOf(measureFolded, foldedPlaces))
		}
	})
	if folded == 0 {
		t.Fatal("nothing was folded")
	}
}
