package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/parcelsentry/parcelsentry/windows"
)

// parcels is a log of n parcels of sender A, now.
func parcels(n int) []Record {
	now := time.Now()
	log := make([]Record, n)
	for i := range log {
		log[i] = Record{Offset: int64(i), Time: now, Value: fmt.Appendf(nil, "e%d A Hanoi %d posted", i, now.UnixMilli())}
	}
	return log
}

func faultyWorker() (*Worker, *prometheus.Registry) {
	reg, set := prometheus.NewRegistry(), smallSet(nil)
	return NewWorker(Options{
		Set: set, Decoder: textDecoder{}, Topic: "shipments", Metrics: NewMetrics(reg, set.Rules()),
		Limits: Limits{
			FlushEvents: 1000, FlushInterval: 500 * time.Millisecond, MaxUnflushed: 1000,
			CommitInterval: time.Second, CheckpointInterval: time.Minute, WorkingSet: 1 << 20,
		},
	}), reg
}

func (f *fakeIO) wantDone(t *testing.T, events int64) {
	t.Helper()
	loaded, err := f.Store.Load(t.Context(), windows.Source{}, []windows.Key{senderKey("A")})
	if err != nil {
		t.Fatal(err)
	}
	if n := loaded[0].Entity.Events(); n != events || f.committed != events {
		t.Errorf("%d events stored, offset %d committed, want %d and %d", n, f.committed, events, events)
	}
}

// TestRunRetriesAlone: each kind of IO fails three times while all others work; it is tried again with growing pauses.
func TestRunRetriesAlone(t *testing.T) {
	for _, op := range operations {
		if op == opVerify {
			continue // a source that ends is not idle
		}
		t.Run(string(op), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeIO(parcels(6)...)
				f.ends = 1
				f.faults[op] = []error{errAway, errAway, errAway}
				w, _ := faultyWorker()
				began := time.Now()
				if err := Run(t.Context(), w, f.io()); err != nil {
					t.Fatal(err)
				}
				f.wantDone(t, 6)
				if n := testutil.ToFloat64(w.options.Metrics.retries.WithLabelValues(string(op))); n != 3 {
					t.Errorf("%v retries counted, want 3", n)
				}
				// 50, 75 and 112 ms, each shorter or longer by up to a half.
				if pauses := time.Since(began); pauses < 118*time.Millisecond || pauses > 357*time.Millisecond {
					t.Errorf("%v of pauses", pauses)
				}
				if len(f.said) != 3 { // the alert of the fifth parcel, the flags of the fifth and the sixth
					t.Errorf("%d outputs, want 3", len(f.said))
				}
			})
		})
	}
}

// TestRunPatience: a store that is away for long is not given up, and is asked every few seconds.
func TestRunPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIO(parcels(3)...)
		f.ends = 1
		for range 720 {
			f.faults[opApply] = append(f.faults[opApply], errAway)
		}
		w, _ := faultyWorker()
		began := time.Now()
		if err := Run(t.Context(), w, f.io()); err != nil {
			t.Fatal(err)
		}
		f.wantDone(t, 3)
		if d := time.Since(began); d < 30*time.Minute || d > 90*time.Minute {
			t.Errorf("720 attempts took %v, want about 5 s each", d)
		}
	})
}

// TestRunFatalAnywhere: an error that no retry mends is returned at once, whatever met it, with what was tried; the
// partition's gauges go.
func TestRunFatalAnywhere(t *testing.T) {
	for _, op := range operations {
		t.Run(string(op), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeIO(parcels(6)...)
				f.faults[op] = []error{errPassword}
				w, reg := faultyWorker()
				err := Run(t.Context(), w, f.io())
				if !errors.Is(err, errPassword) || !strings.HasPrefix(err.Error(), string(op)+" of shipments/0: ") {
					t.Errorf("error %v", err)
				}
				if n := testutil.ToFloat64(w.options.Metrics.retries.WithLabelValues(string(op))); n != 0 || !w.done() {
					t.Errorf("%v retries, done %v", n, w.done())
				}
				wantNoGauges(t, reg)
			})
		})
	}
}

// wantNoGauges: a partition that is nobody's any more has no lag.
func wantNoGauges(t *testing.T, reg *prometheus.Registry) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "partition" {
					t.Errorf("%s still has %v", f.GetName(), m.GetLabel())
				}
			}
		}
	}
}

// TestRunStoppedAtOnce, before the store has answered anything.
func TestRunStoppedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIO()
		f.hangs[opStand] = 1
		w, _ := faultyWorker()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := Run(ctx, w, f.io()); err != nil {
			t.Fatal(err)
		}
	})
}

// TestRunRewind: what an older session asked for is cancelled, so that a call of it that hangs does not hold the new
// one up.
func TestRunRewind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIO(append(parcels(6), Record{Offset: 6, Value: fmt.Appendf(nil, "e6 A %s %d posted", poisonPlace, time.Now().UnixMilli())})...)
		f.hangs[opWrite] = 1
		f.later, f.ends = 1, 1
		w, _ := faultyWorker()
		w.options.Observe = panicAtPoison
		if err := Run(t.Context(), w, f.io()); err != nil {
			t.Fatal(err)
		}
		if f.committed != 7 || len(f.said) != 5 { // the alert twice, two flags, the dead letter
			t.Errorf("offset %d committed, %d outputs, want 7 and 5", f.committed, len(f.said))
		}
		if n := testutil.ToFloat64(w.options.Metrics.rewinds.WithLabelValues(rewindPoison)); n != 1 {
			t.Errorf("%v rewinds, want 1", n)
		}
	})
}

// TestRunManyRewinds: more sessions than a queue of requests is long.
func TestRunManyRewinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIO(parcels(6)...)
		f.ends = 1
		for range 50 {
			f.faults[opFetch] = append(f.faults[opFetch], ErrOutOfRange)
		}
		w, _ := faultyWorker()
		if err := Run(t.Context(), w, f.io()); err != nil {
			t.Fatal(err)
		}
		f.wantDone(t, 6)
	})
}

// TestAlertLatency is measured from the record's timestamp to the acknowledgement.
func TestAlertLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIO(parcels(6)...)
		f.ends = 1
		for i := range f.log {
			f.log[i].Time = f.log[i].Time.Add(-3 * time.Second)
		}
		w, reg := faultyWorker()
		if err := Run(t.Context(), w, f.io()); err != nil {
			t.Fatal(err)
		}
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range families {
			if m.GetName() != "parcelsentry_alert_latency_seconds" {
				continue
			}
			h := m.GetMetric()[0].GetHistogram()
			if h.GetSampleCount() != 1 || h.GetSampleSum() != 3 {
				t.Errorf("%d alerts in %v s, want 1 in 3 s", h.GetSampleCount(), h.GetSampleSum())
			}
			return
		}
		t.Error("no alert latency")
	})
}

func TestTickInterval(t *testing.T) {
	tests := []struct {
		limits Limits
		want   time.Duration
	}{
		{Limits{}, time.Second},
		{Limits{FlushInterval: 500 * time.Millisecond, CommitInterval: time.Second}, 125 * time.Millisecond},
		{Limits{FlushInterval: time.Minute, CommitInterval: time.Minute}, time.Second},
		{Limits{FlushInterval: time.Millisecond}, 5 * time.Millisecond},
	}
	for _, tt := range tests {
		if got := tickInterval(&tt.limits); got != tt.want {
			t.Errorf("%+v: %v, want %v", tt.limits, got, tt.want)
		}
	}
}
