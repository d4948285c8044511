package detector

import (
	"fmt"
	"math"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/parcelsentry/parcelsentry/windows"
)

func someHistogram(t *rapid.T, name string) Histogram {
	h := Histogram{}
	for range rapid.IntRange(0, 40).Draw(t, name+" bins") {
		h[rapid.IntRange(1, bins-1).Draw(t, name+" bin")] += float64(rapid.IntRange(1, 200).Draw(t, name+" n"))
	}
	return h
}

// someSums draws what a population may have taught.
func someSums(t *rapid.T) *Sums {
	s := NewSums()
	number := rapid.Float64Range(0, 1e5)
	for f := range s.Families {
		s.Families[f] = FamilySums{
			Events: number.Draw(t, "events"), Entities: number.Draw(t, "entities"), Days: number.Draw(t, "days"),
			Expected: number.Draw(t, "expected"), Squares: number.Draw(t, "squares"),
		}
	}
	for h := range s.Hours {
		s.Hours[h] = number.Draw(t, "hour")
	}
	for range rapid.IntRange(0, 20).Draw(t, "parcels") {
		from := windows.NewSub(rapid.SampledFrom([]string{"P", "Q"}).Draw(t, "from"))
		to := windows.NewSub(rapid.SampledFrom([]string{"X", "Y", "Z"}).Draw(t, "to"))
		s.Parcels++
		s.Origins[from]++
		s.Destinations[to]++
		s.Lanes[laneSub(from, to)]++
	}
	s.NewPlaces = someHistogram(t, "new places")
	for _, rule := range []string{ruleBurst, ruleRoute, ruleFanin, ruleLaneBurst, string(KindSender), string(KindRecipient)} {
		h := someHistogram(t, rule)
		s.Highest[rule] = h
		sum := 0.0
		for _, n := range h {
			sum += n
		}
		s.Entries[kindOf(rule)] = max(s.Entries[kindOf(rule)], sum+float64(rapid.IntRange(0, 5000).Draw(t, "entries")))
	}
	for range rapid.IntRange(0, 60).Draw(t, "amounts") {
		x := rapid.Float64Range(-3, 12).Draw(t, "ln amount")
		s.amount(ruleWeight, x, float64(rapid.IntRange(0, 3).Draw(t, "earlier")), x+rapid.Float64Range(-1, 1).Draw(t, "off"), rapid.Bool().Draw(t, "odd"))
	}
	return s
}

func someProfile(t *rapid.T, set *Set) *Profile { return set.profile(20_000, someSums(t)) }

// What the population shows makes a score less extreme, never more, and turns no order around.
func TestCalibrationOnlyLowersAndKeepsOrder(t *testing.T) {
	set := newTestSet(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		p := someProfile(t, set)
		x := rapid.Float64Range(0, 40).Draw(t, "x")
		y := x + rapid.Float64Range(0, 5).Draw(t, "step")
		for _, rule := range []string{ruleBurst, ruleRoute, ruleFanin, ruleLaneBurst, ruleLimit} {
			a, b := p.calibrate(rule, x), p.calibrate(rule, y)
			if a < 0 || a > x || math.IsNaN(a) {
				t.Fatalf("%s: %v becomes %v", rule, x, a)
			}
			if b < a-1e-12 {
				t.Fatalf("%s: %v becomes %v, and %v %v", rule, x, a, y, b)
			}
		}
	})
}

func TestCalibrationByHand(t *testing.T) {
	// Of 1,000 entity-days 300 reach 1, evenly up to 4. The tail are the highest 50, from 3.5 on: 0.25 above it on average.
	h := Histogram{}
	for bin := 10; bin < 40; bin++ {
		h[bin] = 10
	}
	c := newCalibration(h, 1000)
	// The nominal tail, as of 200 entries, is mixed in.
	near(t, "at 0", c.chance(0), (300+200)/1200.)
	near(t, "at 1", c.chance(1), (300+200*.1)/1200)
	near(t, "in the middle of a bin", c.chance(2.05), (195+200*math.Pow(10, -2.05))/1200)
	near(t, "in the tail", c.chance(5), (50*math.Exp(-1.5/.25)+200*1e-5)/1200)
	near(t, "calibrated", c.calibrate(5), -math.Log10(c.chance(5)))
	if got := newCalibration(Histogram{10: 50}, 1000).calibrate(5); got != 5 {
		t.Errorf("5 becomes %v where nobody comes near it", got)
	}
	if c := newCalibration(Histogram{10: 4}, 1000); c != nil {
		t.Errorf("four entries are enough for %+v", c)
	}
	if got := (*calibration)(nil).calibrate(7.5); got != 7.5 {
		t.Errorf("a profile that knows nothing makes %v of 7.5", got)
	}
}

// roughly compares sums as far as floating point lets their order matter.
func roughly(t *rapid.T, what string, a, b *Sums) {
	var walk func(path string, a, b reflect.Value)
	walk = func(path string, a, b reflect.Value) {
		switch a.Kind() {
		case reflect.Float64:
			x, y := a.Float(), b.Float()
			if math.Abs(x-y) > 1e-9*max(1, math.Abs(x)) {
				t.Fatalf("%s: %s is %v and %v", what, path, x, y)
			}
		case reflect.Struct:
			for i := range a.NumField() {
				walk(path+"."+a.Type().Field(i).Name, a.Field(i), b.Field(i))
			}
		case reflect.Array:
			for i := range a.Len() {
				walk(fmt.Sprintf("%s[%d]", path, i), a.Index(i), b.Index(i))
			}
		case reflect.Map:
			if a.Len() != b.Len() {
				t.Fatalf("%s: %s has %d and %d", what, path, a.Len(), b.Len())
			}
			for _, k := range a.MapKeys() {
				if !b.MapIndex(k).IsValid() {
					t.Fatalf("%s: %s has no %v", what, path, k)
				}
				walk(fmt.Sprintf("%s[%v]", path, k), a.MapIndex(k), b.MapIndex(k))
			}
		default:
			t.Fatalf("%s is a %s", path, a.Kind())
		}
	}
	walk("sums", reflect.ValueOf(*a), reflect.ValueOf(*b))
}

// total adds sums up from nothing.
func total(all ...*Sums) *Sums {
	s := NewSums()
	for _, one := range all {
		s.Add(one, 1)
	}
	return s
}

// Workers add up theirs in any order, in any grouping.
func TestSumsAreAdditive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := someSums(t), someSums(t), someSums(t)
		bytes := string(b.Encode())
		roughly(t, "the order", total(a, b, c), total(c, b, a))
		roughly(t, "the grouping", total(total(a, b), c), total(a, total(b, c)))
		twice := total(a)
		twice.Add(b, 2)
		roughly(t, "the weight", twice, total(a, b, b))
		if string(b.Encode()) != bytes {
			t.Fatal("adding changed what was added")
		}
	})
}

// What the workers gathered apart is what one would have gathered: as long as no entity is shared.
func TestSumsOfTwoWorkersAddUp(t *testing.T) {
	set := newTestSet(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		profile := set.NewProfile(0)
		one, two, both := NewSums(), NewSums(), NewSums()
		apart, together := newWorld(set), newWorld(set)
		for n, e := range someEvents(t, []Sender{"A", "B"}) {
			e.Recipient, e.Origin = "", "" // no shared entities
			sums := one
			if e.Sender == "B" {
				sums = two
			}
			a := set.Observe(e, apart.subjectsOf(e), profile, sums)
			b := set.Observe(e, together.subjectsOf(e), profile, both)
			if !same(a, b) {
				t.Fatalf("event %d", n)
			}
		}
		roughly(t, "two workers", total(one, two), total(both))
	})
}

func TestSumsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := someSums(t)
		again, err := ReadSums(s.Encode())
		if err != nil || !reflect.DeepEqual(s, again) {
			t.Fatalf("%+v (%v), want %+v", again, err, s)
		}
	})
	if _, err := ReadSums([]byte("{")); err == nil {
		t.Error("half an object is read")
	}
	if !NewSums().IsEmpty() {
		t.Error("new sums are not empty")
	}
}

// A profile that was stored and read is the same: its name, and what it makes of every event.
func TestProfileRoundTrip(t *testing.T) {
	set := newTestSet(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		p := someProfile(t, set)
		again, err := set.ReadProfile(p.Encode())
		if err != nil {
			t.Fatal(err)
		}
		if again.ID() != p.ID() || again.Day != p.Day || string(again.Encode()) != string(p.Encode()) {
			t.Fatalf("%s of day %d, want %s of %d", again.Encode(), again.Day, p.Encode(), p.Day)
		}
		a, b := newWorld(set), newWorld(set)
		for n, e := range someEvents(t, []Sender{"A", "B"}) {
			sa, sb := NewSums(), NewSums()
			ca, cb := set.Observe(e, a.subjectsOf(e), p, sa), set.Observe(e, b.subjectsOf(e), again, sb)
			if !same(ca, cb) || !reflect.DeepEqual(sa, sb) {
				t.Fatalf("event %d: %+v, want %+v", n, cb, ca)
			}
		}
	})
	for text, want := range map[string]string{"{": "read a profile", `{"day":"yesterday"}`: "is no date"} {
		if _, err := set.ReadProfile([]byte(text)); err == nil {
			t.Errorf("%s is read, want an error with %q", text, want)
		}
	}
}

// A population of which nothing more was seen is forgotten by half in a half-life; only days known go on.
func TestNextProfileWithNothingGatheredDecays(t *testing.T) {
	set := newTestSet(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		p := someProfile(t, set)
		days := rapid.Int64Range(0, 400).Draw(t, "days")
		next := set.NextProfile(p, p.Day+days, NewSums())
		want := NewSums()
		want.Add(p.sums, math.Exp2(-float64(days)/halfLife))
		for f := range want.Families {
			want.Families[f].Days += knownShare * want.Families[f].Entities * float64(days)
		}
		roughly(t, "decayed", next.sums, want)
		if next.Day != p.Day+days {
			t.Fatalf("day %d", next.Day)
		}
		if days == 0 && next.ID() != p.ID() {
			t.Fatal("no time passed, and the profile is another")
		}
	})
	nothing := set.NewProfile(100)
	if next := set.NextProfile(nothing, 300, NewSums()); next.priors != nothing.priors || next.hours != nothing.hours {
		t.Errorf("out of nothing came %+v", next)
	}
}

// However many lanes come between two profiles, those that are used stay known, and memory is bounded.
func TestGatheredPlacesAreBounded(t *testing.T) {
	const limit = 10
	gathered := map[windows.Sub]float64{}
	often := windows.NewSub("often")
	for n := range 1000 {
		gathered[windows.NewSub(fmt.Sprint(n))]++
		gathered[often]++
		before := len(gathered)
		if thin(gathered, limit); before <= 4*limit && len(gathered) != before {
			t.Fatalf("%d of %d are left, and there was room", len(gathered), before)
		}
		if len(gathered) > 4*limit || gathered[often] != float64(n+1) {
			t.Fatalf("%d places, the one of all parcels has %v of %d", len(gathered), gathered[often], n+1)
		}
	}
}
