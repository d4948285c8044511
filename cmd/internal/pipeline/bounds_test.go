package pipeline

import (
	"fmt"
	"slices"
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

// postFour appends four parcels of each of n senders: one too few for an alert.
func (h *harness) postFour(n int) {
	for i := range 4 * n {
		h.post(fmt.Sprint("S", i%n))
	}
}

// wantFour of each of n senders in the store, and all of the log committed.
func (h *harness) wantFour(n int) {
	h.t.Helper()
	for i := range n {
		if got := h.events(fmt.Sprint("S", i)); got != 4 {
			h.t.Errorf("%d events of S%d stored, want 4", got, i)
		}
	}
	if h.committed != h.end() {
		h.t.Errorf("offset %d committed, want %d", h.committed, h.end())
	}
}

// store and sink are what a test withholds.
func store() []operation { return []operation{opApply} }
func sink() []operation  { return []operation{opAlert, opWrite} }

// withhold does whatever the worker asks for but some operations, until it asks for nothing else. It calls watch after
// each step.
func (h *harness) withhold(held []operation, watch func()) {
	h.t.Helper()
	for range 100_000 {
		next := operation("")
		for _, q := range h.pending {
			if !slices.Contains(held, q.op) && (q.op != opFetch || q.offset < h.end()) {
				next = q.op
				break
			}
		}
		if next == "" {
			return
		}
		h.do(next)
		watch()
	}
	h.t.Fatalf("the worker does not settle; it asks for %v", h.pendingOps())
}

// slowly does whatever the worker asks for, some operations only when it asks for nothing else: no time passes but what
// the others take. It calls watch after each step.
func (h *harness) slowly(slow []operation, watch func()) {
	h.t.Helper()
	for {
		h.withhold(slow, watch)
		i := slices.IndexFunc(h.pending, func(q request) bool { return slices.Contains(slow, q.op) })
		if i < 0 {
			return
		}
		h.do(h.pending[i].op)
		watch()
	}
}

// peak is the most that has waited at once: records of events that are not applied, outputs that are not acknowledged.
type peak struct {
	events, outputs    int
	bytes, outputBytes int64
}

func (p *peak) note(w *Worker) {
	events, outputs := w.inTransit()
	bytes := w.passedBytes
	if w.flight != nil {
		bytes += w.flight.bytes
	}
	p.events, p.outputs = max(p.events, events), max(p.outputs, outputs)
	_, outputBytes := w.unacknowledged()
	p.bytes, p.outputBytes = max(p.bytes, bytes), max(p.outputBytes, outputBytes)
}

// wantStill: without an answer to some operations the worker has read that many records and reads no more, and commits
// none of them, not even after an hour, when all of that is due.
func (h *harness) wantStill(held []operation, read int64) {
	h.t.Helper()
	h.pass(time.Hour)
	h.withhold(held, func() {})
	if got := h.worker.processed.Offset + 1; got != read || h.committed > 0 {
		h.t.Errorf("%d records read and offset %d committed without an answer to %v, want %d and 0", got, h.committed, held, read)
	}
}

// unlimited leaves the bounds in bytes of records and outputs: no number decides anything, and no time but an hour.
func unlimited(o *Options) {
	o.Limits.FlushEvents, o.Limits.MaxUnflushed, o.Limits.WorkingSet = 1_000_000, 1_000_000, 1<<30
}

// TestMebibyteRecords: of records of a mebibyte, fetched by eights, 32 make a flush due, and with 64 that are not
// applied the worker reads no more.
func TestMebibyteRecords(t *testing.T) {
	h := newHarness(t, unlimited)
	h.most = 8
	h.postFour(50)
	h.heavy()
	var p peak
	watch := func() { p.note(h.worker) }
	h.withhold(store(), watch)
	if f := h.worker.flight; f == nil || f.events != 32 {
		t.Fatalf("the flight is %+v, want one of 32 events", f)
	}
	h.wantStill(store(), 64)
	h.do(opApply)
	if !h.asked(opFetch) {
		t.Errorf("asks for %v once half of it is applied, want it to read on", h.pendingOps())
	}
	h.slowly(store(), watch)
	if p.events != 64 || p.bytes >= maxUnflushedBytes+mebibyte {
		t.Errorf("%d events in %d bytes waited, want 64 and about as many MiB", p.events, p.bytes)
	}
	h.stop()
	h.wantFour(50)
}

// TestMebibyteDeadLetters: of dead letters of a mebibyte, 64 that are not acknowledged are as many as the worker keeps.
// The rest comes as they are acknowledged, without the time having to tell.
func TestMebibyteDeadLetters(t *testing.T) {
	h := newHarness(t, unlimited)
	h.most = 8
	for range 200 {
		h.add("garbage")
	}
	h.heavy()
	var p peak
	watch := func() { p.note(h.worker) }
	h.withhold(sink(), watch)
	h.wantStill(sink(), 64)
	h.slowly(sink(), watch)
	if p.outputs != 64 || max(p.bytes, p.outputBytes) >= maxUnflushedBytes+mebibyte {
		t.Errorf("%d outputs in %d bytes waited, of records of %d bytes, want 64 and about as many MiB", p.outputs, p.outputBytes, p.bytes)
	}
	if read := h.worker.processed.Offset + 1; read != 200 {
		t.Errorf("%d records read, want 200", read)
	}
	h.stop()
	for i, o := range h.said {
		if o.DeadLetter == nil || o.Offset != int64(i) {
			t.Fatalf("output %d is %+v, want the dead letter of that record", i, o)
		}
	}
	if len(h.said) != 200 || h.committed != 200 {
		t.Errorf("%d dead letters, offset %d committed, want 200 and 200", len(h.said), h.committed)
	}
}

// TestAlertsThatOutweighTheirRecords: each sender's parcel makes an alert and a flag, which are taken for 2.5 KiB. So
// 26,214 records of a few bytes make 64 MiB, and of 30,000, fetched by thousands, 27 fetches are read.
func TestAlertsThatOutweighTheirRecords(t *testing.T) {
	h := newHarness(t, func(o *Options) {
		unlimited(o)
		o.Set = smallSet(func(s *detector.Settings) { s.Limit.Shipments = 1 })
	})
	for i := range 30_000 {
		h.post(fmt.Sprint("S", i))
	}
	h.withhold(sink(), func() {})
	h.wantStill(sink(), 27_000)
	h.settle()
	h.stop()
	if len(h.said) != 60_000 || h.committed != 30_000 {
		t.Errorf("%d outputs, offset %d committed, want 60,000 and 30,000", len(h.said), h.committed)
	}
}

// TestBurst: a hundred times the ten parcels that make a flush come at once, and the store answers only when the worker
// can do nothing else. What waits is two flushes, or a single fetch if that alone is more.
func TestBurst(t *testing.T) {
	for _, tt := range []struct {
		name          string
		most, waiting int // records a fetch, events at once
	}{
		{"in fetches of ten", 10, 20},
		{"in two fetches", 500, 500},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness(t, func(o *Options) {
				unlimited(o)
				o.Limits.FlushEvents, o.Limits.MaxUnflushed = 10, 20
			})
			h.most = tt.most
			h.postFour(250)
			var p peak
			h.slowly(store(), func() { p.note(h.worker) })
			if p.events != tt.waiting {
				t.Errorf("%d events waited, want %d", p.events, tt.waiting)
			}
			h.stop()
			h.wantFour(250)
		})
	}
}

// TestSlowSink: each parcel is flagged, and the 1st, 2nd, 4th, 8th and so on make or update an alert. The first 15 say 19
// things, which are as many as may wait, and nothing is read or applied until the sink answers. When it does, but only
// when there is nothing else to do, nothing is in the store before its flag is acknowledged.
func TestSlowSink(t *testing.T) {
	h := newHarness(t, func(o *Options) {
		o.Set = smallSet(func(s *detector.Settings) { s.Limit.Shipments = 1 })
		o.Limits.FlushEvents, o.Limits.MaxUnflushed = 10, 19
	})
	h.most = 5
	for range 500 {
		h.post("A")
	}
	var flags []int64
	var p peak
	watch := func() {
		p.note(h.worker)
		flags = flags[:0]
		for _, o := range h.said {
			if o.Flag != nil {
				flags = append(flags, o.Offset)
			}
		}
		if stored := h.events("A"); stored > int64(len(flags)) || h.committed > stored {
			t.Fatalf("%d flags acknowledged, %d events stored, offset %d committed", len(flags), stored, h.committed)
		}
	}
	h.withhold(sink(), watch)
	h.wantStill(sink(), 15)
	watch()
	h.slowly(sink(), watch)
	if p.events >= 19+5 || p.outputs >= 19+6 {
		t.Errorf("%d events and %d outputs waited, want fewer than the bound and one fetch of each", p.events, p.outputs)
	}
	h.stop()
	watch()
	for i, offset := range flags {
		if offset != int64(i) {
			t.Fatalf("flag %d is of record %d", i, offset)
		}
	}
	if h.events("A") != 500 || h.committed != 500 || len(flags) != 500 || len(h.said) != 509 {
		t.Errorf("%d events stored, offset %d committed, %d flags, %d outputs; want 500, 500, 500 and 509", h.events("A"), h.committed, len(flags), len(h.said))
	}
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
