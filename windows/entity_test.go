package windows_test

import (
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
	"pgregory.net/rapid"
)

// at is an instant counted in hours since an arbitrary midnight.
func at(hour int) time.Time {
	return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(hour) * time.Hour)
}

func TestHorizonMoves(t *testing.T) {
	r := windows.Resolution{Name: 'h', Slide: time.Hour, Keep: 3}
	e := windows.NewEntity(windows.NewKey("sender", "S-1"))
	if _, ok := e.Newest(r); ok || !e.Keeps(r, at(-1_000_000)) {
		t.Error("an entity of which nothing is known has a newest pane")
	}
	for _, step := range []struct {
		hour    int
		counted bool
		held    []int
	}{
		{10, true, []int{10}},
		{8, true, []int{8, 10}},
		{7, false, []int{8, 10}},
		{11, true, []int{10, 11}},
		{9, true, []int{9, 10, 11}},
		{8, false, []int{9, 10, 11}},
		{13, true, []int{11, 13}},
		{30, true, []int{30}},
	} {
		if keeps := e.Keeps(r, at(step.hour)); keeps != step.counted {
			t.Errorf("hour %d: keeps is %v, want %v", step.hour, keeps, step.counted)
		}
		if counted := e.Add('i', r, windows.Sub{}, at(step.hour), 1); counted != step.counted {
			t.Errorf("hour %d: counted is %v, want %v", step.hour, counted, step.counted)
		}
		var held []int
		for _, p := range e.Panes('i', r, windows.Sub{}) {
			held = append(held, int(p.Pane-r.Pane(at(0))))
		}
		if !slices.Equal(held, step.held) {
			t.Errorf("after hour %d it holds %v, want %v", step.hour, held, step.held)
		}
	}
}

// TestDropIsTakenOnce: a pane that was stored is dropped in the store; what was never stored may be named as well.
func TestDropIsTakenOnce(t *testing.T) {
	r := windows.Resolution{Name: 'h', Slide: time.Hour, Keep: 2}
	e := windows.NewEntity(windows.NewKey("sender", "S-1"))
	e.Add('i', r, windows.Sub{}, at(1), 4)
	if d := e.TakeDelta(); len(d.Add) != 1 || d.Add[0].N != 4 || len(d.Drop) != 0 {
		t.Errorf("the first delta is %+v", d)
	}
	e.Add('i', r, windows.Sub{}, at(3), 1)
	d := e.TakeDelta()
	if len(d.Drop) != 1 || d.Drop[0].Pane != r.Pane(at(1)) || len(d.Add) != 1 || d.Add[0].Field.Pane != r.Pane(at(3)) {
		t.Errorf("the second delta is %+v, want hour 1 dropped and hour 3 added", d)
	}
	if d := e.TakeDelta(); e.Dirty() || len(d.Add)+len(d.Drop) != 0 {
		t.Errorf("there is more to take: %+v", d)
	}
}

func TestFold(t *testing.T) {
	e := windows.NewEntity(windows.NewKey("sender", "S-1"))
	han, hue := windows.NewSub("HAN"), windows.NewSub("HUE")
	for _, r := range both {
		e.Add('o', r, han, at(1), 2)
		e.Add('o', r, hue, at(1), 5)
		e.Add('p', r, han, at(1), 7)
	}
	e.TakeDelta()
	e.Add('o', hours, han, at(2), 1)
	fields := e.Fields()
	e.Fold('o', han)
	e.Fold('o', windows.NewSub("never seen"))
	subs := func() (all []string) {
		for sub := range e.Subs('o', hours) {
			all = append(all, sub.String())
		}
		return all
	}
	want := []string{windows.Others.String(), hue.String()}
	if got := subs(); !slices.Equal(got, want) {
		t.Errorf("before the delta is taken the subs are %q, want %q", got, want)
	}
	e.Fold('o', hue)
	if e.Fields() != fields-2 {
		t.Errorf("%d fields after folding, %d before, want 2 less", e.Fields(), fields)
	}
	d := e.TakeDelta()
	if got := subs(); !slices.Equal(got, want[:1]) {
		t.Errorf("afterwards the subs are %q, want %q", got, want[:1])
	}
	changed := map[string]int64{}
	for _, a := range d.Add {
		changed[a.Field.String()] += a.N
	}
	for _, c := range []struct {
		r    windows.Resolution
		sub  windows.Sub
		hour int
		want int64
	}{
		{hours, han, 1, -2},
		{hours, han, 2, 0}, // counted and folded before it was ever stored
		{hours, hue, 1, -5},
		{days, hue, 1, -5},
		{hours, windows.Others, 1, 7},
		{hours, windows.Others, 2, 1},
		{days, windows.Others, 1, 7},
	} {
		f := windows.Field{Series: windows.Series{Measure: 'o', Resolution: c.r.Name, Sub: c.sub}, Pane: c.r.Pane(at(c.hour))}
		if got := changed[f.String()]; got != c.want {
			t.Errorf("the delta adds %d to %s, want %d", got, f, c.want)
		}
	}
	if n := e.Sum('p', hours, han, 0, hours.Pane(at(9))); n != 7 {
		t.Errorf("another measure holds %d, want its 7", n)
	}
}

func TestForgetMarks(t *testing.T) {
	for _, c := range []struct {
		before, limit int
		want          []int
	}{
		{0, 10, []int{1, 2, 3, 4}},
		{3, 10, []int{3, 4}},
		{9, 10, nil},
		{0, 3, []int{2, 3, 4}},
		{0, 0, nil},
		{2, 1, []int{4}},
	} {
		e := windows.NewEntity(windows.NewKey("sender", "S-1"))
		for _, h := range []int{3, 1, 4, 2} {
			e.Saw(windows.NewMark(at(h).String()), at(h))
		}
		e.Saw(windows.NewSub("a member"), at(0))
		e.ForgetMarks(at(c.before), c.limit)
		var left []int
		for _, m := range e.AllMembers()[1:] {
			left = append(left, int(time.UnixMilli(m.UnixMilli).Sub(at(0)).Hours()))
		}
		if !slices.Equal(left, c.want) {
			t.Errorf("forget before %d, at most %d: left %v, want %v", c.before, c.limit, left, c.want)
		}
	}
}

// TestLastingMarks: they have a bound of their own, and nothing else pushes them out.
func TestLastingMarks(t *testing.T) {
	e := windows.NewEntity(windows.NewKey("sender", "S-1"))
	lasting := func(h int) windows.Sub { return windows.NewLastingMark(at(h).String()) }
	for _, h := range []int{3, 1, 2} {
		e.Saw(lasting(h), at(h))
		e.Saw(windows.NewMark(at(h).String()), at(h))
	}
	e.Saw(windows.NewSub("a member"), at(0))
	e.ForgetMarks(at(9), 0)
	e.ForgetOldest(0)
	e.ForgetLastingMarks(2)
	var left []windows.Sub
	for _, m := range e.AllMembers() {
		left = append(left, m.Sub)
	}
	if want := []windows.Sub{lasting(2), lasting(3)}; !slices.Equal(left, want) {
		t.Errorf("left %v, want %v", left, want)
	}
}

// TestForgetOldest leaves marks alone.
func TestForgetOldest(t *testing.T) {
	e := windows.NewEntity(windows.NewKey("sender", "S-1"))
	mark, old, young := windows.NewMark("R-1"), windows.NewSub("R-1"), windows.NewSub("R-2")
	e.Saw(mark, at(1))
	e.Saw(young, at(3))
	e.Saw(old, at(2))
	e.ForgetOldest(1)
	var left []windows.Sub
	for _, m := range e.AllMembers() {
		left = append(left, m.Sub)
	}
	if want := []windows.Sub{mark, young}; !slices.Equal(left, want) {
		t.Errorf("left %v, want %v", left, want)
	}
}

// TestForgottenAndSeenEarlier: the store must forget the later time too, or a reload would bring it back.
func TestForgottenAndSeenEarlier(t *testing.T) {
	e := windows.NewEntity(windows.NewKey("sender", "S-1"))
	sub := windows.NewSub("R-1")
	e.RestoreMember(sub, at(5))
	e.ForgetOldest(0)
	e.Saw(sub, at(2))
	d := e.TakeDelta()
	if !slices.Equal(d.Forget, []windows.Sub{sub}) || !slices.Equal(d.Seen, []windows.Member{{Sub: sub, UnixMilli: at(2).UnixMilli()}}) {
		t.Errorf("the delta is %+v, want it forgotten and seen", d)
	}
}

// TestFirstByMillisecond: two events of one millisecond are ordered as after a reload.
func TestFirstByMillisecond(t *testing.T) {
	e := windows.NewEntity(windows.NewKey("sender", "S-1"))
	late := windows.First{Time: at(1).Add(900 * time.Microsecond), At: windows.Coordinates{Source: windows.Source{Topic: "a"}}}
	soon := windows.First{Time: at(1).Add(100 * time.Microsecond), At: windows.Coordinates{Source: windows.Source{Topic: "b"}}}
	e.CountEvent(soon)
	e.CountEvent(late)
	if got := e.First(); got.At != late.At || !got.Time.Equal(at(1)) {
		t.Errorf("the first is %v, want %v by its coordinates", got, late)
	}
}

func TestNoteIsTakenWhenItChanges(t *testing.T) {
	e := windows.NewEntity(windows.NewKey("sender", "S-1"))
	e.SetNote("")
	if e.Dirty() {
		t.Error("the empty note over none is a change")
	}
	e.SetNote("open")
	e.SetNote("")
	if d := e.TakeDelta(); !d.SetNote || d.Note != "" {
		t.Errorf("the delta is %+v, want the note removed", d)
	}
}

// TestSettle: with several writers a store may hold panes that one of them saw no horizon for.
func TestSettle(t *testing.T) {
	r := windows.Resolution{Name: 'h', Slide: time.Hour, Keep: 3}
	other := windows.Resolution{Name: 'x', Slide: time.Hour, Keep: 3}
	e := windows.NewEntity(windows.NewKey("recipient", "R-1"))
	field := func(resolution byte, m windows.Measure, hour int) windows.Field {
		return windows.Field{Series: windows.Series{Measure: m, Resolution: resolution}, Pane: r.Pane(at(hour))}
	}
	for _, f := range []windows.Field{
		field('h', 'i', 7), field('h', 'i', 10), field('h', 'o', 8), field('h', 'o', 5), field('x', 'i', 1),
		{Series: windows.Series{Measure: 't', Resolution: windows.AllTime}, Pane: 3},
	} {
		e.RestoreCount(f, 1)
	}
	if e.Dirty() {
		t.Error("restoring left something to take")
	}
	e.Settle(windows.Ladder{r, other})
	if newest, ok := e.Newest(r); !ok || newest != r.Pane(at(10)) {
		t.Errorf("the newest pane is %d (%v), want that of hour 10", newest, ok)
	}
	if e.Fields() != 4 || len(e.Counts()) != 4 {
		t.Errorf("%d fields, counts %v; want hours 10 and 8, the other resolution and the tally", e.Fields(), e.Counts())
	}
	d := e.TakeDelta()
	want := []windows.Field{field('h', 'i', 7), field('h', 'o', 5)}
	if !slices.Equal(d.Drop, want) || len(d.Add) != 0 {
		t.Errorf("the delta is %+v, want %v dropped", d, want)
	}
	e.Settle(windows.Ladder{r, other})
	if e.Dirty() {
		t.Error("settling again left something to take")
	}
}

// What is counted in several resolutions at once, and tallied in several slots, is what one call each counts.
func TestEachAgainstOneByOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		together, single := windows.NewEntity(windows.NewKey("sender", "S-1")), windows.NewEntity(windows.NewKey("sender", "S-1"))
		now := at(0)
		for range rapid.IntRange(1, 60).Draw(t, "counts") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 0, 1, 7, -3, -90, 50}).Draw(t, "hours on")) * time.Hour)
			m, sub := rapid.SampledFrom(measures).Draw(t, "measure"), rapid.SampledFrom(subs).Draw(t, "sub")
			some := rapid.Permutation(short).Draw(t, "resolutions")[:rapid.IntRange(0, len(short)).Draw(t, "how many")]
			n := int64(rapid.IntRange(0, 3).Draw(t, "n"))
			together.AddEach(m, some, sub, now, n)
			for _, r := range some {
				single.Add(m, r, sub, now, n)
			}
			together.TallyEach('t', n, 1)
			single.Tally('t', 0, n)
			single.Tally('t', 1, 1)
			if rapid.IntRange(0, 5).Draw(t, "folded") == 0 {
				together.Fold(m, subs[1])
				single.Fold(m, subs[1])
			}
			if rapid.IntRange(0, 5).Draw(t, "stored") == 0 {
				if got, want := together.TakeDelta(), single.TakeDelta(); !reflect.DeepEqual(got, want) {
					t.Fatalf("delta %+v, one by one %+v", got, want)
				}
			}
			if got, want := together.Counts(), single.Counts(); !reflect.DeepEqual(got, want) || together.Fields() != single.Fields() {
				t.Fatalf("%d fields %+v, one by one %d fields %+v", together.Fields(), got, single.Fields(), want)
			}
		}
	})
}

// However many second keys an entity has: each count is found, those before, among and behind them, and no other.
func TestEverySeriesIsFound(t *testing.T) {
	day, hour := short[1], short[0]
	whole := []windows.Measure{'a', 'b', 'i', 'n', 'v', 'x'}
	for places := range 80 {
		e := windows.NewEntity(windows.NewKey("sender", "S-1"))
		for i, m := range whole {
			e.Add(m, day, windows.Sub{}, at(0), int64(100+i))
		}
		for i := range places {
			e.AddEach('o', []windows.Resolution{hour, day}, windows.NewSub(strconv.Itoa(i)), at(0), int64(1+i))
		}
		pane := day.Pane(at(0))
		for i, m := range whole {
			if n, none := e.Sum(m, day, windows.Sub{}, pane, pane), e.Panes(m, hour, windows.Sub{}); n != int64(100+i) || none != nil {
				t.Fatalf("%d places: %c is %d, by the hour %v", places, m, n, none)
			}
		}
		for i := range places + 1 {
			both := e.PanesBoth('o', day, hour, windows.NewSub(strconv.Itoa(i)))
			if found := len(both[0]) == 1 && len(both[1]) == 1 && both[0][0].N == int64(1+i); found != (i < places) {
				t.Fatalf("%d places: number %d is %v", places, i, both)
			}
		}
	}
}
