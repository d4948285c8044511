package backtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/memstore"
)

// file counts how often it is closed.
type file struct {
	lines
	closed *atomic.Int32
}

func (f *file) Close() error {
	f.closed.Add(1)
	return nil
}

// seeding is a log, of which a store gets the first part from a file.
type seeding struct {
	t              *testing.T
	log            []string
	until          time.Time
	opened, closed atomic.Int32
}

// newSeeding makes the lines so long that a fetch gives some forty of them.
func newSeeding(t *testing.T, log []string, seeded int) *seeding {
	long := strings.Repeat(" ", batchBytes/40)
	for i := range log {
		log[i] += long
	}
	return &seeding{t: t, log: log, until: start.Add(time.Duration(seeded) * time.Minute)}
}

func (s *seeding) options(store windows.Store, profiles windows.Profiles) SeedOptions {
	o := options(s.t, nil)
	return SeedOptions{
		Set: o.Set, Decoder: o.Decoder, Name: pipeline.SeedPrefix + "x", Until: s.until, Store: store,
		Profiles: pipeline.NewStoredProfiles(o.Set, profiles),
		Open: func() (File, error) {
			s.opened.Add(1)
			return &file{lines: lines{all: s.log}, closed: &s.closed}, nil
		},
		Limits: pipeline.Limits{FlushEvents: 50, MaxUnflushed: 200, WorkingSet: 1 << 15},
		Fatal:  func(err error) bool { return errors.Is(err, errKilled) },
		Log:    slog.New(slog.DiscardHandler),
	}
}

func (s *seeding) seed(store windows.Store, profiles windows.Profiles) SeedSummary {
	s.t.Helper()
	sum, err := Seed(s.t.Context(), s.options(store, profiles))
	if err != nil {
		s.t.Fatal(err)
	}
	if s.opened.Load() != s.closed.Load() {
		s.t.Errorf("%d files opened, %d closed", s.opened.Load(), s.closed.Load())
	}
	return sum
}

// run reads the whole log as a topic, as the service does, and gives the alerts that it sends.
func (s *seeding) run(store windows.Store, profiles windows.Profiles) []string {
	s.t.Helper()
	o := options(s.t, nil)
	var alerts []string
	sink := &outputs{
		lastAlert: windows.NoOffset, last: windows.NoOffset, summary: Summary{Alerts: map[string]map[detector.Activity]int64{}},
	}
	err := pipeline.Run(s.t.Context(), pipeline.NewWorker(pipeline.Options{
		Set: o.Set, Decoder: o.Decoder, Topic: "shipments",
		Limits:  pipeline.Limits{FlushEvents: 30, MaxUnflushed: 200, WorkingSet: 1 << 15},
		Metrics: pipeline.NewMetrics(prometheus.NewRegistry(), o.Set.Rules()),
		Observe: func(_ *detector.Event, c *detector.Conclusion) {
			for _, a := range c.Alerts {
				alerts = append(alerts, fmt.Sprint(a.Activity, " ", a.EventID))
			}
		},
	}), pipeline.IO{
		Source: &lineSource{lines: &lines{all: s.log}}, Store: store, Sink: sink,
		Profiles: pipeline.NewStoredProfiles(o.Set, profiles),
		Fatal:    func(error) bool { return true },
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return alerts
}

// plain counts the log by itself: parcels of a sender by the hour, and in all.
func (s *seeding) plain() map[string]int64 {
	counts := map[string]int64{}
	for i, line := range s.log {
		id, sender, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || id == "poison" {
			continue
		}
		counts[sender]++
		counts[fmt.Sprint(sender, " ", start.Add(time.Duration(i)*time.Minute).Truncate(time.Hour).Unix())]++
	}
	return counts
}

// stored is what a store holds of the same.
func (s *seeding) stored(store *memstore.Store) map[string]int64 {
	s.t.Helper()
	loaded, err := store.Load(s.t.Context(), windows.Source{}, store.Keys())
	if err != nil {
		s.t.Fatal(err)
	}
	counts := map[string]int64{}
	for _, l := range loaded {
		counts[l.Entity.Key.ID] = l.Entity.Events()
		for _, c := range l.Entity.Counts() {
			if c.Field.Measure == 'i' && c.Field.Resolution == 'h' {
				counts[fmt.Sprint(l.Entity.Key.ID, " ", c.Field.Pane*3600)] = c.N
			}
		}
	}
	return counts
}

func (s *seeding) verify(store *memstore.Store) {
	s.t.Helper()
	if got, want := s.stored(store), s.plain(); !maps.Equal(got, want) {
		s.t.Errorf("counts\n%v, want\n%v", got, want)
	}
}

// TestSeedThenRun: a file and a topic hold the same; the file gives what came before the cut, the topic the rest.
func TestSeedThenRun(t *testing.T) {
	for _, seeded := range []int{0, 1, 333, 1000, 2000} {
		s := newSeeding(t, history(1000), seeded)
		store, profiles := memstore.New(), memstore.NewProfiles()
		if err := pipeline.SetCut(t.Context(), store, s.until); err != nil {
			t.Fatal(err)
		}
		sum := s.seed(store, profiles)
		if bad := int64(1000) - sum.Counted - sum.After; bad != sum.DeadLetters || sum.Before != 0 {
			t.Errorf("seeded until line %d: %+v", seeded, sum)
		}
		if again := s.seed(store, profiles); again != (SeedSummary{Before: 1000}) {
			t.Errorf("seeded twice until line %d: %+v", seeded, again)
		}
		s.run(store, profiles)
		s.verify(store)
	}
}

var errKilled = errors.New("killed")

// dying is a store whose client is killed in its n-th apply, with half of it done.
type dying struct {
	*memstore.Store
	left int
}

func (d *dying) Apply(ctx context.Context, source windows.Source, updates []windows.Update) ([]windows.Result, error) {
	if d.left--; d.left > 0 {
		return d.Store.Apply(ctx, source, updates)
	}
	if _, err := d.Store.Apply(ctx, source, updates[:len(updates)/2]); err != nil {
		return nil, err
	}
	return nil, errKilled
}

// TestSeedKilled anywhere, and run again, comes to the same.
func TestSeedKilled(t *testing.T) {
	for kill := 1; ; kill++ {
		log := history(600)
		log[123] = "poison P"
		s := newSeeding(t, log, 400)
		store, profiles := memstore.New(), memstore.NewProfiles()
		if err := pipeline.SetCut(t.Context(), store, s.until); err != nil {
			t.Fatal(err)
		}
		_, err := Seed(t.Context(), s.options(&dying{Store: store, left: kill}, profiles))
		if err == nil {
			if kill < 5 {
				t.Fatalf("there were %d applies only", kill)
			}
			return
		}
		if !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		s.seed(store, profiles)
		s.run(store, profiles)
		s.verify(store)
	}
}

// refusing is a store that refuses every third apply: its fences are not what the writer believes.
type refusing struct {
	*memstore.Store
	n int
}

func (r *refusing) Apply(ctx context.Context, source windows.Source, updates []windows.Update) ([]windows.Result, error) {
	if r.n++; r.n%3 == 0 {
		return make([]windows.Result, len(updates)), nil
	}
	return r.Store.Apply(ctx, source, updates)
}

// TestSeedGoesBack reads the file again from where the fences stand.
func TestSeedGoesBack(t *testing.T) {
	s := newSeeding(t, history(600), 600)
	store := memstore.New()
	sum := s.seed(&refusing{Store: store}, memstore.NewProfiles())
	s.verify(store)
	if s.opened.Load() < 2 {
		t.Errorf("the file was opened %d times", s.opened.Load())
	}
	if sum.Counted+sum.DeadLetters != 600 {
		t.Errorf("%+v", sum)
	}
}

// TestSeedTellsNobody: what is found in the seed is only counted, and no incident stays: the first finding that
// anybody hears of begins one.
func TestSeedTellsNobody(t *testing.T) {
	var log []string
	for i := range 12 {
		log = append(log, fmt.Sprintf("a%d A", i))
	}
	s := newSeeding(t, log, 10)
	store, profiles := memstore.New(), memstore.NewProfiles()
	if err := pipeline.SetCut(t.Context(), store, s.until); err != nil {
		t.Fatal(err)
	}
	// The fifth parcel reaches the limit.
	if sum := s.seed(store, profiles); sum.Flagged != 6 || sum.Alerts == 0 || sum.Counted != 10 {
		t.Errorf("%+v", sum)
	}
	if alerts := s.run(store, profiles); fmt.Sprint(alerts) != "[create a10]" {
		t.Errorf("alerts %v, want the incident to begin with a10", alerts)
	}
	s.verify(store)
}

func TestSeedTellsWhatItCannotRead(t *testing.T) {
	s := newSeeding(t, nil, 0)
	o := s.options(memstore.New(), memstore.NewProfiles())
	o.Open = func() (File, error) { return broken{}, nil }
	if _, err := Seed(t.Context(), o); err == nil || !strings.Contains(err.Error(), "the disk is gone") {
		t.Errorf("got %v", err)
	}
	o.Open = func() (File, error) { return nil, errors.New("no such file") }
	if _, err := Seed(t.Context(), o); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("got %v", err)
	}
}

type broken struct{ brokenLines }

func (broken) Close() error { return nil }
