package app_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/parcelsentry/parcelsentry/cmd/internal/app"
	"github.com/parcelsentry/parcelsentry/cmd/internal/codec"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/cmd/internal/synth"
	"github.com/parcelsentry/parcelsentry/config"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/memstore"
	"github.com/parcelsentry/parcelsentry/windows/redisstore"
)

// TestUnordered holds the worker to what detector/README.md says of late and unordered events: shipments that come in
// any order within a lateness give the same counts of parcels, and what a rule that counts them finds in order it finds
// out of order too, as long as the windows are kept.
func TestUnordered(t *testing.T) {
	for name, log := range unorderedLogs(t) {
		t.Run(name, func(t *testing.T) {
			if testing.Short() {
				log = log[:min(len(log), 3000)]
			}
			b := newUnordered(t)
			ordered := b.play(t, b.arrivals(t, log, 0, 0), memstore.New())
			for _, c := range []struct {
				lateness time.Duration
				rules    []string // whose windows are kept for so long
			}{
				{2 * time.Hour, []string{"limit", "burst", "surge", "fanin", "lane_burst"}},
				{20 * time.Hour, []string{"limit", "burst", "surge", "lane_burst"}},
				{40 * time.Hour, []string{"burst", "surge"}},
				{30 * 24 * time.Hour, nil},
			} {
				for seed := range uint64(2) {
					got := b.play(t, b.arrivals(t, log, c.lateness, seed+1), memstore.New())
					name := fmt.Sprintf("up to %v late, seed %d", c.lateness, seed+1)
					b.compareCounts(t, name, ordered.store, got.store)
					b.compareFindings(t, name, c.rules, c.lateness, ordered, got)
				}
			}
		})
	}
}

// TestUnorderedInRedis: the same entities, shuffled, in another store.
func TestUnorderedInRedis(t *testing.T) {
	b := newUnordered(t)
	log := madeUp(t)[:2000]
	ordered := b.play(t, b.arrivals(t, log, 0, 0), memstore.New())
	client := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	defer client.Close()
	shuffled := b.play(t, b.arrivals(t, log, 30*24*time.Hour, 1), redisstore.New(client, redisstore.Options{Layout: "late"}))
	b.compareCounts(t, "in Redis", ordered.store, shuffled.store)
}

// TestLateBurst: a scanner that was offline for a day brings its burst, newest first, through the whole pipeline.
func TestLateBurst(t *testing.T) {
	b := newUnordered(t)
	begin := time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)
	var log []pipeline.Record
	add := func(event, record time.Time) {
		log = append(log, pipeline.Record{
			Offset: int64(len(log)), Time: record,
			Value: fmt.Appendf(nil, `{"event_id":"e%d","item_id":"i%d","event_time":%q,"sender_id":"shop","recipient_id":"r%d","origin":"Hanoi","destination":"Hue"}`,
				len(log), len(log), event.Format(time.RFC3339), len(log)),
		})
	}
	for n := range 120 { // two a day
		at := begin.Add(time.Duration(n) * 12 * time.Hour)
		add(at, at)
	}
	today := begin.Add(60 * 24 * time.Hour)
	add(today, today)
	for n := range 20 { // twenty within two hours of yesterday
		add(today.Add(-22*time.Hour-time.Duration(n)*6*time.Minute), today.Add(time.Hour))
	}
	got := b.play(t, log, memstore.New())
	var first *detector.Alert
	for _, a := range got.alerts {
		if a.Activity == detector.Create && a.Entity.Kind == detector.KindSender {
			first = a
			break
		}
	}
	if first == nil || !first.Late || first.Rule != "burst" {
		t.Fatalf("the burst's alert is %+v", first)
	}
	if line := string(codec.AppendAlert(nil, first)); !strings.Contains(line, `"late":true`) {
		t.Errorf("the alert says nothing of late: %s", line)
	}
	loaded, err := got.store.Load(t.Context(), windows.Source{}, []windows.Key{windows.NewKey(detector.KindSender, first.Entity.ID)})
	if err != nil || loaded[0].Entity.Events() != 141 {
		t.Errorf("%d events counted, want 141 (%v)", loaded[0].Entity.Events(), err)
	}
}

func unorderedLogs(t *testing.T) map[string][]pipeline.Record {
	t.Helper()
	logs := map[string][]pipeline.Record{"made up": madeUp(t)}
	files, _ := filepath.Glob(filepath.Join(os.Getenv("PARCELSENTRY_TEST_DATA"), "shipments_*.jsonl.gz"))
	for _, file := range files {
		log := readFile(t, file)
		logs[name(file)] = log[:min(len(log), 5_000)]
	}
	return logs
}

// madeUp is forty days of shipments with bursts and new busy senders.
func madeUp(t *testing.T) (log []pipeline.Record) {
	t.Helper()
	s, err := synth.New(synth.Options{Seed: 5, Senders: 80, Span: 40 * 24 * time.Hour, Bursts: 12, NewSenders: 4})
	if err != nil {
		t.Fatal(err)
	}
	for e, ok := s.Next(); ok; e, ok = s.Next() {
		log = append(log, pipeline.Record{Value: e.AppendJSON(nil)})
	}
	return log
}

// unordered plays logs by the shipped configuration. All runs of it share the profiles of the first.
type unordered struct {
	set      *detector.Set
	decoders *app.Decoders
	profiles *pipeline.ProfileChain
}

func newUnordered(t *testing.T) *unordered {
	t.Helper()
	c := config.Default()
	set, err := app.NewSet(&c)
	if err != nil {
		t.Fatal(err)
	}
	decoders, err := app.NewDecoders(&c, quiet())
	if err != nil {
		t.Fatal(err)
	}
	return &unordered{set: set, decoders: decoders, profiles: pipeline.NewProfileChain(set)}
}

// arrivals gives the log in the order in which it arrives when each event takes a random time of up to lateness.
func (b *unordered) arrivals(t *testing.T, log []pipeline.Record, lateness time.Duration, seed uint64) []pipeline.Record {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 3))
	decoder := b.decoders.New()
	shuffled := slices.Clone(log)
	for i := range shuffled {
		var e detector.Event
		if err := decoder.DecodeInto(&e, shuffled[i].Value, windows.Coordinates{}, time.Time{}); err != nil {
			t.Fatal(err)
		}
		shuffled[i].Time = e.Time
		if lateness > 0 {
			shuffled[i].Time = e.Time.Add(time.Duration(r.Int64N(int64(lateness)))).Truncate(time.Millisecond)
		}
	}
	slices.SortStableFunc(shuffled, func(a, b pipeline.Record) int { return a.Time.Compare(b.Time) })
	for i := range shuffled {
		shuffled[i].Offset = int64(i)
	}
	return shuffled
}

// played is what came of a run.
type played struct {
	store    windows.Store
	alerts   []*detector.Alert
	findings []findingOf
}

type findingOf struct {
	rule, entity string
	at           time.Time
	window       time.Duration
	ratio        float64 // of score and threshold
}

func (b *unordered) play(t *testing.T, log []pipeline.Record, store windows.Store) *played {
	t.Helper()
	p := &played{store: store}
	worker := pipeline.NewWorker(pipeline.Options{
		Set: b.set, Decoder: b.decoders.New(), Topic: "log", Metrics: pipeline.NewMetrics(prometheus.NewRegistry(), b.set.Rules()),
		Limits:  pipeline.Limits{FlushEvents: 500, MaxUnflushed: 4000, WorkingSet: 1 << 20},
		Observe: p.observe,
	})
	err := pipeline.Run(t.Context(), worker, pipeline.IO{
		Source: &fileSource{log: log, most: 300}, Store: store, Sink: p, Profiles: b.profiles, Grace: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Write implements pipeline.Sink.
func (p *played) Write(_ context.Context, all []pipeline.Output) error {
	for i := range all {
		if a := all[i].Alert; a != nil {
			p.alerts = append(p.alerts, a)
		}
	}
	return nil
}

// observe notes what the rules found, also where another entity was to tell.
func (p *played) observe(e *detector.Event, c *detector.Conclusion) {
	for i := range c.Findings {
		f := &c.Findings[i]
		if !f.Over() {
			continue
		}
		entity := string(e.Sender)
		switch f.Rule {
		case "fanin":
			entity = string(e.Recipient)
		case "lane_burst", "structuring":
			entity = string(e.Origin) + ">" + string(e.Destination)
		}
		p.findings = append(p.findings, findingOf{f.Rule, entity, e.Time, f.Window.End.Sub(f.Window.Start), f.Score / f.Threshold})
	}
}

// margin is how far above its threshold a finding must be not to depend on parts of the past that are not in yet.
const margin = 1.1

// compareFindings: what one of the rules found in order is found out of order at one of the parcels in its window.
func (b *unordered) compareFindings(t *testing.T, name string, rules []string, lateness time.Duration, want, got *played) {
	t.Helper()
	compared := 0
	for _, f := range want.findings {
		if !slices.Contains(rules, f.rule) || f.ratio < margin {
			continue
		}
		compared++
		// The parcel that makes a sender count with a recipient may be one of the sender's next.
		if !slices.ContainsFunc(got.findings, func(g findingOf) bool {
			return g.rule == f.rule && g.entity == f.entity && !g.at.Before(f.at.Add(-f.window)) && !g.at.After(f.at.Add(lateness))
		}) {
			t.Errorf("%s: missing: %s of %s at %s, %.2f of the threshold", name, f.rule, f.entity, f.at.Format(time.RFC3339), f.ratio)
		}
	}
	late := 0
	for _, a := range got.alerts {
		if a.Late {
			late++
		}
	}
	t.Logf("%s: %d findings compared; %d alerts, in order %d; late %d", name, compared, len(got.alerts), len(want.alerts), late)
	if len(rules) > 0 && compared == 0 && !testing.Short() {
		t.Errorf("%s: nothing to compare", name)
	}
}

// byArrival are the measures of what was new, odd or high when it came.
const byArrival = "nwvabx"

// compareCounts: whatever is not decided as an event comes is the same in both stores.
func (b *unordered) compareCounts(t *testing.T, name string, want, got windows.Store) {
	t.Helper()
	wanted, gotten := b.entities(t, want), b.entities(t, got)
	if !slices.Equal(slices.SortedFunc(maps.Keys(wanted), compareKeys), slices.SortedFunc(maps.Keys(gotten), compareKeys)) {
		t.Fatalf("%s: other entities than in order", name)
	}
	wrong, compared, partly := 0, 0, 0
	for key, w := range wanted {
		g := gotten[key]
		full := folded(w) || folded(g) || forgot(w) || forgot(g)
		if full {
			partly++
		}
		x, y := b.parcels(w, full), b.parcels(g, full)
		if x == y {
			compared++
			continue
		}
		if wrong++; wrong <= 3 {
			t.Errorf("%s: %v holds\n%s\nin order\n%s", name, key, y, x)
		}
	}
	if wrong > 0 {
		t.Errorf("%s: %d of %d entities differ", name, wrong, len(wanted))
	}
	if partly > compared/20 {
		t.Errorf("%s: %d of %d entities are so large that only their sums were compared", name, partly, compared)
	}
}

func compareKeys(a, b windows.Key) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
}

func (b *unordered) entities(t *testing.T, store windows.Store) map[windows.Key]*windows.Entity {
	t.Helper()
	all := map[windows.Key]*windows.Entity{}
	keep := func(e *windows.Entity) error {
		e.Settle(b.set.Ladder())
		all[e.Key] = e
		return nil
	}
	switch s := store.(type) {
	case *memstore.Store:
		loaded, err := s.Load(t.Context(), windows.Source{}, s.Keys())
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range loaded {
			_ = keep(l.Entity)
		}
	case *redisstore.Store:
		for _, kind := range []windows.Kind{detector.KindSender, detector.KindRecipient, detector.KindLane} {
			if err := s.Scan(t.Context(), kind, keep); err != nil {
				t.Fatal(err)
			}
		}
	}
	return all
}

// folded tells that the entity counts some of its places together: which ones depends on when they were used.
func folded(e *windows.Entity) bool { return e.TallyOf('k', 0) > 0 }

// forgot tells that the entity may have met more than it remembers: whom it forgot depends on when they came.
func forgot(e *windows.Entity) bool {
	return e.Members() >= config.Default().Windows.MaxFields/2
}

// parcels is what an entity holds that must not depend on the order of arrival, as text; of a full one that has folded
// or forgotten only the sums of places, and no others that it remembers.
func (b *unordered) parcels(e *windows.Entity, full bool) string {
	counts := map[string]int64{}
	for _, c := range e.Counts() {
		f := c.Field
		switch {
		case strings.ContainsRune(byArrival, rune(f.Measure)), f.Measure == 'k':
			continue
		case f.Measure == 'o' && full:
			f.Sub = windows.Sub{}
		}
		counts[f.String()] += c.N
	}
	var text strings.Builder
	for _, f := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&text, "%s=%d ", f, counts[f])
	}
	for _, m := range e.AllMembers() {
		if !full && !m.Sub.IsMark() {
			fmt.Fprintf(&text, "%s seen %d ", m.Sub, m.UnixMilli)
		}
	}
	fmt.Fprintf(&text, "first %d, %d events", e.First().Time.UnixMilli(), e.Events())
	return text.String()
}
