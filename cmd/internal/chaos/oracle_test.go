package chaos

import (
	"strings"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

var (
	hours  = windows.Resolution{Name: 'h', Slide: time.Hour, Keep: 50}
	days   = windows.Resolution{Name: 'd', Slide: 24 * time.Hour, Keep: 120}
	ladder = windows.Ladder{hours, days}
	noon   = time.Date(2026, 2, 2, 12, 0, 0, 0, time.UTC)
)

// stored gives an entity in which each of these times is counted.
func stored(key windows.Key, times ...time.Time) *windows.Entity {
	e := windows.NewEntity(key)
	for _, at := range times {
		e.CountEvent(windows.First{Time: at})
		for _, r := range ladder {
			e.Add(measureItems, r, windows.Sub{}, at, 1)
			e.Add(measurePlaces, r, windows.NewSub("10000"), at, 1)
		}
	}
	return e
}

func TestCompare(t *testing.T) {
	key := windows.NewKey("sender", "A")
	log := []time.Time{noon, noon.Add(time.Minute), noon.Add(3 * time.Hour), noon.Add(30 * time.Hour)}
	f := func(name string, e *windows.Entity, lost, twice int64, what string) {
		t.Helper()
		d := compare(e, log, ladder)
		if d.lost != lost || d.twice != twice || !strings.Contains(d.what, what) || (what == "") != (d.what == "") {
			t.Errorf("%s: %d lost, %d twice, %q; want %d, %d, %q", name, d.lost, d.twice, d.what, lost, twice, what)
		}
	}
	f("as in the log", stored(key, log...), 0, 0, "")
	f("in another order", stored(key, log[3], log[0], log[2], log[1]), 0, 0, "")
	f("one is lost", stored(key, log[:3]...), 1, 0, "events: -1")
	f("one is counted twice", stored(key, append(log, log[1])...), 0, 1, "panes h: +1")
	f("one is lost, another counted twice", stored(key, log[0], log[1], log[2], log[2]), 1, 1, "panes d: -1")
	f("in the wrong hour", stored(key, log[0], log[1], log[2].Add(time.Hour), log[3]), 1, 1, "panes h: -1")
	f("not there", nil, 4, 0, "is not in Redis")
}

// TestCompareForgetsOldPanes: what is behind the horizon of the newest event need not be there.
func TestCompareForgetsOldPanes(t *testing.T) {
	key := windows.NewKey("sender", "A")
	log := []time.Time{noon, noon.Add(60 * time.Hour)}
	if d := compare(stored(key, log...), log, ladder); d.what != "" {
		t.Errorf("60 hours later: %s", d.what)
	}
}

func TestCounts(t *testing.T) {
	a, b, c := windows.NewKey("sender", "A"), windows.NewKey("sender", "B"), windows.NewKey("recipient", "C")
	o := &oracle{times: map[windows.Key][]time.Time{
		a: {noon, noon.Add(time.Hour)}, b: {noon}, c: {noon, noon.Add(time.Hour), noon.Add(2 * time.Hour)},
	}}
	all := func() map[windows.Key]*windows.Entity {
		s := map[windows.Key]*windows.Entity{}
		for key, times := range o.times {
			s[key] = stored(key, times...)
		}
		return s
	}
	f := func(name string, change func(map[windows.Key]*windows.Entity), lost, twice int64) {
		t.Helper()
		s := all()
		change(s)
		if got := counts(o, s, ladder); got.lost != lost || got.twice != twice || (lost+twice > 0) != (len(got.examples) > 0) {
			t.Errorf("%s: %d lost, %d twice, %q; want %d, %d", name, got.lost, got.twice, got.examples, lost, twice)
		}
	}
	f("as in the log", func(map[windows.Key]*windows.Entity) {}, 0, 0)
	f("a sender is missing", func(s map[windows.Key]*windows.Entity) { delete(s, a) }, 2, 0)
	f("a sender and a recipient are missing: the worse kind counts", func(s map[windows.Key]*windows.Entity) {
		delete(s, a)
		delete(s, c)
	}, 3, 0)
	f("one is lost, another counted twice", func(s map[windows.Key]*windows.Entity) {
		s[a] = stored(a, noon)
		s[b] = stored(b, noon, noon)
	}, 1, 1)
	f("nobody sent it", func(s map[windows.Key]*windows.Entity) {
		x := windows.NewKey("sender", "X")
		s[x] = stored(x, noon)
	}, 0, 1)
}

func TestApart(t *testing.T) {
	missing, extra := apart(map[string]bool{"a": true, "b": true}, map[string]string{"b": "", "c": ""})
	if strings.Join(missing, " ") != "a" || strings.Join(extra, " ") != "c" {
		t.Errorf("missing %v, extra %v", missing, extra)
	}
}
