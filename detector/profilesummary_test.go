package detector

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parcelsentry/parcelsentry/windows"
)

// TestSummarise is a population of 1,000 sender-days, 300 of them with bursts from 1 up to 4, evenly.
func TestSummarise(t *testing.T) {
	set := newTestSet(t, nil)
	sums := NewSums()
	sums.Hours[9], sums.Parcels = 60, 50
	sums.Destinations[windows.NewSub("X")], sums.Lanes[windows.NewSub("P X")] = 50, 30
	sums.Families[senderParcels] = FamilySums{Events: 480, Entities: 100, Days: 420}
	sums.Entries[KindSender] = 1000
	sums.Highest[ruleBurst] = Histogram{}
	for bin := 10; bin < 40; bin++ {
		sums.Highest[ruleBurst][bin] = 10
	}
	p := set.profile(20_514, sums)
	s := set.Summarise(p)
	if s.ID != p.ID() || s.Day != time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC) {
		t.Errorf("%s of %v", s.ID, s.Day)
	}
	if s.Parcels != 60 || s.Destinations != 1 || s.Origins != 0 || s.Lanes != 1 || s.Hours[9] != 70/300. {
		t.Errorf("%+v", s)
	}
	// 480 parcels and a prior of 20 in 420 days and the 80 that the prior takes for them.
	want := Usual{Kind: KindSender, What: "parcels", Prior: Prior{Rate: 1, Dispersion: 1.5}, Entities: 100}
	if len(s.Usual) != int(families) || s.Usual[0] != want {
		t.Errorf("usual %+v, want %+v", s.Usual, want)
	}
	rules := map[string]RuleSummary{}
	for _, r := range s.Rules {
		rules[r.Rule] = r
	}
	if len(rules) != len(set.Rules())-1+3 { // all but limit, and each kind's highest
		t.Errorf("rules %+v", s.Rules)
	}
	burst := rules[ruleBurst]
	if burst.Learning || burst.Entries != 1000 || burst.Kind != KindSender {
		t.Errorf("%+v", burst)
	}
	for i, n := range OneIn() {
		near(t, "chance", p.calibrations[ruleBurst].chance(burst.Scores[i]), 1/n)
	}
	if r := rules[ruleRoute]; !r.Learning || r.Scores != [4]float64{} {
		t.Errorf("%+v", r)
	}
}

// TestSummariseRare: where only one entity-day in fifty has a score at all, none occurs once in ten.
func TestSummariseRare(t *testing.T) {
	set := newTestSet(t, nil)
	sums := NewSums()
	sums.Entries[KindRecipient] = 10_000
	sums.Highest[ruleFanin] = Histogram{20: 200}
	p := set.profile(0, sums)
	r := p.summarise(ruleFanin)
	if r.Scores[0] != 0 || r.Scores[1] <= 0 || r.Scores[2] <= r.Scores[1] || r.Scores[3] <= r.Scores[2] {
		t.Errorf("%+v", r)
	}
}

// TestSummaryOfAnyProfile: rarer scores are higher, and every number can be shown.
func TestSummaryOfAnyProfile(t *testing.T) {
	set := newTestSet(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		for _, r := range set.Summarise(someProfile(t, set)).Rules {
			last := 0.0
			for _, x := range r.Scores {
				if x < last || math.IsNaN(x) || math.IsInf(x, 0) {
					t.Fatalf("%+v", r)
				}
				last = x
			}
		}
	})
}

// TestArtefactID: whoever holds only the bytes can tell whose they are.
func TestArtefactID(t *testing.T) {
	p := newTestSet(t, nil).NewProfile(20_514)
	if id := ArtefactID(p.Encode()); id != p.ID() {
		t.Errorf("%s, want %s", id, p.ID())
	}
}
