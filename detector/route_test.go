package detector

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parcelsentry/parcelsentry/windows"
)

func TestRouteChanceByHand(t *testing.T) {
	profile := newTestSet(t, nil).NewProfile(0)
	for _, c := range []struct {
		what         string
		past         routes
		want, rarity float64
	}{
		// Discount D = (once+¼)/(once+2·twice+1), mass for new places M = (1+D·places)/(parcels+1). A profile that knows
		// nothing takes all of M for as odd.
		{"one customer, a new place", routes{parcels: 99, places: 1}, (1 + 0.25) / 100 * 0.01, 1.25 / 100},
		{"one customer, the customer", routes{parcels: 99, places: 1, here: 99, rarer: 1, rarerParcels: 99}, (99-0.25)/100 + 1.25/100*0.01, 1},
		{"marketplace, a new place", routes{parcels: 49, places: 49, once: 49}, (1 + 49.25/50*49) / 50 * 0.01, (1 + 49.25/50*49) / 50},
		{"places used twice lower the discount", routes{parcels: 19, places: 10, once: 1, twice: 9}, (1 + 1.25/20*10) / 20 * 0.01, (1 + 1.25/20*10) / 20},
		{"nothing known: as anybody", routes{}, 0.01, 1},
		{"more folded places than parcels left", routes{parcels: 10, places: 30, once: 30}, 0.01, 1},
		{
			"the rarer of two customers is as odd as a new place and itself",
			routes{parcels: 99, places: 2, here: 9, rarer: 1, rarerParcels: 9},
			(9-0.25)/100 + 1.5/100*0.01, 1.5/100 + (9-0.25)/100,
		},
	} {
		chance, rarity := c.past.chance(0.01, profile)
		if math.Abs(chance-c.want) > 1e-15 || math.Abs(rarity-c.rarity) > 1e-12 {
			t.Errorf("%s: %v and %v, want %v and %v", c.what, chance, rarity, c.want, c.rarity)
		}
	}
}

// More parcels to a place never surprise less.
func TestRouteScoreRisesWithTheCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := routes{parcels: rapid.Int64Range(0, 1000).Draw(t, "parcels"), now: rapid.Int64Range(1, 200).Draw(t, "now")}
		chance := math.Exp(rapid.Float64Range(-20, -0.001).Draw(t, "ln chance"))
		rarity := min(1, chance*math.Exp(rapid.Float64Range(0, 20).Draw(t, "ln places")))
		unsteady := rapid.Bool().Draw(t, "unsteady")
		n := rapid.Int64Range(0, p.now-1).Draw(t, "n")
		a, b := p.score(n, unsteady, chance, rarity), p.score(n+1, unsteady, chance, rarity)
		if a < 0 || b < a-1e-9 || math.IsInf(b, 0) || math.IsNaN(b) {
			t.Fatalf("%d of %d score %v, one more %v", n, p.now, a, b)
		}
	})
}

// sent is a counted shipment as the naive model remembers it.
type sent struct {
	at time.Time
	to Place
}

// naiveRoutes is what route.past gives, from the bare list.
func naiveRoutes(all []sent, here Place, r windows.Resolution, from, to int64) routes {
	var p routes
	before := map[Place]int64{}
	for _, s := range all {
		switch pane := r.Pane(s.at); {
		case pane > to:
		case pane >= from:
			p.now++
			if s.to == here {
				p.hereNow++
			}
		default:
			p.parcels++
			before[s.to]++
		}
	}
	for _, n := range before {
		p.places++
		if n <= before[here] {
			p.rarer++
			p.rarerParcels += n
		}
		switch n {
		case 1:
			p.once++
		case 2:
			p.twice++
		}
	}
	p.here = before[here]
	return p
}

// Whatever the order in which a sender's shipments come in, the route detector sees what a list of them holds.
func TestRoutePastAgainstAListOfShipments(t *testing.T) {
	set := newTestSet(t, func(s *Settings) { only(ruleRoute)(s); s.MaxFields = 10_000 })
	d := set.detectors[0].(*route)
	w, r := d.Window()
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		subject := &Subject{Entity: windows.NewEntity(windows.NewKey(KindSender, "A"))}
		var all []sent
		views := 0
		minutes := rapid.OneOf(rapid.IntRange(0, 80*24*60), rapid.IntRange(66*24*60, 68*24*60)) // a month ends on day 67
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			e := &Event{
				Sender: "A", Time: start.Add(time.Duration(minutes.Draw(t, "minute")) * time.Minute),
				Destination: rapid.SampledFrom([]Place{"P", "Q", "R", "S", "T"}).Draw(t, "place"),
			}
			c := observe(set, e, subject)
			if c.Outcome != Counted {
				t.Fatalf("%v is %s", e.Time, c.Outcome)
			}
			all = append(all, sent{e.Time, e.Destination})
			newest, _ := subject.Entity.Newest(r)
			own := r.Pane(e.Time)
			if own-w.Panes()+1 <= newest-r.Keep {
				continue // its window is not kept any more
			}
			for to := own; to < own+w.Panes(); to++ {
				views++
				from := to - w.Panes() + 1
				got := d.past(&View{Entity: subject.Entity}, windows.NewSub(string(e.Destination)), from, to)
				want := naiveRoutes(all, e.Destination, r, from, to)
				if got != want {
					t.Fatalf("pane %d of %v, newest %d:\ngot  %+v\nwant %+v", to, e.Time, newest, got, want)
				}
			}
		}
		if views == 0 {
			t.Fatal("nothing was compared")
		}
	})
}

// A late event is judged in every window that covers it and is kept: with a limit of one the score is four times the
// most shipments that any of these windows holds.
func TestLateEventsAgainstAListOfTimes(t *testing.T) {
	set := newTestSet(t, func(s *Settings) { only(ruleLimit)(s); s.Limit.Shipments = 1 })
	w, r := set.detectors[0].Window()
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		subject := &Subject{Entity: windows.NewEntity(windows.NewKey(KindSender, "A"))}
		var panes []int64
		for range rapid.IntRange(1, 80).Draw(t, "events") {
			e := &Event{Sender: "A", Time: start.Add(time.Duration(rapid.IntRange(0, 70*60).Draw(t, "minute")) * time.Minute)}
			own := r.Pane(e.Time)
			newest := own
			if len(panes) > 0 {
				newest = max(own, slices.Max(panes))
			}
			c := observe(set, e, subject)
			if own <= newest-r.Keep {
				if c.Outcome != TooLate {
					t.Fatalf("pane %d with newest %d is %s", own, newest, c.Outcome)
				}
				continue
			}
			panes = append(panes, own)
			f := c.Findings[0]
			var most int
			for _, to := range panes {
				if to < own || to > own+w.Panes()-1 || own < newest && to-w.Panes()+1 <= newest-r.Keep {
					continue
				}
				n := 0
				for _, p := range panes {
					if p > to-w.Panes() && p <= to {
						n++
					}
				}
				most = max(most, n)
			}
			if (most == 0) != (f.Abstained != "") {
				t.Fatalf("pane %d with newest %d: %d in the windows that are kept, %+v", own, newest, most, f)
			}
			if f.Observed != float64(most) || f.Score != limitScore*float64(most) {
				t.Fatalf("pane %d: observed %v, score %v, a list has %d", own, f.Observed, f.Score, most)
			}
		}
	})
}

// Late events find their later windows also where only routes are judged.
func TestLateRouteWithoutOtherDetectors(t *testing.T) {
	set := newTestSet(t, only(ruleRoute))
	subject := newTestSubject(t, "A")
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	send := func(to Place, at time.Time) Conclusion {
		return observe(set, &Event{ID: at.String(), Sender: "A", Destination: to, Time: at}, subject)
	}
	for d := range 40 {
		send("X", at.AddDate(0, 0, d-41))
	}
	send("Q", at.Add(4*time.Hour))
	send("Q", at.Add(5*time.Hour))
	late := send("Q", at)
	if f := late.Findings[0]; f.Observed != 3 || !f.Over() || !late.Alerts[0].Late {
		t.Errorf("the third parcel to Q, hours late: %+v", f)
	}
}

// Folding keeps an entity in bounds and loses no parcel.
func TestFoldingKeepsCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(60, 120).Draw(t, "limit")
		s := DefaultSettings()
		only(ruleRoute)(&s) // the days of others would be most of the fields
		s.MaxFields = limit
		set, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		subject := &Subject{Entity: windows.NewEntity(windows.NewKey(KindSender, "A"))}
		at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		n := rapid.IntRange(100, 300).Draw(t, "events")
		for range n {
			at = at.Add(time.Duration(rapid.IntRange(0, 300).Draw(t, "minutes")) * time.Minute)
			place := Place(rapid.StringMatching("[a-z]{1,2}").Draw(t, "place"))
			observe(set, &Event{Sender: "A", Time: at, Destination: place}, subject)
		}
		months := s.Ladder[len(s.Ladder)-1]
		var parcels, places int64
		for sub, panes := range subject.Entity.Subs(measurePlaces, months) {
			for _, p := range panes {
				parcels += p.N
			}
			if sub != windows.Others {
				places++
			}
		}
		if parcels != int64(n) {
			t.Fatalf("%d of %d parcels are left", parcels, n)
		}
		// Beside places there are at most 50 hours of items and of others, and three tallies.
		if fields := subject.Entity.Fields(); fields > limit && places > 1 {
			t.Fatalf("%d fields with %d places, limit %d", fields, places, limit)
		}
	})
}

// The places that are used least go first, but never the one that a parcel goes to now.
func TestTheLeastUsedPlacesAreFolded(t *testing.T) {
	e := windows.NewEntity(windows.NewKey(KindSender, "A"))
	months := DefaultSettings().Ladder[2]
	at := time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)
	for place, n := range map[Place]int64{"now": 1, "1": 1, "2": 1, "3": 1, "4": 1, "5": 1, "6": 1, "twice": 2, "often": 9, "most": 40} {
		e.Add(measurePlaces, months, windows.NewSub(string(place)), at, n)
	}
	bound(e, months, windows.NewSub("now"), 7, nil) // four places, Others and two tallies
	for place, want := range map[Place]int64{"now": 1, "1": 0, "2": 0, "3": 0, "4": 0, "5": 0, "6": 0, "twice": 2, "often": 9, "most": 40} {
		pane := months.Pane(at)
		if got := e.Sum(measurePlaces, months, windows.NewSub(string(place)), pane, pane); got != want {
			t.Errorf("%s has %d parcels, want %d", place, got, want)
		}
	}
}

// A place that was folded away counts as an average one of the folded.
func TestFoldedPlaces(t *testing.T) {
	e := windows.NewEntity(windows.NewKey(KindSender, "A"))
	set := newTestSet(t, only(ruleRoute))
	d := set.detectors[0].(*route)
	at := time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)
	for place, n := range map[Place]int64{"once": 1, "twice": 2, "often": 9, "kept": 40} {
		e.Add(measurePlaces, d.resolution, windows.NewSub(string(place)), at, n)
		e.Add(measurePlaces, d.all, windows.NewSub(string(place)), at, n)
	}
	now := at.AddDate(0, 0, 3)
	e.Add(measurePlaces, d.resolution, windows.NewSub("often"), now, 3)
	e.Add(measurePlaces, d.all, windows.NewSub("often"), now, 3)
	bound(e, d.all, windows.NewSub("kept"), 4, nil) // leaves one place, Others in both resolutions and the tallies
	to := d.resolution.Pane(now)
	for place, want := range map[Place]routes{
		"kept": {parcels: 52, places: 4, once: 1, twice: 1, here: 40, now: 3, rarer: 1, rarerParcels: 40},
		"new":  {parcels: 52, places: 4, once: 1, twice: 1, here: 4, now: 3}, // (1+2+9)/3
	} {
		if got := d.past(&View{Entity: e}, windows.NewSub(string(place)), to-23, to); got != want {
			t.Errorf("%s: %+v, want %+v", place, got, want)
		}
	}
}
