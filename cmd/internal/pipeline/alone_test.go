package pipeline

import (
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/parcelsentry/parcelsentry/detector"
)

// TestAlone: a worker that nobody counts beside keeps no event to judge it again, and says the same.
func TestAlone(t *testing.T) {
	said := map[bool][]string{}
	for _, alone := range []bool{false, true} {
		h := newHarness(t, func(o *Options) { o.Alone = alone })
		h.post("A", "A", "B", "A", "A", "A", "A", "B")
		h.do(opStand, opBegin, opFetch, opLoad)
		kept := 0
		for _, e := range h.worker.shards[0].changed {
			kept += len(e.unsure)
		}
		if (kept == 0) != alone {
			t.Errorf("alone is %v: %d events are kept", alone, kept)
		}
		h.settle()
		h.stop()
		if h.events("A") != 6 || h.events("B") != 2 {
			t.Errorf("alone is %v: %d and %d events stored, want 6 and 2", alone, h.events("A"), h.events("B"))
		}
		said[alone] = h.sayings()
	}
	if !slices.Equal(said[true], said[false]) || len(said[true]) == 0 {
		t.Errorf("said %q alone, %q beside others", said[true], said[false])
	}
}

// TestUnflushedBytes: without a bound of its own the records are 64 MiB at most, with one as many bytes as that.
func TestUnflushedBytes(t *testing.T) {
	for limit, most := range map[int64]int64{0: maxUnflushedBytes / mebibyte, 10 * mebibyte: 10, 100 * mebibyte: 100} {
		h := newHarness(t, func(o *Options) { o.Limits.MaxUnflushedBytes = limit })
		h.most = 1
		h.postFour(30)
		h.heavy()
		var highest int64
		h.withhold(store(), func() { highest = max(highest, h.worker.processed.Offset+1) })
		if highest > most || highest < most-1 {
			t.Errorf("a bound of %d bytes: %d records of a mebibyte are read, want %d", limit, highest, most)
		}
	}
}

// TestUnreadMetrics count what comes of events and gather no scores.
func TestUnreadMetrics(t *testing.T) {
	set := smallSet(nil)
	metrics := NewUnreadMetrics(set.Rules())
	reg := prometheus.NewRegistry()
	reg.MustRegister(metrics.scores)
	w := NewWorker(Options{Set: set, Metrics: metrics})
	w.tally.concluded(metrics, &detector.Conclusion{Findings: []detector.Finding{{Rule: "limit", Score: 3}}})
	w.report()
	if got := testutil.ToFloat64(metrics.counted); got != 1 {
		t.Errorf("%v events are counted, want 1", got)
	}
	all, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if h := all[0].GetMetric()[0].GetHistogram(); h.GetSampleCount() != 0 {
		t.Errorf("%d scores are gathered", h.GetSampleCount())
	}
}
