package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/memstore"
)

// memorySource is a log in memory. A call whose name is in failing fails that often.
type memorySource struct {
	mu        sync.Mutex
	log       []Record
	committed int64
	done      bool // the log has an end
	failing   map[string]int
	failure   error
	calls     map[string]int
}

func newMemorySource(parcels int) *memorySource {
	s := &memorySource{committed: windows.NoOffset, failing: map[string]int{}, calls: map[string]int{}, failure: errors.New("away")}
	for i := range parcels {
		s.log = append(s.log, Record{
			Offset: int64(i), Time: simEpoch,
			Value: fmt.Appendf(nil, "e%d shop Hanoi %d posted", i, simEpoch.UnixMilli()),
		})
	}
	return s
}

func (s *memorySource) call(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[name]++
	if s.failing[name] != 0 {
		s.failing[name]--
		return s.failure
	}
	return nil
}

func (s *memorySource) Bounds(context.Context) (first, end int64, err error) {
	return 0, int64(len(s.log)), s.call("bounds")
}

func (s *memorySource) Committed(context.Context) (int64, error) {
	err := s.call("committed")
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.committed, err
}

func (s *memorySource) RecordTime(_ context.Context, offset int64) (time.Time, bool, error) {
	return s.log[offset].Time, true, s.call("time")
}

func (s *memorySource) Fetch(ctx context.Context, offset int64) (Batch, error) {
	if err := s.call("fetch"); err != nil {
		return Batch{}, err
	}
	end := min(offset+10, int64(len(s.log)))
	b := Batch{Records: s.log[offset:end], Next: end, End: int64(len(s.log)), Done: s.done && end == int64(len(s.log))}
	if len(b.Records) == 0 {
		select { // as a broker waits for records
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return b, nil
}

func (s *memorySource) Commit(_ context.Context, offset int64) error {
	err := s.call("commit")
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.committed = offset
	}
	return err
}

// memorySink keeps what it is told.
type memorySink struct {
	mu      sync.Mutex
	outputs []Output
	failing int
	hang    bool // until the context ends
}

func (s *memorySink) Write(ctx context.Context, outputs []Output) error {
	if s.hang {
		<-ctx.Done()
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failing > 0 {
		s.failing--
		return errors.New("no leader")
	}
	s.outputs = append(s.outputs, outputs...)
	return nil
}

func runnerWorker() (*Worker, *Metrics) {
	set := smallSet(nil)
	m := NewMetrics(prometheus.NewRegistry(), set.Rules())
	return NewWorker(Options{
		Set: set, Decoder: textDecoder{}, Topic: "shipments", Metrics: m,
		Limits: Limits{
			FlushEvents: 15, FlushInterval: time.Second, MaxUnflushed: 1000, CommitInterval: time.Second,
			CheckpointInterval: time.Minute, WorkingSet: 1 << 20,
		},
	}), m
}

// counted is what the store holds of the one sender.
func counted(t *testing.T, store *memstore.Store) int64 {
	t.Helper()
	loaded, err := store.Load(t.Context(), windows.Source{}, []windows.Key{windows.NewKey("sender", "shop")})
	if err != nil {
		t.Fatal(err)
	}
	return loaded[0].Entity.Events()
}

func TestRunToTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, sink, store := newMemorySource(100), &memorySink{}, memstore.New()
		source.done = true
		w, m := runnerWorker()
		if err := Run(t.Context(), w, IO{Source: source, Sink: sink, Store: store, Profiles: NewProfileChain(smallSet(nil)), Grace: time.Second}); err != nil {
			t.Fatal(err)
		}
		if n := counted(t, store); n != 100 || source.committed != 100 {
			t.Errorf("%d counted, committed %d, want 100 of both", n, source.committed)
		}
		alerts := 0
		for _, o := range sink.outputs {
			if o.Alert != nil {
				alerts++
			}
		}
		if alerts == 0 || testutil.CollectAndCount(m.alertLatency) != 1 {
			t.Errorf("%d alerts", alerts)
		}
		if n := testutil.ToFloat64(m.assigned); n != 0 {
			t.Errorf("%v partitions are still assigned", n)
		}
	})
}

// TestRunRetries lets every kind of IO fail a few times: it is tried again after a pause, and counted.
func TestRunRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, sink, store := newMemorySource(50), &memorySink{failing: 3}, &moodyStore{Store: memstore.New(), failing: 2}
		source.done = true
		source.failing = map[string]int{"bounds": 2, "fetch": 3, "commit": 2}
		w, m := runnerWorker()
		start := time.Now()
		if err := Run(t.Context(), w, IO{Source: source, Sink: sink, Store: store, Profiles: NewProfileChain(smallSet(nil)), Grace: time.Second}); err != nil {
			t.Fatal(err)
		}
		if n := counted(t, store.Store); n != 50 {
			t.Errorf("%d counted, want 50", n)
		}
		retries := func(op operation) float64 { return testutil.ToFloat64(m.retries.WithLabelValues(string(op))) }
		for op, want := range map[operation]float64{opStand: 2, opFetch: 3, opApply: 2, opCommit: 2} {
			if got := retries(op); got != want {
				t.Errorf("%s: %v retries, want %v", op, got, want)
			}
		}
		if alerts, others := retries(opAlert), retries(opWrite); alerts+others != 3 {
			t.Errorf("%v retries of alerts and %v of flags, want 3", alerts, others)
		}
		if time.Since(start) < 100*time.Millisecond {
			t.Error("tried again without a pause")
		}
	})
}

// moodyStore fails its first applies after doing them: the worst kind.
type moodyStore struct {
	*memstore.Store
	failing int
}

func (s *moodyStore) Apply(ctx context.Context, source windows.Source, updates []windows.Update) ([]windows.Result, error) {
	results, err := s.Store.Apply(ctx, source, updates)
	if s.failing > 0 {
		s.failing--
		return nil, errors.New("the answer was lost")
	}
	return results, err
}

func TestRunEndsWithAFatalError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := newMemorySource(50)
		source.failing["fetch"] = -1
		source.failure = errors.New("not authorized")
		w, _ := runnerWorker()
		err := Run(t.Context(), w, IO{
			Source: source, Sink: &memorySink{}, Store: memstore.New(), Grace: time.Second,
			Fatal: func(err error) bool { return errors.Is(err, source.failure) },
		})
		if !errors.Is(err, source.failure) || source.calls["fetch"] != 1 {
			t.Errorf("%v after %d attempts", err, source.calls["fetch"])
		}
	})
}

// TestRunFlushesWhenAsked ends the context while nothing is due: everything counted is stored and committed first.
func TestRunFlushesWhenAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, store := newMemorySource(7), memstore.New()
		w, _ := runnerWorker()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- Run(ctx, w, IO{Source: source, Sink: &memorySink{}, Store: store, Profiles: NewProfileChain(smallSet(nil)), Grace: time.Second})
		}()
		synctest.Wait()
		if n := counted(t, store); n != 0 {
			t.Errorf("%d counted before a flush was due", n)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if n := counted(t, store); n != 7 || source.committed != 7 {
			t.Errorf("%d counted, committed %d, want 7 of both", n, source.committed)
		}
	})
}

// TestRunDoesNotWaitForever ends the context while the sink hangs: Run gives up after its grace and commits nothing.
func TestRunDoesNotWaitForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, store := newMemorySource(7), memstore.New()
		w, _ := runnerWorker()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- Run(ctx, w, IO{Source: source, Sink: &memorySink{hang: true}, Store: store, Profiles: NewProfileChain(smallSet(nil)), Grace: 3 * time.Second})
		}()
		synctest.Wait()
		cancel()
		start := time.Now()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("it took %v, want the grace of 3 s", took)
		}
		if n := counted(t, store); n != 0 || source.committed > 0 {
			t.Errorf("%d counted and committed %d though an alert was not acknowledged", n, source.committed)
		}
	})
}

// portions is a store that notes when how many updates came.
type portions struct {
	windows.Store
	began time.Time
	came  []string
}

func (p *portions) Apply(_ context.Context, _ windows.Source, updates []windows.Update) ([]windows.Result, error) {
	p.came = append(p.came, fmt.Sprintf("%d after %v", len(updates), time.Since(p.began)))
	return make([]windows.Result, len(updates)), nil
}

// TestRunSpreadsUpdates over the time that they have, unless they are few or the worker is to stop. The answers are those of all.
func TestRunSpreadsUpdates(t *testing.T) {
	const spread = 250 * time.Millisecond
	for _, c := range []struct {
		name    string
		updates int
		spread  time.Duration
		stop    bool
		want    string
	}{
		{"no time", 1000, 0, false, "1000 after 0s"},
		{"few", 16, spread, false, "16 after 0s"},
		{"some", 40, spread, false, "16 after 0s, 16 after 10ms, 8 after 20ms"},
		{"stopping", 40, spread, true, "16 after 0s, 16 after 0s, 8 after 0s"},
		{"most of them", 1000, spread, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, stopping := &portions{began: time.Now()}, make(chan struct{})
				if c.stop {
					close(stopping)
				}
				r := &runner{io: IO{Store: store}, stopping: stopping}
				results, err := r.apply(t.Context(), request{spread: c.spread, updates: make([]windows.Update, c.updates)})
				if err != nil || len(results) != c.updates {
					t.Errorf("%d answers, %v; want %d", len(results), err, c.updates)
				}
				if got := strings.Join(store.came, ", "); c.want != "" && got != c.want {
					t.Errorf("updates came %s, want %s", got, c.want)
				}
				if took := time.Since(store.began); took > c.spread {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}
