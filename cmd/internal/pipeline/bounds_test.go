package pipeline

import (
	"strings"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/detector"
)

const mebibyte = 1 << 20

// heavy makes all records in the log a mebibyte and a little by a key that they share, so that the test itself takes
// little.
func (h *harness) heavy() {
	key := make([]byte, mebibyte)
	for i := range h.log {
		h.log[i].Key = key
	}
}

// unlimited leaves the bounds in bytes of records and outputs: no number decides anything, and no time but an hour.
func unlimited(o *Options) {
	o.Limits.FlushEvents, o.Limits.MaxUnflushed, o.Limits.WorkingSet = 1_000_000, 1_000_000, 1<<30
}

// TestFlushOfNothing: records that leave nothing to apply and nothing to say stop the reading when too many of them wait,
// and no longer than until their flush has ended, which is at once.
func TestFlushOfNothing(t *testing.T) {
	for _, tt := range []struct {
		name   string
		limits func(*Limits)
		most   int
		add    func(h *harness)
	}{
		{"skipped records of a mebibyte", func(*Limits) {}, 64, func(h *harness) {
			for range 200 {
				h.add(strings.Replace(h.parcel("A", "Hanoi", h.now), "posted", "departed", 1))
			}
			h.heavy()
		}},
		{"duplicates", func(l *Limits) { l.FlushEvents, l.MaxUnflushed = 4, 4 }, 8, func(h *harness) {
			h.post("A")
			for range 100 {
				h.add(string(h.log[0].Value))
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness(t, func(o *Options) {
				unlimited(o)
				o.Set = smallSet(func(s *detector.Settings) { s.DuplicateHorizon = time.Hour })
				tt.limits(&o.Limits)
			})
			h.most = tt.most
			tt.add(h)
			h.settle()
			if read := h.worker.processed.Offset + 1; read != h.end() || !h.asked(opFetch) {
				t.Errorf("%d of %d records read; asks for %v, want more", read, h.end(), h.pendingOps())
			}
		})
	}
}
