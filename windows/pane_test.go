package windows_test

import (
	"strings"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

var (
	hours = windows.Resolution{Name: 'h', Slide: time.Hour, Keep: 50}
	days  = windows.Resolution{Name: 'd', Slide: 24 * time.Hour, Keep: 120}
	both  = windows.Ladder{hours, days}
)

func TestPane(t *testing.T) {
	ten := windows.Resolution{Name: 't', Slide: 10 * time.Minute, Keep: 6}
	for _, c := range []struct {
		r    windows.Resolution
		at   string
		want int64
	}{
		{hours, "1970-01-01T00:00:00Z", 0},
		{hours, "1970-01-01T00:59:59.999999999Z", 0},
		{hours, "1970-01-01T01:00:00Z", 1},
		{hours, "1969-12-31T23:59:59.999999999Z", -1},
		{hours, "1969-12-31T23:00:00Z", -1},
		{hours, "1969-12-31T22:59:59.999Z", -2},
		{days, "1969-12-31T00:00:00Z", -1},
		{days, "1969-12-30T23:59:59Z", -2},
		{days, "2026-03-29T00:00:00+02:00", 20540}, // the 28th in UTC
		{days, "2026-03-29T02:00:00+02:00", 20541},
		{ten, "1970-01-01T00:10:00Z", 1},
		{ten, "1970-01-01T00:09:59.999Z", 0},
		{ten, "1969-12-31T23:49:59.999Z", -2},
	} {
		at, err := time.Parse(time.RFC3339Nano, c.at)
		if err != nil {
			t.Fatal(err)
		}
		p := c.r.Pane(at)
		if p != c.want {
			t.Errorf("%s is in pane %d of %v, want %d", c.at, p, c.r.Slide, c.want)
		}
		if from, to := c.r.Start(p), c.r.Start(p+1); at.Before(from) || !at.Before(to) {
			t.Errorf("pane %d is [%v, %v), without %s", p, from, to, c.at)
		}
	}
}

func TestFinest(t *testing.T) {
	hour, day := time.Hour, 24*time.Hour
	for _, c := range []struct {
		size time.Duration
		want byte
	}{
		{hour, 'h'},
		{49 * hour, 'h'}, // 50 hours are kept: the window and one pane more
		{50 * hour, 0},   // hours don't reach, days don't make it up
		{48 * hour, 'h'},
		{3 * day, 'd'},
		{119 * day, 'd'},
		{120 * day, 0},
		{30 * time.Minute, 0},
		{90 * time.Minute, 0},
	} {
		r, ok := both.Finest(c.size)
		if ok != (c.want != 0) || r.Name != c.want {
			t.Errorf("the finest for %v is %q (%v), want %q", c.size, r.Name, ok, c.want)
		}
	}
}

func TestLadder(t *testing.T) {
	if d, ok := both.Days(); !ok || d != days {
		t.Errorf("days are %v, %v", d, ok)
	}
	if _, ok := both[:1].Days(); ok {
		t.Error("a ladder of hours has days")
	}
	if h := both.Horizon(); h != 120*24*time.Hour {
		t.Errorf("the horizon is %v, want 120 days", h)
	}
	if n := (windows.Window{Size: 24 * time.Hour, Slide: time.Hour}).Panes(); n != 24 {
		t.Errorf("a day has %d hours", n)
	}
}

func TestLadderValidate(t *testing.T) {
	if err := both.Validate(); err != nil {
		t.Error(err)
	}
	r := func(name byte, slide time.Duration, keep int64) windows.Resolution {
		return windows.Resolution{Name: name, Slide: slide, Keep: keep}
	}
	for word, l := range map[string]windows.Ladder{
		"no resolutions":        {},
		"lower-case":            {r('H', time.Hour, 5)},
		"of its own":            {r('h', time.Hour, 5), r('h', 2*time.Hour, 5)},
		"whole milliseconds":    {r('h', time.Microsecond, 5)},
		"slide 1.5ms":           {r('h', 1500*time.Microsecond, 5)},
		"slide 0s":              {r('h', 0, 5)},
		"keeps 1 panes":         {r('h', time.Hour, 1)},
		"must be a multiple of": {r('h', time.Hour, 5), r('d', 90*time.Minute, 5)},
		"slide 30m0s":           {r('h', time.Hour, 5), r('d', 30*time.Minute, 5)},
	} {
		if err := l.Validate(); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%v: %v, want an error with %q", l, err, word)
		}
	}
}
