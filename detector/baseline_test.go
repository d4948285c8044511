package detector

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parcelsentry/parcelsentry/windows"
)

// naiveRate is learnRate day by day, with every sum made anew from all days before.
func naiveRate(counts []int64, p Prior) rate {
	weight := func(day, now int) float64 { return math.Exp2(-float64(now-1-day) / halfLife) }
	learned := make([]float64, 0, len(counts))
	sums := func(now int) (sum, squares, days float64) {
		for d := range now {
			w := weight(d, now)
			sum += w * learned[d]
			squares += w * learned[d] * learned[d]
			days += w
		}
		return sum, squares, days
	}
	for now, n := range counts {
		sum, _, days := sums(now)
		mean := (priorShape + sum) / (priorShape/p.Rate + days)
		most := mean + capSigmas*math.Sqrt(mean*p.Dispersion+mean*mean/(priorShape+sum)) + 1
		learned = append(learned, math.Min(float64(n), most))
	}
	sum, squares, days := sums(len(counts))
	own := 1.0
	if sum > 0 {
		mean := sum / days
		own = math.Max(1, (squares/days-mean*mean)/mean)
	}
	return rate{
		shape: priorShape + sum, mean: (priorShape + sum) / (priorShape/p.Rate + days),
		dispersion: (priorDays*p.Dispersion + days*own) / (priorDays + days), days: days,
	}
}

func TestLearnRateAgainstADailyLoop(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Prior{
			Rate:       rapid.Float64Range(0.01, 20).Draw(t, "rate"),
			Dispersion: rapid.Float64Range(1, 10).Draw(t, "dispersion"),
		}
		count := rapid.OneOf(rapid.Just[int64](0), rapid.Int64Range(0, 5), rapid.Int64Range(0, 1000))
		days := rapid.IntRange(0, 130).Draw(t, "days")
		counts := rapid.SliceOfN(count, days, days).Draw(t, "counts")
		const first = 20_000
		// Panes outside of [first, end) must not count.
		panes := []windows.PaneCount{{Pane: first - 3, N: 99}}
		for i, n := range counts {
			if n > 0 || i%7 == 0 { // a pane that came to 0 may still stand there
				panes = append(panes, windows.PaneCount{Pane: first + int64(i), N: n})
			}
		}
		end := first + int64(len(counts))
		panes = append(panes, windows.PaneCount{Pane: end, N: 99}, windows.PaneCount{Pane: end + 1, N: 99})

		got, want := learnRate(panes, first, end, p, nil), naiveRate(counts, p)
		for what, pair := range map[string][2]float64{
			"shape": {got.shape, want.shape}, "mean": {got.mean, want.mean},
			"dispersion": {got.dispersion, want.dispersion}, "days": {got.days, want.days},
		} {
			if math.Abs(pair[0]-pair[1]) > 1e-9*math.Max(1, math.Abs(pair[1])) {
				t.Fatalf("%s = %v, day by day %v", what, pair[0], pair[1])
			}
		}
	})
}

func TestLearnRateOfNothing(t *testing.T) {
	p := Prior{Rate: 0.25, Dispersion: 2}
	for _, end := range []int64{100, 99} { // no closed day yet, and a window that starts before the first event
		if got, want := learnRate(nil, 100, end, p, nil), (rate{shape: priorShape, mean: 0.25, dispersion: 2}); got != want {
			t.Errorf("end %d: %+v, want %+v", end, got, want)
		}
	}
}

// A sender of old is known by the days that are kept: 119 closed ones beside the newest.
func TestBurstLearnsFromTheDaysKept(t *testing.T) {
	set, subject := newTestSet(t, nil), newTestSubject(t, "A")
	var last *Finding
	for n := range 150 {
		c := observe(set, testEvent(n, time.Duration(n)*24*time.Hour+12*time.Hour), subject)
		last = finding(t, &c, ruleBurst)
	}
	want := 0.0
	for d := range 119 {
		want += math.Exp2(-float64(d) / halfLife)
	}
	if math.Abs(last.Baseline.Days-want) > 1e-9 || last.Baseline.Source != Own {
		t.Errorf("%v days of %s, want %v", last.Baseline.Days, last.Baseline.Source, want)
	}
}

// An incident teaches at most three deviations and one: here 2 a day, learned for long, and a day of a thousand.
func TestABurstIsHardlyLearned(t *testing.T) {
	p := Prior{Rate: 0.25, Dispersion: 2}
	var panes []windows.PaneCount
	for d := range int64(100) {
		panes = append(panes, windows.PaneCount{Pane: d, N: 2})
	}
	before := learnRate(panes, 0, 100, p, nil)
	after := learnRate(append(panes, windows.PaneCount{Pane: 100, N: 1000}), 0, 101, p, nil)
	if after.mean > 1.1*before.mean {
		t.Errorf("the mean rose from %.3f to %.3f", before.mean, after.mean)
	}
}

func TestDrift(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		window time.Duration
		want   float64
	}{
		{time.Hour, 0.1},
		{2 * day, 0.1},
		{time.Duration(math.Sqrt(2*14) * float64(day)), math.Sqrt(0.1)}, // halfway in logarithms
		{14 * day, 1},
		{60 * day, 1},
	} {
		if got := drift(c.window); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("drift(%v) = %v, want %v", c.window, got, c.want)
		}
	}
}

func TestShare(t *testing.T) {
	at := func(d, h, m int) time.Time { return time.Date(2026, 3, d, h, m, 0, 0, time.UTC) }
	set := newTestSet(t, nil)
	flat := set.NewProfile(0)
	office := &Profile{}
	for h := 8; h < 18; h++ {
		office.hours[h] = .1
	}
	for _, c := range []struct {
		what     string
		profile  *Profile
		from, to time.Time
		want     float64
	}{
		{"flat, a quarter", flat, at(2, 0, 0), at(2, 6, 0), 0.25},
		{"flat, a week", flat, at(2, 0, 0), at(9, 0, 0), 7},
		{"half of the office hours", office, at(2, 13, 0), at(2, 19, 0), 0.5},
		{"half an hour of them", office, at(2, 8, 30), at(2, 9, 0), 0.05},
		{"pieces of hours", office, at(2, 7, 45), at(2, 9, 15), 0.125},
		{"over midnight into the morning", office, at(2, 22, 0), at(3, 9, 0), 0.1},
		{"a whole day", office, at(2, 5, 0), at(3, 5, 0), 1},
		{"two days", office, at(2, 5, 0), at(4, 5, 0), 2},
		{"the night is worth a twentieth of its length", office, at(2, 20, 0), at(3, 2, 0), 0.05 * 0.25},
	} {
		if got := c.profile.share(Span{c.from, c.to}); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
}

func TestSurprise(t *testing.T) {
	// Without drift and over-dispersion of its own, shape 1/(1/r + v): with r = 10 and v = 0.1 that is 5.
	r := rate{shape: 10, mean: 4, dispersion: 1}
	want := (sumTailNB(1, 1, 5) - sumTailNB(7, 1, 5)) / math.Ln10
	near(t, "surprise(7)", r.surprise(7, 1, 6*time.Hour), want)
	// Over-dispersion 3 at one expected adds 2 to the variance.
	r.dispersion = 3
	want = (sumTailNB(1, 1, 1/2.2) - sumTailNB(7, 1, 1/2.2)) / math.Ln10
	near(t, "surprise(7), dispersed", r.surprise(7, 1, 6*time.Hour), want)
	// Over two weeks rates drift by their own size: 1/(1/10 + 1).
	r.dispersion = 1
	want = (sumTailNB(1, 1, 1/1.1) - sumTailNB(7, 1, 1/1.1)) / math.Ln10
	near(t, "surprise(7) in two weeks", r.surprise(7, 1, 14*24*time.Hour), want)
	if got := r.surprise(1, 1e-9, time.Hour); got != 0 {
		t.Errorf("the first parcel costs %v", got)
	}
}

// More parcels never surprise less, so the last silent count is one number.
func TestSurpriseRisesWithTheCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rate{
			shape:      rapid.Float64Range(2, 500).Draw(t, "shape"),
			dispersion: rapid.Float64Range(1, 30).Draw(t, "dispersion"),
		}
		expected := math.Exp(rapid.Float64Range(-8, 6).Draw(t, "ln expected"))
		window := rapid.SampledFrom([]time.Duration{6 * time.Hour, 14 * 24 * time.Hour}).Draw(t, "window")
		n := rapid.Int64Range(0, 5000).Draw(t, "n")
		a, b := r.surprise(n, expected, window), r.surprise(n+1, expected, window)
		if a < 0 || b < a-1e-9 || math.IsInf(b, 0) || math.IsNaN(b) {
			t.Fatalf("surprise(%d) = %v, surprise(%d) = %v", n, a, n+1, b)
		}
	})
}

// The alert says how many parcels would have stayed silent: as many are, and one more fires.
func TestCounterfactualIsTheLastSilentCount(t *testing.T) {
	set := newTestSet(t, only(ruleBurst))
	rapid.Check(t, func(t *rapid.T) {
		subject := &Subject{Entity: windows.NewEntity(windows.NewKey(KindSender, "A"))}
		profile := set.NewProfile(0)
		if rapid.Bool().Draw(t, "calibrated") {
			profile = someProfile(t, set)
		}
		judge := func(n int, after time.Duration) *Finding {
			c := set.Observe(testEvent(n, after), Subjects{Sender: subject}, profile, NewSums())
			c.silent[0].settle(&c.Findings[0])
			return &c.Findings[0]
		}
		days := rapid.IntRange(0, 30).Draw(t, "days")
		for n := range days {
			judge(n, time.Duration(n)*24*time.Hour)
		}
		silent := 0.0
		for n := range 80 {
			f := judge(days+n, time.Duration(days)*24*time.Hour+time.Hour)
			if !f.Over() {
				silent = f.Observed
				continue
			}
			if f.Counterfactual != silent {
				t.Fatalf("%v would have stayed silent, and %v did", f.Counterfactual, silent)
			}
		}
	})
}
