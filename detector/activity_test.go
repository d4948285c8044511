package detector

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// TestActivity: ten parcels a day for two weeks, twenty on the last of them, nothing on two.
func TestActivity(t *testing.T) {
	parcels := map[int64]float64{}
	for d := int64(100); d < 114; d++ {
		parcels[d] = 10
	}
	parcels[105], parcels[106] = 0, 0
	parcels[113] = 20
	a := newActivity(114, parcels)
	mean := 130.0 / 12 // of the days that have any
	for day, want := range map[int64]float64{99: 1, 100: 10 / mean, 105: 0, 106: 0, 107: 10 / mean, 113: 20 / mean} {
		near(t, fmt.Sprintf("level of day %d", day), a.level(day), want)
	}
	// Day 114 is of the weekday of 100 and 107, a week later.
	near(t, "level to come", a.level(114), (2*10/mean+2)/4)
	if got := (*activity)(nil).level(3); got != 1 {
		t.Errorf("of nothing: %v", got)
	}
}

// TestActivitySpan against a plain sum, over known days, days before and days to come.
func TestActivitySpan(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		parcels := map[int64]float64{}
		for d := int64(50); d < 80; d++ {
			parcels[d] = float64(r.IntN(20))
		}
		a := newActivity(80, parcels)
		if r.IntN(10) == 0 {
			a = nil
		}
		from := 30 + r.Int64N(70)
		to := from + r.Int64N(40)
		want := 0.0
		for d := from; d < to; d++ {
			want += a.level(d) * math.Exp2(-float64(to-1-d)/halfLife)
		}
		near(t, fmt.Sprintf("span of [%d, %d)", from, to), a.span(from, to), want)
	}
}

// TestSilence: what was not watched is no silence, a single early parcel begins nothing, and twenty days are the most.
func TestSilence(t *testing.T) {
	parcels := map[int64]float64{10: 1}
	for d := int64(100); d < 140; d++ {
		parcels[d] = 20
	}
	a := newActivity(140, parcels)
	for first, want := range map[int64]int64{100: 0, 99: 0, 107: 7, 139: mostSilence} {
		if got := a.silence(first); got != want {
			t.Errorf("before day %d: %d, want %d", first, got, want)
		}
	}
	if got := newActivity(5, nil).silence(3); got != 0 {
		t.Errorf("where nobody was seen: %d", got)
	}
}

// TestActivityIgnoresFloods: a sender with a thousand parcels in a day makes it no busier than one with three.
func TestActivityIgnoresFloods(t *testing.T) {
	w := newWorld(newTestSet(t, nil))
	for i := range 1000 {
		w.observe(testEvent(i, time.Duration(i)*time.Second))
	}
	var parcels float64
	for _, n := range w.sums.ByDay {
		parcels += n
	}
	if parcels != mostOfSender {
		t.Errorf("%v parcels, want %d", parcels, mostOfSender)
	}
}
