package bench

import (
	"errors"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/testbed"
)

func TestReached(t *testing.T) {
	start := clock("08:00:00.000")
	after := func(s float64) time.Time { return start.Add(time.Duration(s * float64(time.Second))) }
	looks := []look{{after(0), 0}, {after(2), 400}, {after(3), 400}, {after(4), 1000}}
	for n, want := range map[float64]float64{100: 0.5, 400: 2, 500: 3 + 1.0/6, 950: 3 + 550.0/600, 1000: 4} {
		if got := reached(looks, n); got.Sub(after(want)).Abs() > time.Millisecond {
			t.Errorf("%v records are reached at %v, not %v", n, got, after(want))
		}
	}
}

func TestNotCounted(t *testing.T) {
	m := testbed.Metrics{
		`parcelsentry_events_total{outcome="counted",reason=""}`:             10,
		`parcelsentry_events_total{outcome="dead_lettered",reason="future"}`: 0,
		`parcelsentry_alerts_total{rule="limit"}`:                            3,
	}
	if err := notCounted(m, false); err != nil {
		t.Errorf("all is counted, and yet: %v", err)
	}
	m[`parcelsentry_events_total{outcome="skipped",reason="not_shipment"}`] = 1
	if err := notCounted(m, false); !errors.Is(err, ErrWrong) {
		t.Errorf("one is skipped: %v", err)
	}
	delete(m, `parcelsentry_events_total{outcome="skipped",reason="not_shipment"}`)
	m[`parcelsentry_events_total{outcome="skipped",reason="redelivered"}`] = 1
	if err := notCounted(m, false); !errors.Is(err, ErrWrong) {
		t.Errorf("one came twice to one member: %v", err)
	}
	if err := notCounted(m, true); err != nil {
		t.Errorf("one came to two members: %v", err)
	}
}

func TestCheck(t *testing.T) {
	usual := Options{Workloads: Workloads(), Runs: 1, Events: 10}
	if err := usual.check(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Options){
		"a topic without its broker": func(o *Options) { o.Topic = "t" },
		"one Redis for two runs":     func(o *Options) { o.Redis = "r" },
		"no events":                  func(o *Options) { o.Events = 0 },
		"no rate":                    func(o *Options) { o.Latency = true },
	} {
		o := usual
		change(&o)
		if err := o.check(); !errors.Is(err, testbed.ErrCannotRun) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
