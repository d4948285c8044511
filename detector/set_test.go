package detector

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parcelsentry/parcelsentry/windows"
)

func TestNewRefusesWhatCannotWork(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		want   string // every word of the error that matters
		change func(*Settings)
	}{
		{"no resolutions", func(s *Settings) { s.Ladder = nil }},
		{"no detector is on", func(s *Settings) { only("")(s) }},
		{"limit: no resolution keeps a window of 100h0m0s", func(s *Settings) { s.Limit.Window = 100 * time.Hour }},
		{"burst: no resolution keeps a window of 1h30m0s", func(s *Settings) { s.Burst.Window = 90 * time.Minute }},
		{"route: no resolution keeps a window of 2900h0m0s", func(s *Settings) { s.Route.Window = 2900 * time.Hour }},
		{"fanin: no resolution keeps a window of 121h0m0s", func(s *Settings) { s.Fanin.Window = 121 * time.Hour }},
		{"burst: learns from days", func(s *Settings) { s.Ladder = windows.Ladder{{Name: 'h', Slide: time.Hour, Keep: 200}} }},
		{"limit: window 0s", func(s *Settings) { s.Limit.Window = 0 }},
		{"limit: 0 shipments", func(s *Settings) { s.Limit.Shipments = 0 }},
		{"burst: window -6h", func(s *Settings) { s.Burst.Window = -6 * time.Hour }},
		{"burst: threshold NaN", func(s *Settings) { s.Burst.Threshold = math.NaN() }},
		{"route: window 0s", func(s *Settings) { s.Route.Window = 0 }},
		{"route: threshold 0", func(s *Settings) { s.Route.Threshold = 0 }},
		{"surge: window 0s", func(s *Settings) { s.Surge.Window = 0 }},
		{"fanout: threshold -1", func(s *Settings) { s.Fanout.Threshold = -1 }},
		{"fanin: threshold 0", func(s *Settings) { s.Fanin.Threshold = 0 }},
		{"lane_burst: window 0s", func(s *Settings) { s.LaneBurst.Window = 0 }},
		{"structuring: threshold 0", func(s *Settings) { s.Structuring.Threshold = 0 }},
		{"slow_route: threshold 0", func(s *Settings) { s.SlowRoute.Threshold = 0 }},
		{"weight: the threshold", func(s *Settings) { s.Weight.Threshold = 0 }},
		{"value: the threshold", func(s *Settings) { s.Value.Threshold = math.NaN() }},
		{"prior: rate 0", func(s *Settings) { s.Prior.Rate = 0 }},
		{"prior: dispersion 0.9", func(s *Settings) { s.Prior.Dispersion = 0.9 }},
		{"max fields 0", func(s *Settings) { s.MaxFields = 0 }},
		{"item horizon -1h", func(s *Settings) { s.ItemHorizon = -time.Hour }},
		{"duplicate horizon -1h", func(s *Settings) { s.DuplicateHorizon = -time.Hour }},
		{"lateness -24h", func(s *Settings) { s.Admission.Lateness = -day }},
		{"alerts: quiet 0s", func(s *Settings) { s.Alerts.Quiet = 0 }},
		{"alerts: cooldown -1s", func(s *Settings) { s.Alerts.Cooldown = -time.Second }},
		{"alerts: update factor 0.5", func(s *Settings) { s.Alerts.UpdateFactor = .5 }},
	} {
		s := DefaultSettings()
		c.change(&s)
		if _, err := New(s); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}

func TestNewNamesAllFaultsAtOnce(t *testing.T) {
	s := DefaultSettings()
	s.Limit.Shipments, s.Burst.Threshold, s.Alerts.Quiet = 0, -1, 0
	_, err := New(s)
	for _, want := range []string{"limit", "burst", "alerts"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
}

func TestRulesStandInTheOrderOfFindings(t *testing.T) {
	set := newTestSet(t, nil)
	e := testEvent(0, 0)
	e.Recipient, e.Origin, e.Destination = "R", "P", "Q"
	w := newWorld(set)
	c := w.observe(e)
	var rules []string
	for _, f := range c.Findings {
		rules = append(rules, f.Rule)
	}
	if want := []string{"limit", "burst", "surge", "fanout", "route", "slow_route", "weight", "value", "fanin", "lane_burst", "structuring"}; !slices.Equal(set.Rules(), want) || !slices.Equal(rules, want) {
		t.Errorf("rules %v, findings %v, want %v", set.Rules(), rules, want)
	}
}

// Stores of another layout must not be mixed: it changes when what is stored means something else, and only then.
func TestLayout(t *testing.T) {
	usual := newTestSet(t, nil).Layout()
	for _, c := range []struct {
		what   string
		change func(*Settings)
		same   bool
	}{
		{"another retention", func(s *Settings) { s.Ladder[0].Keep = 60 }, false},
		{"another slide", func(s *Settings) { s.Ladder[0].Slide = 30 * time.Minute; s.Ladder[0].Keep = 120 }, false},
		{"another name", func(s *Settings) { s.Ladder[0].Name = 'x' }, false},
		{"routes off: places are not counted any more", func(s *Settings) { s.Route, s.SlowRoute = nil, nil }, false},
		{"recipients off", func(s *Settings) { s.Fanin = nil }, false},
		{"lanes off", func(s *Settings) { s.LaneBurst, s.Structuring = nil, nil }, false},
		{"a limit alone", func(s *Settings) { only(ruleLimit)(s) }, false},
		{"another threshold", func(s *Settings) { s.Burst.Threshold = 9 }, true},
		{"another window over the same panes", func(s *Settings) { s.Burst.Window = 12 * time.Hour }, true},
		{"other alerts", func(s *Settings) { s.Alerts.Quiet = time.Hour }, true},
		{"another prior", func(s *Settings) { s.Prior.Rate = 3 }, true},
	} {
		if got := newTestSet(t, c.change).Layout(); slices.Equal(got, usual) != c.same {
			t.Errorf("%s: layout %v, before %v", c.what, got, usual)
		}
	}
}

// What is concluded about a sender does not depend on what others did in between.
func TestObserveDependsOnItsOwnEntity(t *testing.T) {
	set := newTestSet(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		alone := &Subject{Entity: windows.NewEntity(windows.NewKey(KindSender, "A"))}
		among := map[Sender]*Subject{}
		for _, s := range []Sender{"A", "B", "C"} {
			among[s] = &Subject{Entity: windows.NewEntity(windows.NewKey(KindSender, string(s)))}
		}
		over := 0
		for n := range rapid.IntRange(20, 120).Draw(t, "events") {
			e := testEvent(n, time.Duration(rapid.IntRange(0, 50).Draw(t, "hour"))*time.Hour)
			e.Sender = rapid.SampledFrom([]Sender{"A", "A", "B", "C"}).Draw(t, "sender")
			e.Destination = rapid.SampledFrom([]Place{"X", "Y"}).Draw(t, "place")
			got := observe(set, e, among[e.Sender])
			if e.Sender != "A" {
				continue
			}
			want := observe(set, e, alone)
			if want.Flag != nil {
				over++
			}
			if !same(got, want) {
				t.Fatalf("event %d: %+v, alone %+v", n, got, want)
			}
		}
	})
}

// Judging again what is counted already finds the same, also for a late event and where another detector counts in
// coarser panes first.
func TestReconsider(t *testing.T) {
	set := newTestSet(t, func(s *Settings) { s.Limit.Window = 7 * 24 * time.Hour })
	subject := newTestSubject(t, "A")
	for n := range 30 {
		observe(set, testEvent(n, time.Duration(n%7)*time.Hour), subject)
	}
	late := testEvent(30, time.Hour)
	c := observe(set, late, subject)
	again := set.Reconsider(subject.Judged(), subject)
	for i, d := range set.detectors {
		if _, ofAmount := d.(*amount); ofAmount {
			c.Findings[i], again.Findings[i] = Finding{}, Finding{} // see TestReconsiderLeavesAmountsAlone
		}
	}
	if !reflect.DeepEqual(again.Findings, c.Findings) || again.Score != c.Score {
		t.Errorf("%+v, at first %+v", again.Findings, c.Findings)
	}
	if subject.Entity.Events() != 31 {
		t.Errorf("%d events are counted", subject.Entity.Events())
	}
	if !set.late(late, subject.Entity) {
		t.Error("five hours behind on the same day is not late")
	}
}

// An event counts as long as any resolution keeps its time, whichever is listed last.
func TestCountedInWhatStillKeepsIt(t *testing.T) {
	set := newTestSet(t, func(s *Settings) {
		s.Limit.Window = 7 * 24 * time.Hour
		s.Surge, s.Route, s.SlowRoute, s.Weight, s.Value = nil, nil, nil, nil, nil
	})
	subject := newTestSubject(t, "A")
	observe(set, testEvent(0, 100*time.Hour), subject)
	c := observe(set, testEvent(1, 0), subject)
	if c.Outcome != Counted || c.Findings[0].Observed != 1 || c.Findings[1].Abstained == "" {
		t.Errorf("an event behind the hours, but not behind the days: %+v", c)
	}
	if c := observe(set, testEvent(2, -120*24*time.Hour), subject); c.Outcome != TooLate || subject.Entity.Events() != 2 {
		t.Errorf("an event behind the days is %s, %d are counted", c.Outcome, subject.Entity.Events())
	}
}

func TestLateEventMarksItsAlert(t *testing.T) {
	set, subject := newTestSet(t, nil), newTestSubject(t, "A")
	observe(set, testEvent(0, 20*time.Hour), subject)
	var late []bool
	for n := range 40 {
		for _, a := range observe(set, testEvent(n+1, time.Hour), subject).Alerts {
			late = append(late, a.Late)
		}
	}
	if len(late) == 0 || slices.Contains(late, false) {
		t.Errorf("late of the alerts: %v", late)
	}
}

// Whatever comes in, what goes out can be written as JSON: no number is infinite or none.
func TestConclusionsAreSafeForJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := DefaultSettings()
		s.Prior.Rate = math.Exp(rapid.Float64Range(-14, 6).Draw(t, "ln rate"))
		s.Prior.Dispersion = math.Exp(rapid.Float64Range(0, 6).Draw(t, "ln dispersion"))
		set, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(set)
		day, n := 0, 0
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			day = max(0, day+rapid.IntRange(-2, 60).Draw(t, "days"))
			place := Place(rapid.SampledFrom([]string{"", "X", "Y", "Z"}).Draw(t, "place"))
			for range rapid.SampledFrom([]int{1, 2, 30}).Draw(t, "parcels") {
				n++
				e := testEvent(n, time.Duration(day)*24*time.Hour)
				e.Destination = place
				e.Origin = Place(rapid.SampledFrom([]string{"", "P"}).Draw(t, "origin"))
				e.Recipient = Recipient(rapid.SampledFrom([]string{"", "R", "S"}).Draw(t, "recipient"))
				e.WeightG = Amount{rapid.SampledFrom([]float64{0, 1e-9, 1000, 1e9}).Draw(t, "weight"), true}
				c := w.observe(e)
				if _, err := json.Marshal(c); err != nil {
					t.Fatalf("%v: %+v", err, c)
				}
			}
		}
		for _, subject := range w.subjects {
			if note := subject.incident.note(); subject.incident.open() && !json.Valid([]byte(note)) {
				t.Fatalf("note %q", note)
			}
		}
		w.profile.Encode() // panics on a number that is infinite or none
	})
}

func TestTexts(t *testing.T) {
	at := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		finding Finding
		en, vi  string
	}{
		{
			Finding{Rule: "limit", Detector: "limit", Observed: 200, Expected: 200, Window: Span{at, at.Add(24 * time.Hour)}},
			"200 parcels in 24 h; the limit is 200.", "200 bưu gửi trong 24 giờ; giới hạn là 200.",
		},
		{
			Finding{Rule: "burst", Detector: "burst", Observed: 9, Expected: 0.432, Window: Span{at, at.Add(6 * time.Hour)}, Baseline: Baseline{Source: Own}},
			"9 parcels in 6 h, where this sender usually sends 0.43.", "9 bưu gửi trong 6 giờ, trong khi người gửi này thường gửi 0,43.",
		},
		{
			Finding{Rule: "burst", Detector: "burst", Observed: 13, Expected: 0.0001, Window: Span{at, at.Add(90 * time.Minute)}, Baseline: Baseline{Source: Others}},
			"13 parcels in 90 min, where a sender without a past sends less than 0.01.",
			"13 bưu gửi trong 90 phút, trong khi một người gửi chưa có lịch sử gửi dưới 0,01.",
		},
		{
			Finding{Rule: "route", Detector: "route", Observed: 2, Expected: 12.7, Place: "Q", Window: Span{at, at.Add(48 * time.Hour)}},
			"2 parcels in 2 days to Q, where 13 were to be expected from this sender's routes.",
			"2 bưu gửi trong 2 ngày đến Q, trong khi theo các tuyến của người gửi này chỉ nên có 13.",
		},
	} {
		if got := c.finding.text(); got.EN != c.en || got.VI != c.vi {
			t.Errorf("got  %q\n     %q\nwant %q\n     %q", got.EN, got.VI, c.en, c.vi)
		}
	}
	i := incident{LastFound: at, ItemsEver: 12, Top: Finding{Score: 7.87}}
	if got, want := i.closingText().EN, "Quiet since 2026-03-02 10:00, after 12 shipments over the threshold; the highest score was 7.9."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What an event teaches must not depend on when its sender was last stored: a place that was folded away is a new one
// again, whether or not its empty panes are still in memory.
func TestAFoldedPlaceIsNewAgainBeforeAndAfterStoring(t *testing.T) {
	set := newTestSet(t, only(ruleRoute))
	subject := newTestSubject(t, "A")
	e := testEvent(0, 0)
	e.Destination = "Q"
	observe(set, e, subject)
	observe(set, testEvent(1, time.Hour), subject)
	months := set.settings.Ladder[len(set.settings.Ladder)-1]
	bound(subject.Entity, months, windows.Sub{}, 0, nil)
	before := set.newPlace(placeSub(e.Destination), subject.Entity)
	subject.TakeDelta()
	if after := set.newPlace(placeSub(e.Destination), subject.Entity); before != after {
		t.Errorf("new before storing: %v, after: %v", before, after)
	}
}

// Rules of recipients or lanes may stand alone: that senders are counted for nobody makes no event too late.
func TestRulesOfRecipientsAlone(t *testing.T) {
	set := newTestSet(t, func(s *Settings) { only("")(s); s.Fanin = DefaultSettings().Fanin })
	w := newWorld(set)
	alerts := 0
	for n := range 15 {
		e := testEvent(n, time.Duration(n)*time.Minute)
		e.Sender, e.Recipient = Sender(fmt.Sprint("S", n)), "R"
		c := w.observe(e)
		if c.Outcome != Counted {
			t.Fatalf("event %d is %s", n+1, c.Outcome)
		}
		alerts += len(c.Alerts)
	}
	if alerts == 0 {
		t.Error("fifteen senders to a new recipient make no alert")
	}
}

func BenchmarkObserveNewSender(b *testing.B) {
	set := newTestSet(b, nil)
	key := windows.NewKey(KindSender, "A")
	e := testEvent(0, 0)
	e.Destination = "X"
	b.ReportAllocs()
	for b.Loop() {
		subject, _ := NewSubject(windows.NewEntity(key))
		observe(set, e, subject)
	}
}

func BenchmarkObserveHundredDays(b *testing.B) { benchmarkObserve(b, 1, 2) }

func BenchmarkObserveBusySender(b *testing.B) { benchmarkObserve(b, 60, 40) }

// benchmarkObserve observes a steady sender with a hundred days behind it, its delta taken once a day.
func benchmarkObserve(b *testing.B, places, daily int) {
	set := newTestSet(b, nil)
	subject := newTestSubject(b, "A")
	step := 24 * time.Hour / time.Duration(daily)
	events := make([]*Event, places)
	for i := range events {
		events[i] = testEvent(i, 0)
		events[i].Destination = Place(fmt.Sprint("place-", i))
	}
	n := 0
	observe := func() {
		e := events[n%places]
		e.Time = e.Time.Add(step * time.Duration(places))
		if n < places {
			e.Time = testEvent(0, step*time.Duration(n)).Time
		}
		observe(set, e, subject)
		if n++; n%daily == 0 {
			subject.TakeDelta()
		}
	}
	for n < 100*daily {
		observe()
	}
	b.ReportAllocs()
	for b.Loop() {
		observe()
	}
}
