package synth

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

func all(t testing.TB, o Options) (*Stream, []Shipment) {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	var list []Shipment
	for {
		sh, ok := s.Next()
		if !ok {
			return s, list
		}
		list = append(list, sh)
	}
}

func TestShipments(t *testing.T) {
	_, list := all(t, Options{Seed: 1})
	if len(list) < 20_000 || len(list) > 40_000 {
		t.Errorf("%d shipments, want about 27,000", len(list))
	}
	if !slices.IsSortedFunc(list, func(a, b Shipment) int { return a.Time.Compare(b.Time) }) {
		t.Error("not in the order of time")
	}
	ids, items := map[string]bool{}, map[string]bool{}
	for i := range list {
		ids[list[i].ID], items[list[i].Item] = true, true
	}
	if len(ids) != len(list) || len(items) != len(list) {
		t.Errorf("%d shipments have %d ids and %d items", len(list), len(ids), len(items))
	}
	first, last := list[0].Time, list[len(list)-1].Time
	if span := last.Sub(first); span < 59*day || span > 60*day {
		t.Errorf("from %v to %v", first, last)
	}
}

func TestSameSeedSameShipments(t *testing.T) {
	o := Options{Seed: 5, Senders: 50, Span: 20 * day, Bursts: 1}
	s, list := all(t, o)
	again, listAgain := all(t, o)
	if !reflect.DeepEqual(list, listAgain) || !reflect.DeepEqual(s.Incidents(), again.Incidents()) {
		t.Error("one seed made two streams")
	}
	o.Seed = 6
	if _, other := all(t, o); reflect.DeepEqual(list, other) {
		t.Error("two seeds made one stream")
	}
}

// TestLabels holds the incidents against the shipments that they name.
func TestLabels(t *testing.T) {
	s, list := all(t, Options{Seed: 2, Bursts: 3, Routes: 4, NewSenders: 5})
	byID, sent := map[string]Shipment{}, map[string]map[string]int{}
	for _, sh := range list {
		byID[sh.ID] = sh
		if sent[sh.Sender] == nil {
			sent[sh.Sender] = map[string]int{}
		}
		sent[sh.Sender][sh.Destination]++
	}
	kinds, senders := map[string]int{}, map[string]bool{}
	for _, i := range s.Incidents() {
		kinds[i.Kind]++
		senders[i.Sender] = true
		if i.Start.Before(list[0].Time.Add(24 * day)) {
			t.Errorf("%s of %s begins in the warm-up, at %v", i.Kind, i.Sender, i.Start)
		}
		for _, id := range i.EventIDs {
			sh, ok := byID[id]
			if !ok || sh.Sender != i.Sender || sh.Time.Before(i.Start) || sh.Time.After(i.End) {
				t.Errorf("%s of %s names %s: %+v", i.Kind, i.Sender, id, sh)
			}
		}
		if i.Kind == Route && sent[i.Sender][i.Place] != len(i.EventIDs) {
			t.Errorf("%d parcels of %s go to %s, %d of the incident", sent[i.Sender][i.Place], i.Sender, i.Place, len(i.EventIDs))
		}
	}
	if want := map[string]int{Burst: 3, Route: 4, NewSender: 5}; !reflect.DeepEqual(kinds, want) || len(senders) != 12 {
		t.Errorf("incidents %v of %d senders", kinds, len(senders))
	}
}

// TestFound shows that the planted incidents are such as the detectors are for, and the rest is not.
func TestFound(t *testing.T) {
	for seed := range uint64(5) {
		s, list := all(t, Options{Seed: seed + 1, Bursts: 2, Routes: 2, NewSenders: 2})
		alerted, alerts := map[string]bool{}, 0
		set := detectors(t)
		subjects := map[string]*detector.Subject{}
		profiles := pipeline.NewProfileChain(set)
		for _, sh := range list {
			subject := subjects[sh.Sender]
			if subject == nil {
				subject, _ = detector.NewSubject(windows.NewEntity(windows.NewKey(detector.KindSender, sh.Sender)))
				subjects[sh.Sender] = subject
			}
			e := detector.Event{ID: sh.ID, Time: sh.Time.UTC(), Sender: detector.Sender(sh.Sender), Destination: detector.Place(sh.Destination)}
			p, err := profiles.For(t.Context(), detector.Day(e.Time))
			if err != nil {
				t.Fatal(err)
			}
			sums := detector.NewSums()
			told := set.Observe(&e, detector.Subjects{Sender: subject}, p, sums).Alerts
			if err := profiles.Teach(t.Context(), sums); err != nil {
				t.Fatal(err)
			}
			for _, a := range told {
				if a.Activity == detector.Create && sh.Time.After(list[0].Time.Add(24*day)) {
					alerted[a.EventID] = true
					alerts++
				}
			}
		}
		for _, i := range s.Incidents() {
			if !slices.ContainsFunc(i.EventIDs, func(id string) bool { return alerted[id] }) {
				t.Errorf("seed %d: the %s of %s with %d parcels is not found", seed+1, i.Kind, i.Sender, len(i.EventIDs))
			}
		}
		if most := 30; alerts > most {
			t.Errorf("seed %d: %d alerts in the 36 days after the warm-up, want at most %d", seed+1, alerts, most)
		}
	}
}

func detectors(t *testing.T) *detector.Set {
	t.Helper()
	set, err := detector.New(detector.Settings{
		Ladder: windows.Ladder{
			{Name: 'h', Slide: time.Hour, Keep: 50}, {Name: 'd', Slide: day, Keep: 120}, {Name: 'm', Slide: 30 * day, Keep: 4},
		},
		MaxFields: 512,
		Prior:     detector.Prior{Rate: .25, Dispersion: 2},
		Burst:     &detector.CountSettings{Window: 6 * time.Hour, Threshold: 4},
		Route:     &detector.RouteSettings{Window: day, Threshold: 4},
		Alerts:    detector.AlertSettings{Cooldown: 6 * time.Hour, Quiet: day, UpdateFactor: 2, Medium: 6, High: 8, Critical: 12},
	})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		options Options
		says    string
	}{
		{Options{Senders: -1}, "senders"},
		{Options{Span: 19 * day}, "span"},
		{Options{Rate: -1}, "rate"},
		{Options{Routes: -1, Bursts: 1}, "incidents"},
		{Options{Senders: 3, Routes: 50}, "no sender is left for one more route"},
	} {
		if _, err := New(c.options); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, want %q", c.options, err, c.says)
		}
	}
}

func TestAppendJSON(t *testing.T) {
	_, list := all(t, Options{Seed: 3, Senders: 40, Span: 20 * day, Bursts: 1})
	for i := range list {
		line := list[i].AppendJSON(nil)
		var fields map[string]any
		if err := json.Unmarshal(line, &fields); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		at, err := time.Parse(time.RFC3339, fields["event_time"].(string))
		if err != nil || !at.Equal(list[i].Time) || len(fields) != 13 || bytes.ContainsRune(line, '\n') {
			t.Fatalf("%s: %v", line, err)
		}
	}
}

// TestItemID checks the example of the standard: 47312482 has the check digit 9.
func TestItemID(t *testing.T) {
	if got := itemID(47312482); got != "CA473124829VN" {
		t.Errorf("got %s", got)
	}
	if got := itemID(100_000_001); got != "CB00000001"+string(rune('0'+checkDigit("00000001")))+"VN" {
		t.Errorf("got %s", got)
	}
}

func BenchmarkNext(b *testing.B) {
	s, err := New(Options{Seed: 1, Senders: 10_000, Span: 400 * day})
	if err != nil {
		b.Fatal(err)
	}
	var line []byte
	b.ReportAllocs()
	for b.Loop() {
		sh, ok := s.Next()
		if !ok {
			b.Fatal("out of shipments")
		}
		line = sh.AppendJSON(line[:0])
	}
}
