package pipeline

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/parcelsentry/parcelsentry/cmd/internal/watchdog"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// watched runs a worker in a bubble under a watchdog of 5 minutes, calls fn, and stops the worker.
func watched(t *testing.T, f *fakeIO, w *Worker, fn func(*watchdog.Watchdog)) {
	t.Helper()
	dog := watchdog.New(5*time.Minute, time.Now)
	task := dog.Watch("partition 0 of shipments", w.Where)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	io := f.io()
	io.Activity = task
	go func() { ended <- Run(ctx, w, io) }()
	fn(dog)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := dog.Stuck(); err != nil {
		t.Errorf("after the end: %v", err)
	}
}

// wantStuck lets time pass and compares what the watchdog says with parts of it, nothing for nil.
func wantStuck(t *testing.T, dog *watchdog.Watchdog, after time.Duration, parts ...string) {
	t.Helper()
	time.Sleep(after) // of the bubble's clock
	synctest.Wait()
	err := dog.Stuck()
	if len(parts) == 0 && err != nil {
		t.Errorf("after %v: %v", after, err)
	}
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("after %v: %v, want %q in it", after, err, part)
		}
	}
}

// TestStuckCall: whatever the worker asks for, a call that never comes back is named, and nothing else is.
func TestStuckCall(t *testing.T) {
	for _, op := range operations {
		t.Run(string(op), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeIO(parcels(6)...)
				f.hangs[op] = 1
				w, _ := faultyWorker()
				watched(t, f, w, func(dog *watchdog.Watchdog) {
					wantStuck(t, dog, 4*time.Minute)
					wantStuck(t, dog, 3*time.Minute, `partition 0 of shipments hangs in "`+string(op)+`"`) // fences are verified after a minute
					if err := dog.Stuck(); strings.Count(err.Error(), "hangs") != 1 {
						t.Errorf("more than one: %v", err)
					}
				})
			})
		})
	}
}

// TestOutageIsNotStuck: whatever fails for an hour, each attempt after some pause, the worker waits and does not hang.
func TestOutageIsNotStuck(t *testing.T) {
	for _, op := range operations {
		t.Run(string(op), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeIO(parcels(6)...)
				for range 2000 {
					f.faults[op] = append(f.faults[op], errAway)
				}
				w, _ := faultyWorker()
				watched(t, f, w, func(dog *watchdog.Watchdog) {
					for range 12 {
						wantStuck(t, dog, 5*time.Minute)
					}
					if err := dog.Failing(); err == nil || !strings.Contains(err.Error(), `"`+string(op)+`" is tried again: nobody answers`) {
						t.Errorf("failing: %v", err)
					}
					f.mu.Lock()
					f.faults[op] = nil
					f.mu.Unlock()
					wantStuck(t, dog, 10*time.Minute)
					if err := dog.Failing(); err != nil {
						t.Errorf("failing after the outage: %v", err)
					}
				})
				f.wantDone(t, 6)
			})
		})
	}
}

// TestIdleIsNotStuck: a partition without records for a day.
func TestIdleIsNotStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIO()
		w, _ := faultyWorker()
		watched(t, f, w, func(dog *watchdog.Watchdog) {
			wantStuck(t, dog, time.Hour)
			if age := time.Since(time.UnixMilli(int64(1000 * testutil.ToFloat64(w.options.Metrics.lastProgress)))); age > time.Second {
				t.Errorf("last progress %v ago", age)
			}
		})
	})
}

// blockedDecoder does not come back from a record that says so, until it is let go.
type blockedDecoder struct {
	Decoder
	letGo chan struct{}
}

func (d blockedDecoder) DecodeInto(e *detector.Event, value []byte, at windows.Coordinates, recordTime time.Time) error {
	if at.Offset == 4 {
		<-d.letGo
	}
	return d.Decoder.DecodeInto(e, value, at, recordTime)
}

// TestStuckInARecord: the code does not come back from a record. The record is named.
func TestStuckInARecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIO(parcels(6)...)
		w, _ := faultyWorker()
		letGo := make(chan struct{})
		w.options.Decoder = blockedDecoder{w.options.Decoder, letGo}
		watched(t, f, w, func(dog *watchdog.Watchdog) {
			wantStuck(t, dog, 4*time.Minute)
			wantStuck(t, dog, 2*time.Minute, `hangs in "decode" at record 4 for 6m0s`)
			close(letGo)
			wantStuck(t, dog, time.Minute)
		})
	})
}

// TestStandingStillIsStuck: a worker that has work and asks for nothing, which only a mistake of ours can bring about.
func TestStandingStillIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIO(parcels(6)...)
		w, _ := faultyWorker()
		w.options.Limits.FlushInterval = 0 // nothing makes it flush
		watched(t, f, w, func(dog *watchdog.Watchdog) {
			wantStuck(t, dog, 4*time.Minute)
			wantStuck(t, dog, 2*time.Minute, "partition 0 of shipments has work left at record 5 and has not moved for")
		})
	})
}
