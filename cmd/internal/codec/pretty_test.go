package codec

import (
	"regexp"
	"strings"
	"testing"

	"github.com/parcelsentry/parcelsentry/detector"
)

func TestPretty(t *testing.T) {
	change := func(f func(*detector.Alert)) detector.Alert {
		a := testAlert()
		f(&a)
		return a
	}
	for _, c := range []struct {
		name  string
		alert detector.Alert
		want  []string
	}{
		{"whole", testAlert(), []string{
			"HIGH     update  2026-11-02 08:00:00 UTC  sender A<&>",
			"  120 parcels in an hour",
			"  observed 120, expected 8.5; score 7.25 by sender_burst, about one in 4200 sender-days; up to 19 would have stayed silent",
			"  items: RR1, RR2 and 29 more",
			"  also found by route (3); 4 held back by the cooldown; a late event",
			"  incident ff",
		}},
		{"close", change(func(a *detector.Alert) {
			a.Activity, a.Severity, a.Reasons, a.Items, a.Held, a.Late = detector.Close, detector.Critical, nil, nil, 0, false
			a.Score, a.Expected = 7.12345, 1.0/3
		}), []string{
			"CRITICAL close  2026-11-02 08:00:00 UTC  sender A<&>",
			"  120 parcels in an hour",
			"  observed 120, expected 0.333; highest score 7.123 by sender_burst, about one in 4200 sender-days; up to 19 would have stayed silent",
			"  items: 31",
			"  incident ff",
		}},
		{"with nothing besides", change(func(a *detector.Alert) {
			a.Activity, a.Severity, a.Reasons, a.Items, a.Held, a.Late = detector.Create, detector.Low, a.Reasons[:1], nil, 0, false
			a.ItemsTotal = 0
		}), []string{
			"LOW      create  2026-11-02 08:00:00 UTC  sender A<&>",
			"  120 parcels in an hour",
			"  observed 120, expected 8.5; score 7.25 by sender_burst, about one in 4200 sender-days; up to 19 would have stayed silent",
			"  incident ff",
		}},
		{"with many items", change(func(a *detector.Alert) {
			a.Severity, a.Held, a.Late = detector.Medium, 0, false
			a.Items, a.ItemsTotal = []string{"1", "2", "3", "4", "5", "6"}, 6
		}), []string{
			"MEDIUM   update  2026-11-02 08:00:00 UTC  sender A<&>",
			"  120 parcels in an hour",
			"  observed 120, expected 8.5; score 7.25 by sender_burst, about one in 4200 sender-days; up to 19 would have stayed silent",
			"  items: 1, 2, 3, 4, 5 and 1 more",
			"  also found by route (3)",
			"  incident ff",
		}},
	} {
		want := strings.Join(c.want, "\n") + "\n"
		if got := Pretty(&c.alert, false); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, want)
		}
		// Color adds sequences and nothing else.
		colored := Pretty(&c.alert, true)
		if colored == want || ansi.ReplaceAllString(colored, "") != want {
			t.Errorf("%s in color: %q", c.name, colored)
		}
	}
}

var ansi = regexp.MustCompile("\x1b\\[[0-9;]+m")

// What comes from events can't steer a terminal, break lines or turn text around.
func TestPrettyPrintsWhatIsHostile(t *testing.T) {
	const hostile = "\x1b[2J\r\n\x00\u202e\u0085\u009b"
	a := testAlert()
	lines := strings.Count(Pretty(&a, false), "\n")
	a.Activity, a.Severity, a.Entity.Kind = detector.Activity(hostile), detector.Severity(hostile), hostile
	a.Rule, a.Fingerprint, a.Text.EN, a.Entity.ID = hostile, hostile, hostile, hostile
	a.Items, a.Reasons[1].Detector = []string{hostile}, hostile
	got := Pretty(&a, false)
	if strings.ContainsAny(got, "\x1b\r\x00\u202e\u0085\u009b") || strings.Count(got, "\n") != lines {
		t.Errorf("%q", got)
	}
	if !strings.Contains(got, "[2J") {
		t.Errorf("what prints is lost: %q", got)
	}
	if colored := ansi.ReplaceAllString(Pretty(&a, true), ""); colored != got {
		t.Errorf("in color %q", colored)
	}
}

func TestPrettyKeepsVietnamese(t *testing.T) {
	a := testAlert()
	a.Entity.ID = "Nguyễn Thị Hồng Đào"
	if got := Pretty(&a, false); !strings.Contains(got, a.Entity.ID) {
		t.Errorf("%q", got)
	}
}
