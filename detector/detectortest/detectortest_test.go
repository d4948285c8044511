package detectortest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// settings are so simple that a reader can count: the third shipment of a day is one too many.
func settings() detector.Settings {
	return detector.Settings{
		Ladder:    windows.Ladder{{Name: 'h', Slide: time.Hour, Keep: 50}, {Name: 'd', Slide: day, Keep: 120}},
		MaxFields: 512,
		Prior:     detector.Prior{Rate: 0.25, Dispersion: 1.5},
		Limit:     &detector.LimitSettings{Window: day, Shipments: 3},
		Alerts:    detector.AlertSettings{Cooldown: 6 * time.Hour, Quiet: day, UpdateFactor: 2, Medium: 6, High: 8, Critical: 12},
	}
}

func parse(t *testing.T, text string) *Scenario {
	t.Helper()
	s, err := Parse("a.test", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestScenariosThatHold(t *testing.T) {
	for what, text := range map[string]string{
		"alert, flags and held findings": `
			event A at 2026-03-02 x 5 in 5h # at 0:00, 1:00 … 4:00
			alert create limit A observed=3 expected=3 score=4 severity=low items=1 held=0 late=no reasons=limit event=event-3 counterfactual=2
			flagged A 3
			flagged A 0
			held A 2
			counted A = 5
			fields A 5`,
		"senders apart":        "event A at 2026-03-02 x 2\nevent B at 2026-03-02 x 2\nquiet",
		"relative times":       "event A at 2026-03-02T10:00:30 x 2\nevent A at +1d\nquiet A\nevent A at +1s x 2\nalert create limit A",
		"newest first is late": "event A at 2026-03-02 x 3 in 3h newest-first\nalert create limit A late=yes event=event-3",
		"score and abstain":    "config route.window=24h route.threshold=4\nevent A at 2026-03-02\nscore limit A = 0\nabstain route A",
		"a type that counts":   "config events.shipment_types=posted,accepted\nevent A at 2026-03-02 type accepted\noutcome counted\nevent A at +0s type lost\noutcome not_shipment",
		"rate of a week":       "load A 7/week for 14d to X\ncounted A 14\nload A 2/week for 14d to new\ncounted A 18",
		"a load goes on the day after": `
			config limit.shipments=2
			load A 1/day for 1d to X hours 23-24
			load A 1/day for 1d to X hours 0-1
			alert create limit A`,
		"names in turn": "event S1..S3,new from P to Q recipient R1..R2 weight 900g,1100g value 5 at 2026-03-02 x 4\ncounted S3 1\ncounted new-1 1",
		"recipients and lanes": `
			config limit.shipments=99 fanin.window=24h fanin.threshold=4 lane_burst.window=24h lane_burst.threshold=4
			event S1..S30 from P to Q recipient R at 2026-03-02 x 30
			alert create fanin recipient R reasons=fanin one_in=0
			alert update fanin recipient R
			quiet lane P>Q
			score lane_burst lane P>Q > 3
			flagged lane P>Q > 3
			flagged sender S30 1
			counted recipient R 30
			fields lane P>Q > 3
			held recipient R 19`,
		"a profile is learned day by day": `
			config limit=off weight.threshold=4
			event A at 2026-01-01 weight 900g,1100g x 40
			abstain weight A
			event A at +1d weight 1000g
			score weight A < 1`,
		"alerts of a load": "config limit.shipments=1 alerts.quiet=100d\nload A 1/day for 2d to X\nalert create limit A\nalert update limit A",
	} {
		t.Run(what, func(t *testing.T) {
			if err := parse(t, text).Play(settings()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFailuresSayWhatHappened(t *testing.T) {
	for _, c := range []struct {
		text string
		line int
		want []string // words of the message
	}{
		{"event A at 2026-03-02 x 3", 1, []string{"a.test:1: event A at 2026-03-02 x 3", "no alerts besides", "alert create limit A observed=3"}},
		{"event A at 2026-03-02 x 3\nevent B at 2026-03-02", 1, []string{"alert create limit A"}},
		{"event A at 2026-03-02 x 2\nalert create limit A", 2, []string{"no alert. The last event of A: limit scores 0 of 4 (observed 2, expected 3)"}},
		{"event A at 2026-03-02 x 3\nalert update limit A", 2, []string{"expected: update limit A", "alert create limit A"}},
		{"event A at 2026-03-02 x 3\nalert create limit A score>=5", 2, []string{"not score>=5: it is 4"}},
		{"event A at 2026-03-02 x 3\nalert create limit A severity=high", 2, []string{"not severity=high: it is low"}},
		{"event A at 2026-03-02 x 3\nquiet A", 2, []string{"expected: no alert", "alert create limit A"}},
		{"event A at 2026-03-02 x 3\nalert create limit A\nflagged A 2", 3, []string{"flagged of A = 2", "got:      1"}},
		{"event A at 2026-03-02\nscore limit A > 0", 2, []string{"limit scores > 0", "limit scores 0 of 4"}},
		{"event A at 2026-03-02\nabstain limit A", 2, []string{"limit abstains", "limit scores 0 of 4"}},
		{"event A at 2026-03-02\noutcome future", 2, []string{"expected: future", "got:      counted"}},
		{"config events.allowed_lateness=1d\nevent A at 2026-03-02 late 2d\nscore limit A = 0", 3, []string{"too_late, so nothing was judged"}},
	} {
		err := parse(t, c.text).Play(settings())
		var f *Failure
		if !errors.As(err, &f) {
			t.Errorf("%q: %v is no failure", c.text, err)
			continue
		}
		if f.Line != c.line || f.File != "a.test" {
			t.Errorf("%q fails at %s:%d, want line %d", c.text, f.File, f.Line, c.line)
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q: the message lacks %q:\n%v", c.text, want, err)
			}
		}
	}
}

func TestParseErrorsSayWhatToWrite(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "write at least one load or event",
		"evnt A":                     "write config, load, event",
		"config":                     "at least one key=value",
		"config burst.threshold = 5": "key=value without spaces",
		"config burst.treshold=5":    "write one of alerts.cooldown",
		"config burst=on":            "write off",
		"config limit.window=1 day":  `limit.window: "1" is no length of time`,
		"config limit.shipments=-1":  "whole number of at least 0",
		"config prior.rate=much":     `"much" is no number`,
		"event A at 2026-03-02\nconfig route=off": "a.test:2: config must stand before",
		"load A":                                     "write: load SENDER 2/day",
		"load A 2/month for 60d to X":                `"2/month" is no rate`,
		"load A 0/day for 60d to X":                  "whole number of at least 1",
		"load A 2/day to X":                          "no number of whole days",
		"load A 2/day for 36h to X":                  "no number of whole days",
		"load A 2/day for 60d":                       "a place is missing",
		"load A 2/day for 60d to X since yesterday":  "since: \"yesterday\" is no time",
		"load A,,B 2/day for 60d to X":               "sender: \"A,,B\" has an empty name",
		"event S1..T9 at 2026-03-02":                 "S1..T9 is no range",
		"event S9..S1 at 2026-03-02":                 "S9..S1 is no range",
		"event S1..S99999 at 2026-03-02":             "is no range",
		"event A at 2026-03-02 weight 2kg":           `weight: "2kg" is no number`,
		"event A at 2026-03-02 recipient":            `"recipient" needs a value`,
		"alert create fanin recipient":               "which recipient is missing",
		"quiet lane X":                               "write: quiet SUBJECT",
		"score lane_burst lane >Y > 3":               "write: score RULE SUBJECT",
		"load A 2/day for 60d to X hours 8-8":        "22-6 for a night",
		"event":                                      "a sender is missing",
		"event A":                                    "at: \"\" is no time",
		"event A at 2026-03-02 20 times":             `"20" is not understood here: write one of at, early, from, id`,
		"event A at 2026-03-02 x":                    `"x" needs a value`,
		"event A at 2026-03-02 x 0":                  "at least 1",
		"event A at 2026-03-02 x 2 x 3":              `"x" stands twice`,
		"event A at 2026-03-02 in 2":                 "write it like 30s",
		"event A at 2026-03-02 late 1d early 1d":     "exclude each other",
		"event A to X,,Y at 2026-03-02":              "empty name",
		"event A at +soon":                           "no length of time",
		"alert create burst":                         "an activity, a rule and a subject",
		"alert open burst A":                         `an alert is not "open"`,
		"alert create burst A loud":                  "write it like observed>=15",
		"alert create burst A noise>=3":              "write one of counterfactual, expected",
		"alert create burst A observed>=many":        `"many" is no number`,
		"alert create burst A severity>=high":        "compared with = only",
		"quiet A B":                                  "write: quiet SUBJECT",
		"flagged A":                                  "write: flagged SUBJECT 12",
		"held A some":                                `"some" is no number`,
		"counted A != 3":                             `"!=" does not compare`,
		"score burst A 3":                            "write: score RULE SUBJECT >= 3",
		"abstain burst":                              "write: abstain RULE SUBJECT",
		"outcome lost":                               "write: outcome with one of [counted",
		"event A at 2026-03-02\nfoo\nquiet\nalert x": "a.test:4: ",
	} {
		_, err := Parse("a.test", strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "a.test") {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
}

func TestFaultsFoundWhenPlaying(t *testing.T) {
	for text, want := range map[string]string{
		"event A at +1h": "a.test:1: at +1h0m0s counts from A's latest event and it has none: give a date",
		"event A at 2026-03-02\nscore burst A = 0":        `a.test:2: no rule "burst" is on: there are limit`,
		"config limit.window=90m\nevent A at 2026-03-02":  "a.test: these settings can't work: limit",
		"config alerts.quiet=0s\nevent A at 2026-03-02\n": "alerts: quiet",
	} {
		err := parse(t, text).Play(settings())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
}

func TestConfigureLeavesSharedSettingsAlone(t *testing.T) {
	base := settings()
	changed := base
	for _, kv := range []string{"limit.shipments=7", "limit.window=2d", "burst.threshold=5.5", "alerts.quiet=1d12h", "prior.rate=2", "weight.threshold=5", "windows.max_fields=99"} {
		key, value, _ := strings.Cut(kv, "=")
		if err := Configure(&changed, key, value); err != nil {
			t.Fatal(err)
		}
	}
	if base.Limit.Shipments != 3 || base.Burst != nil {
		t.Errorf("the settings it started from changed: %+v", base)
	}
	if changed.Limit.Shipments != 7 || changed.Limit.Window != 48*time.Hour || changed.Burst.Threshold != 5.5 ||
		changed.Alerts.Quiet != 36*time.Hour || changed.MaxFields != 99 ||
		changed.Prior.Rate != 2 || changed.Weight.Threshold != 5 {
		t.Errorf("changed: %+v", changed)
	}
	if err := Configure(&changed, "burst", "off"); err != nil || changed.Burst != nil {
		t.Errorf("burst=off leaves %+v (%v)", changed.Burst, err)
	}
}

// Every key that Configure knows stands in its documentation, where analysts look.
func TestKeysAreDocumented(t *testing.T) {
	source, err := os.ReadFile("configure.go")
	if err != nil {
		t.Fatal(err)
	}
	doc, _, _ := strings.Cut(string(source), "func Configure(")
	for key := range setters(&detector.Settings{}) {
		if !strings.Contains(doc, key+"=") {
			t.Errorf("%s is not in the documentation of Configure", key)
		}
	}
}

// A conclusion that rests on something which was not stored is found out.
func TestARestartThatMattersFails(t *testing.T) {
	set, err := detector.New(settings())
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(set)
	at := epoch()
	for range 3 {
		if err := w.send(shipment{sender: "A", at: at}); err != nil {
			t.Fatal(err)
		}
	}
	w.stored[sender("A").key()].note = "" // as if the incident were not part of what is stored
	err = w.send(shipment{sender: "A", at: at})
	var f *Failure
	if !errors.As(err, &f) || !strings.Contains(f.Expected, "restarted before the event of 2026-01-01T00:00:00") {
		t.Errorf("error %v", err)
	}
}

// The same of a recipient, whose conclusions come after the sender's.
func TestARestartThatMattersToARecipientFails(t *testing.T) {
	s := settings()
	s.Fanin = &detector.CountSettings{Window: day, Threshold: 4}
	set, err := detector.New(s)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(set)
	for _, name := range []string{"A", "B", "C"} {
		if err := w.send(shipment{sender: name, recipient: "R", at: epoch()}); err != nil {
			t.Fatal(err)
		}
	}
	clear(w.stored[subject{detector.KindRecipient, "R"}.key()].counts)
	var f *Failure
	if err = w.send(shipment{sender: "D", recipient: "R", at: epoch()}); !errors.As(err, &f) {
		t.Errorf("error %v", err)
	}
}

// A day's profile is decided by its first event, and stays: late events of a past day are judged as it was.
func TestProfilesByDay(t *testing.T) {
	set, err := detector.New(settings())
	if err != nil {
		t.Fatal(err)
	}
	p := newProfiles(set)
	first := p.on(10)
	sums := detector.NewSums()
	sums.Parcels = 7
	p.teach(sums)
	if p.on(10) != first || p.on(9) == first {
		t.Error("a day's profile changed, or a day before it took it over")
	}
	next := p.on(12)
	if next.ID() == first.ID() || p.on(11) != first || p.on(12) != next {
		t.Error("what was taught came into force on the wrong day")
	}
}

func TestRunFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.test")
	if err := os.WriteFile(path, []byte("# Two are fine.\nevent A at 2026-03-02 x 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := RunFile(path, settings()); err != nil {
		t.Error(err)
	}
	if err := RunFile(path+"x", settings()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	s, err := Parse(path, strings.NewReader("# Two are fine.\nevent A at 2026-03-02 # not the title"))
	if err != nil || s.Title != "Two are fine." {
		t.Errorf("title %q (%v)", s.Title, err)
	}
}

// recorder stands in for a test, to see what Run does with one that fails.
type recorder struct {
	testing.TB
	failed []string
}

func (r *recorder) Helper()          {}
func (r *recorder) Error(all ...any) { r.failed = append(r.failed, all[0].(error).Error()) }

func TestRunFailsTheTest(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"good.test": "event A at 2026-03-02", "bad.test": "event A at 2026-03-02\nflagged A 1"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := &recorder{TB: t}
	Run(r, settings(), filepath.Join(dir, "*.test"))
	if len(r.failed) != 1 || !strings.Contains(r.failed[0], "bad.test:2") {
		t.Errorf("failures: %q", r.failed)
	}
}
