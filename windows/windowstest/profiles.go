package windowstest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/parcelsentry/parcelsentry/windows"
)

// RunProfiles is the contract of windows.Profiles. open gives a store in which nothing is decided and cleans up after
// the test; it is called for every part of the suite.
func RunProfiles(t *testing.T, open func(t *testing.T) windows.Profiles) {
	t.Helper()
	for _, part := range []struct {
		name string
		run  func(*testing.T, *profiles)
	}{
		{"no profile at first", noProfile},
		{"a day is decided once", decidedOnce},
		{"a late day gets an earlier artefact", lateDay},
		{"contributions are used once, in order", usedOnce},
		{"contributions that come during a build stay", duringBuild},
		{"a day may have no artefact", nilArtefact},
		{"all bytes are kept", allBytes},
		{"a build that fails decides nothing", buildFails},
		{"the same day is decided during a build", sameDayMeanwhile},
		{"an earlier day is decided during a build", earlierDayMeanwhile},
		{"a later day is decided during a build", laterDayMeanwhile},
		{"a day is recorded during a build", recordedMeanwhile},
		{"what goes in and out is a copy", profileCopies},
		{"the oldest days are dropped", oldestDays},
		{"record what was recorded", roundTrip},
		{"record other bytes", recordOther},
		{"record more days than are kept", recordMany},
		{"all agree", allAgree},
		{"each contribution is used once by many", usedOnceByMany},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, &profiles{open(t)}) })
	}
}

// profiles is a store with what most parts of the contract need.
type profiles struct{ store windows.Profiles }

func (p *profiles) contribute(t *testing.T, contributions ...string) {
	t.Helper()
	for _, c := range contributions {
		if err := p.store.Contribute(t.Context(), []byte(c)); err != nil {
			t.Fatal(err)
		}
	}
}

// decide decides a day with an artefact that names all that it was made of, as in "previous+one+two".
func (p *profiles) decide(t *testing.T, day int64, want string) {
	t.Helper()
	p.want(t, day, join, want)
}

func join(previous []byte, contributions [][]byte) ([]byte, error) {
	parts := []string{string(previous)}
	for _, c := range contributions {
		parts = append(parts, string(c))
	}
	return []byte(strings.Join(parts, "+")), nil
}

// find wants what a day has, without a build.
func (p *profiles) find(t *testing.T, day int64, want string) {
	t.Helper()
	p.want(t, day, func([]byte, [][]byte) ([]byte, error) {
		t.Errorf("day %d is built", day)
		return []byte("built"), nil
	}, want)
}

// want compares a day's artefact with a text, "nil" for none.
func (p *profiles) want(t *testing.T, day int64, build func([]byte, [][]byte) ([]byte, error), want string) {
	t.Helper()
	got, err := p.store.Decide(t.Context(), day, build)
	if err != nil {
		t.Fatal(err)
	}
	if text(got) != want {
		t.Errorf("day %d has %q, want %q", day, text(got), want)
	}
}

func text(artefact []byte) string {
	if artefact == nil {
		return "nil"
	}
	return string(artefact)
}

// recorded compares all days with texts such as "-1:artefact".
func (p *profiles) recorded(t *testing.T, want ...string) {
	t.Helper()
	all, err := p.store.Recorded(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range all {
		got = append(got, fmt.Sprintf("%d:%s", d.Day, text(d.Artefact)))
	}
	if !slices.Equal(got, want) {
		t.Errorf("recorded %q, want %q", got, want)
	}
}

func (p *profiles) record(t *testing.T, all ...windows.DayProfile) {
	t.Helper()
	if err := p.store.Record(t.Context(), all); err != nil {
		t.Fatal(err)
	}
}

func gives(artefact []byte) func([]byte, [][]byte) ([]byte, error) {
	return func([]byte, [][]byte) ([]byte, error) { return artefact, nil }
}

func noProfile(t *testing.T, p *profiles) {
	p.recorded(t)
	p.record(t)
	p.want(t, 0, func(previous []byte, contributions [][]byte) ([]byte, error) {
		if previous != nil || len(contributions) != 0 {
			t.Errorf("built from %q and %q, want nothing", text(previous), contributions)
		}
		return []byte("first"), nil
	}, "first")
}

func decidedOnce(t *testing.T, p *profiles) {
	for _, day := range []int64{-9_000_000_000_000_000_001, -9_000_000_000_000_000_000, -1, 0, 20_000, 1<<63 - 1} {
		mine := fmt.Sprint("of ", day)
		p.want(t, day, gives([]byte(mine)), mine)
		p.want(t, day, gives([]byte("of another")), mine)
		p.find(t, day, mine)
	}
	p.find(t, -1, "of -1")
}

func lateDay(t *testing.T, p *profiles) {
	p.contribute(t, "a")
	p.decide(t, 10, "+a")
	p.decide(t, 20, "+a")
	p.contribute(t, "b")
	p.decide(t, 30, "+a+b")
	p.contribute(t, "c")
	for range 2 {
		p.find(t, 9, "nil")
		p.find(t, 25, "+a")
		p.find(t, 15, "+a")
		p.find(t, 29, "+a")
	}
	p.decide(t, 31, "+a+b+c")
	p.recorded(t, "9:nil", "10:+a", "15:+a", "20:+a", "25:+a", "29:+a", "30:+a+b", "31:+a+b+c")
}

func usedOnce(t *testing.T, p *profiles) {
	p.contribute(t, "b", "a", "", "b")
	p.decide(t, 1, "+b+a++b")
	p.decide(t, 2, "+b+a++b")
	p.contribute(t, "c")
	p.decide(t, 1, "+b+a++b")
	p.decide(t, 3, "+b+a++b+c")
}

func duringBuild(t *testing.T, p *profiles) {
	p.contribute(t, "a", "b")
	p.want(t, 1, func(previous []byte, contributions [][]byte) ([]byte, error) {
		p.contribute(t, "c", "d")
		return join(previous, contributions)
	}, "+a+b")
	p.decide(t, 2, "+a+b+c+d")
	p.decide(t, 3, "+a+b+c+d")
}

func nilArtefact(t *testing.T, p *profiles) {
	p.contribute(t, "a")
	p.want(t, 1, gives(nil), "nil")
	p.find(t, 1, "nil")
	p.want(t, 2, func(previous []byte, contributions [][]byte) ([]byte, error) {
		if previous != nil || len(contributions) != 0 {
			t.Errorf("built from %q and %q, want nothing", text(previous), contributions)
		}
		return []byte{}, nil
	}, "")
	p.find(t, 2, "")
	p.want(t, 4, gives(nil), "nil")
	p.find(t, 0, "nil")
	p.find(t, 3, "")
	p.want(t, 5, func(previous []byte, _ [][]byte) ([]byte, error) {
		if previous == nil || len(previous) != 0 {
			t.Errorf("built from %q, want the empty artefact of day 2", text(previous))
		}
		return nil, nil
	}, "nil")
	p.recorded(t, "0:nil", "1:nil", "2:", "3:", "4:nil", "5:nil")
}

func allBytes(t *testing.T, p *profiles) {
	var every []byte
	for b := range 256 {
		every = append(every, byte(b))
	}
	p.contribute(t, string(every), "none")
	p.decide(t, 1, "+"+string(every)+"+none")
	p.find(t, 1, "+"+string(every)+"+none")
	p.want(t, 2, gives([]byte("none")), "none")
	p.find(t, 2, "none")
}

func buildFails(t *testing.T, p *profiles) {
	p.contribute(t, "a")
	broken := errors.New("broken")
	got, err := p.store.Decide(t.Context(), 7, func([]byte, [][]byte) ([]byte, error) { return []byte("x"), broken })
	if got != nil || !errors.Is(err, broken) || !strings.Contains(err.Error(), "day 7") {
		t.Errorf("%q, %v; want the error of build, and the day", got, err)
	}
	p.recorded(t)
	p.decide(t, 7, "+a")
}

func sameDayMeanwhile(t *testing.T, p *profiles) {
	p.contribute(t, "a")
	p.want(t, 1, func([]byte, [][]byte) ([]byte, error) {
		p.contribute(t, "b")
		p.decide(t, 1, "+a+b")
		p.contribute(t, "c")
		return []byte("too late"), nil
	}, "+a+b")
	p.find(t, 1, "+a+b")
	p.decide(t, 2, "+a+b+c")
}

func earlierDayMeanwhile(t *testing.T, p *profiles) {
	p.contribute(t, "a")
	builds := 0
	p.want(t, 5, func(previous []byte, contributions [][]byte) ([]byte, error) {
		if builds++; builds == 1 {
			p.decide(t, 4, "+a")
			p.contribute(t, "b")
		}
		return join(previous, contributions)
	}, "+a+b")
	if builds != 2 {
		t.Errorf("%d builds, want a second one from what day 4 left", builds)
	}
	p.recorded(t, "4:+a", "5:+a+b")
}

func laterDayMeanwhile(t *testing.T, p *profiles) {
	p.contribute(t, "a")
	p.decide(t, 1, "+a")
	p.contribute(t, "b")
	p.want(t, 5, func([]byte, [][]byte) ([]byte, error) {
		p.decide(t, 6, "+a+b")
		return []byte("too late"), nil
	}, "+a")
	p.recorded(t, "1:+a", "5:+a", "6:+a+b")
}

func recordedMeanwhile(t *testing.T, p *profiles) {
	p.contribute(t, "a")
	p.want(t, 5, func([]byte, [][]byte) ([]byte, error) {
		p.record(t, windows.DayProfile{Day: 5, Artefact: []byte("recorded")})
		return []byte("too late"), nil
	}, "recorded")
	p.decide(t, 6, "recorded+a")
}

func profileCopies(t *testing.T, p *profiles) {
	spoil := func(b []byte) { copy(b, "###########") }
	contribution, artefact, imported := []byte("a"), []byte("artefact"), []byte("imported")
	if err := p.store.Contribute(t.Context(), contribution); err != nil {
		t.Fatal(err)
	}
	spoil(contribution)
	p.record(t, windows.DayProfile{Day: 1, Artefact: imported}, windows.DayProfile{Day: 2, Artefact: imported})
	spoil(imported)
	for range 2 {
		_, err := p.store.Decide(t.Context(), 3, func(previous []byte, contributions [][]byte) ([]byte, error) {
			if string(previous) != "imported" || string(contributions[0]) != "a" {
				t.Errorf("built from %q and %q", previous, contributions)
			}
			spoil(previous)
			spoil(contributions[0])
			return nil, errors.New("once more")
		})
		if err == nil {
			t.Fatal("no error")
		}
	}
	for range 2 {
		for day, build := range map[int64][]byte{2: nil, 3: artefact} {
			got, err := p.store.Decide(t.Context(), day, gives(build))
			if err != nil {
				t.Fatal(err)
			}
			spoil(got)
		}
	}
	all, err := p.store.Recorded(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	spoil(all[0].Artefact)
	if got := string(all[1].Artefact); got != "imported" {
		t.Errorf("day 2 shares its bytes with day 1, and is now %q", got)
	}
	p.recorded(t, "1:imported", "2:imported", "3:artefact")
}

func oldestDays(t *testing.T, p *profiles) {
	const most = windows.MaxProfileDays
	var all []windows.DayProfile
	for day := range int64(most) {
		all = append(all, windows.DayProfile{Day: day, Artefact: fmt.Append(nil, "of ", day/2)}) // shared by two
	}
	p.record(t, all...)
	p.find(t, -1, "nil")
	p.days(t, 0, most) // a day that would be dropped at once is not kept
	p.want(t, most+1, gives([]byte("new")), "new")
	p.days(t, 1, most)
	p.find(t, 1, "of 0") // day 0 shared its artefact
	p.find(t, most, "of "+fmt.Sprint((most-1)/2))
	p.days(t, 2, most)
	p.find(t, 1, "nil")
	p.find(t, 2, "of 1")
}

// days compares the oldest day and the number of days kept.
func (p *profiles) days(t *testing.T, oldest int64, n int) {
	t.Helper()
	all, err := p.store.Recorded(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != n || all[0].Day != oldest {
		t.Errorf("%d days from %d on, want %d from %d on", len(all), all[0].Day, n, oldest)
	}
}

func roundTrip(t *testing.T, p *profiles) {
	all := []windows.DayProfile{
		{Day: 7, Artefact: []byte("b")},
		{Day: -3, Artefact: []byte("a")},
		{Day: 2},
		{Day: 5, Artefact: []byte{}},
		{Day: 6, Artefact: []byte("a")},
	}
	want := []string{"-3:a", "2:nil", "5:", "6:a", "7:b"}
	p.contribute(t, "c")
	p.record(t, append(all, all[1])...)
	p.recorded(t, want...)
	p.record(t, all...)
	p.recorded(t, want...)
	held, err := p.store.Recorded(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p.record(t, append(held, windows.DayProfile{Day: 3, Artefact: []byte("a")})...)
	p.find(t, 3, "a")
	p.find(t, 5, "")
	p.decide(t, 8, "b+c")
}

func recordOther(t *testing.T, p *profiles) {
	for day, artefact := range map[int64][]byte{-5: []byte("a"), 6: nil, 7: {}} {
		p.record(t, windows.DayProfile{Day: day, Artefact: artefact})
	}
	for _, c := range []struct {
		name string
		bad  windows.DayProfile
	}{
		{"other bytes", windows.DayProfile{Day: -5, Artefact: []byte("b")}},
		{"none instead of bytes", windows.DayProfile{Day: -5}},
		{"bytes instead of none", windows.DayProfile{Day: 6, Artefact: []byte("b")}},
		{"empty instead of none", windows.DayProfile{Day: 6, Artefact: []byte{}}},
		{"none instead of empty", windows.DayProfile{Day: 7}},
		{"twice in one call", windows.DayProfile{Day: 1, Artefact: []byte("b")}},
	} {
		err := p.store.Record(t.Context(), []windows.DayProfile{{Day: 1, Artefact: []byte("new")}, c.bad})
		var decided *windows.DecidedError
		named := err != nil && strings.Contains(err.Error(), fmt.Sprint("day ", c.bad.Day))
		if !errors.As(err, &decided) || decided.Day != c.bad.Day || !named {
			t.Errorf("%s: %v, want an error that names day %d", c.name, err, c.bad.Day)
		}
	}
	p.recorded(t, "-5:a", "6:nil", "7:")
}

// recordMany: a replay with many recorded days finds each of them, and a day in a gap costs one at most.
func recordMany(t *testing.T, p *profiles) {
	const n = windows.MaxProfileDays + 50
	var all []windows.DayProfile
	for day := range int64(n) {
		all = append(all, windows.DayProfile{Day: 2 * day, Artefact: fmt.Append(nil, "of ", 2*day)})
	}
	p.record(t, all...)
	p.days(t, 0, n)
	p.find(t, 11, "of 10")
	p.days(t, 2, n)
	p.find(t, 11, "of 10")
	p.want(t, 2*n, gives([]byte("new")), "new")
	p.days(t, 2*(n+1-windows.MaxProfileDays), windows.MaxProfileDays)
}

func allAgree(t *testing.T, p *profiles) {
	const workers, days = 8, 5
	var got [workers][days]string
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range days {
				day := (i + w) % days
				mine := []byte(fmt.Sprintf("day %d by %d", day, w))
				artefact, err := p.store.Decide(t.Context(), int64(day), gives(mine))
				if err != nil {
					t.Error(err)
				}
				got[w][day] = text(artefact)
			}
		})
	}
	wg.Wait()
	var want []string
	for day, artefact := range got[0] {
		want = append(want, fmt.Sprintf("%d:%s", day, artefact))
	}
	for w := range workers {
		if got[w] != got[0] {
			t.Errorf("worker %d has %q, worker 0 %q", w, got[w], got[0])
		}
	}
	p.recorded(t, want...)
}

// usedOnceByMany: days are built on each other while contributions come, and none is lost or used twice.
func usedOnceByMany(t *testing.T, p *profiles) {
	const workers, days = 8, 5
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for day := range days {
				if err := p.store.Contribute(t.Context(), []byte(fmt.Sprintf("%d/%d", w, day))); err != nil {
					t.Error(err)
				}
				if _, err := p.store.Decide(t.Context(), int64(day), join); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	last, err := p.store.Decide(t.Context(), days, join)
	if err != nil {
		t.Fatal(err)
	}
	used := strings.Split(string(last), "+")[1:]
	slices.Sort(used)
	var want []string
	for w := range workers {
		for day := range days {
			want = append(want, fmt.Sprintf("%d/%d", w, day))
		}
	}
	if !slices.Equal(used, want) {
		t.Errorf("used %q, want each once", used)
	}
}
