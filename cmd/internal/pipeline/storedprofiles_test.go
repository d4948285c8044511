package pipeline

import (
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/memstore"
)

// TestStoredProfilesAreShared: all who ask for a day get one profile, days that have the same one as well, and another one when
// there is another.
func TestStoredProfilesAreShared(t *testing.T) {
	set := smallSet(func(s *detector.Settings) { s.Burst = &detector.CountSettings{Window: 6 * time.Hour, Threshold: 3} })
	today := detector.Day(simEpoch)
	profiles := NewStoredProfiles(set, memstore.NewProfiles())
	ask := func(day int64) *detector.Profile {
		t.Helper()
		p, err := profiles.For(t.Context(), day)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	first := ask(today)
	subject, err := detector.NewSubject(windows.NewEntity(senderKey("A")))
	if err != nil {
		t.Fatal(err)
	}
	sums := detector.NewSums()
	set.Observe(&detector.Event{ID: "e", Sender: "A", Destination: "Hanoi", Time: simEpoch}, detector.Subjects{Sender: subject}, first, sums)
	if err := profiles.Teach(t.Context(), sums); err != nil {
		t.Fatal(err)
	}
	next := ask(today + 2)
	if next == first || next.ID() == first.ID() {
		t.Errorf("the profile of the day after the next is that of today, %s", next.ID())
	}
	if between := ask(today + 1); between != first {
		t.Errorf("a day that was left out has another profile than the day before, %s and not %s", between.ID(), first.ID())
	}
	if again := ask(today + 2); again != next {
		t.Error("a day has two profiles")
	}
	if want := detector.ArtefactID(next.Encode()); next.ID() != want {
		t.Errorf("the profile is called %s, want %s", next.ID(), want)
	}
}
