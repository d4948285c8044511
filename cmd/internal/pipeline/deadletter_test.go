package pipeline

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows/memstore"
)

// TestNothingVanishes: a record of every fate between two good ones, each with its outcome and reason, and the good
// ones counted exactly.
func TestNothingVanishes(t *testing.T) {
	tests := []struct {
		name            string
		record          func(h *harness) Record
		outcome, reason string
		field, message  string // of a dead letter
	}{
		{
			"malformed", value("garbage"),
			outcomeDeadLettered, "malformed", "event_time", "event_time is missing",
		},
		{
			"too late for its record", at(-31 * 24 * time.Hour),
			outcomeDeadLettered, "too_late", "event_time", "event time 2026-01-30T08:00:00.000Z, record time 2026-03-02T08:00:00.000Z",
		},
		{
			"too late for its sender", at(-8 * 24 * time.Hour),
			outcomeDeadLettered, "too_late", "event_time", "the sender keeps no counts of this time any more",
		},
		{
			"future", at(time.Hour),
			outcomeDeadLettered, "future", "event_time", "event time 2026-03-02T09:00:00.000Z, record time 2026-03-02T08:00:00.000Z",
		},
		{"poison in decoding", value("panic"), outcomeDeadLettered, "poison", "", "a decoder's bug"},
		{
			"poison in judging", func(h *harness) Record { return Record{Value: []byte(h.parcel("A", poisonPlace, h.now))} },
			outcomeDeadLettered, "poison", "", poisonPanic,
		},
		{
			"a control record", func(*harness) Record { return Record{Key: []byte{0, 0, 0, 1}, Value: []byte{0, 0, 0, 0, 0, 9}} },
			outcomeSkipped, "control", "", "",
		},
		{"a duplicate", func(h *harness) Record { return Record{Value: h.log[0].Value} }, outcomeSkipped, "duplicate", "", ""},
		{
			"no shipment", func(h *harness) Record {
				return Record{Value: []byte(strings.Replace(h.parcel("A", "Hanoi", h.now), "posted", "departed", 1))}
			},
			outcomeSkipped, "not_shipment", "", "",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness(t, func(o *Options) {
				o.Set = smallSet(func(s *detector.Settings) {
					s.Admission = detector.Admission{Lateness: 30 * 24 * time.Hour, ClockTolerance: 10 * time.Minute}
					s.DuplicateHorizon = time.Hour
				})
			})
			h.post("A")
			bad := tt.record(h)
			bad.Offset, bad.Time = h.end(), h.now
			h.log = append(h.log, bad)
			h.settle()
			h.pass(time.Minute)
			h.post("A", "B")
			h.settle()
			h.stop()

			h.wantEvents(tt.outcome, tt.reason, 1)
			if h.events("A") != 2 || h.events("B") != 1 || h.committed != 4 {
				t.Errorf("%d and %d events stored, offset %d committed; want 2, 1 and 4", h.events("A"), h.events("B"), h.committed)
			}
			if tt.outcome == outcomeSkipped {
				h.wantSaid()
				return
			}
			h.wantSaid("dead letter 1 " + tt.reason)
			if d := h.said[0].DeadLetter; d.Field != tt.field || d.Error != tt.message || string(d.Record.Value) != string(bad.Value) {
				t.Errorf("field %q, error %q, value %q; want %q, %q, %q", d.Field, d.Error, d.Record.Value, tt.field, tt.message, bad.Value)
			}
		})
	}
}

func value(v string) func(*harness) Record {
	return func(*harness) Record { return Record{Value: []byte(v)} }
}

func at(after time.Duration) func(*harness) Record {
	return func(h *harness) Record { return Record{Value: []byte(h.parcel("A", "Hanoi", h.now.Add(after)))} }
}

// TestOutcomes counts a mixed batch by what became of its records.
func TestOutcomes(t *testing.T) {
	h := newHarness(t, nil)
	h.post("A", "B")
	h.add("garbage", "panic", strings.Replace(h.parcel("A", "Hanoi", h.now), "posted", "departed", 1))
	h.post("C")
	h.settle()
	h.wantEvents(outcomeCounted, "", 3)
	h.wantEvents(outcomeDeadLettered, "malformed", 1)
	h.wantEvents(outcomeDeadLettered, "poison", 1)
	h.wantEvents(outcomeSkipped, "not_shipment", 1)
}

// TestPoisonAtTheEdges: the first and the last record of a batch, which is the whole log.
func TestPoisonAtTheEdges(t *testing.T) {
	h := newHarness(t, nil)
	h.add(h.parcel("A", poisonPlace, h.now))
	h.post("A")
	h.add(h.parcel("A", poisonPlace, h.now))
	h.settle()
	h.stop()
	h.wantSaid("dead letter 0 poison", "dead letter 2 poison")
	h.wantRewinds(rewindPoison, 2)
	if h.events("A") != 1 || h.committed != 3 {
		t.Errorf("%d events stored, offset %d committed, want 1 and 3", h.events("A"), h.committed)
	}
	if len(h.worker.poison) != 0 {
		t.Errorf("remembers %d poison records after they are done with", len(h.worker.poison))
	}
}

// TestPoisonIsBuriedOnce: a record whose dead letter is out is not taken up again when its partition is read once more:
// neither judged, for its recipient is behind its fence, nor said, nor a reason to go back again.
func TestPoisonIsBuriedOnce(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits.FlushEvents, o.Limits.CommitInterval = 1, time.Hour })
	h.post("A")
	h.add(h.parcel("B", poisonPlace, h.now))
	h.do(opStand, opBegin)
	for h.worker.applied.Offset < 1 {
		h.do(h.pending[0].op)
	}
	h.store = memstore.New() // all is to be counted again
	h.post("A")
	h.settle()
	h.stop()
	h.wantSaid("dead letter 1 poison")
	h.wantRewinds(rewindPoison, 1)
	h.wantEvents(outcomeSkipped, reasonRedelivered, 1)
	if a, b := h.events("A"), h.events("B"); a != 2 || b != 0 {
		t.Errorf("%d and %d events stored, want 2 and 0", a, b)
	}
}

// TestPoisonStorm: a poison record every second does not make the worker read everything again each time, although
// neither a flush nor a commit nor a checkpoint is due for long.
func TestPoisonStorm(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits.CommitInterval = time.Hour })
	read := 0
	for range 50 {
		h.post("A", "B")
		h.add(h.parcel("C", poisonPlace, h.now))
		h.pass(time.Second)
		for h.worker.processed.Offset < h.end()-1 {
			q := h.pending[0]
			if q.op == opFetch {
				read += len(h.fetch(q.offset).Records)
			}
			h.do(q.op)
		}
		h.settle()
	}
	h.wantRewinds(rewindPoison, 50)
	if read > 3*len(h.log) {
		t.Errorf("%d records read of a log of %d", read, len(h.log))
	}
}

// TestSameItem is skipped and counted as such.
func TestSameItem(t *testing.T) {
	h := newHarness(t, func(o *Options) {
		o.Set = smallSet(func(s *detector.Settings) { s.ItemHorizon = time.Hour })
	})
	h.post("A")
	h.add(string(h.log[0].Value)) // the decoder takes the id for the item's number, too
	h.settle()
	h.stop()
	h.wantEvents(outcomeCounted, "", 1)
	h.wantEvents(outcomeSkipped, "same_item", 1)
	h.wantSaid()
	if h.events("A") != 1 || h.committed != 2 {
		t.Errorf("%d events stored, offset %d committed; want 1 and 2", h.events("A"), h.committed)
	}
}

// TestDeadLettersAreNotSaidAgain below the committed offset, where they were acknowledged; above it they may be lost,
// so they are.
func TestDeadLettersAreNotSaidAgain(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits.FlushInterval = time.Second })
	h.post("A")
	h.add("garbage")
	h.settle()
	h.pass(time.Minute)
	h.settle()
	h.pass(time.Minute)
	h.settle()
	h.add("rubbish")
	h.pass(time.Second)
	h.do(opFetch, opWrite) // said, not committed
	if h.committed != 2 {
		t.Fatalf("offset %d committed, want 2", h.committed)
	}
	h.start(nil)
	h.settle()
	h.wantSaid("dead letter 2 malformed")
	h.wantEvents(outcomeSkipped, "redelivered", 2) // the parcel of A and the garbage
	h.wantEvents(outcomeDeadLettered, "malformed", 1)
}

// TestOnlyDeadLetters: a partition without one good record moves on too.
func TestOnlyDeadLetters(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits.FlushInterval = time.Second })
	h.add("garbage", "rubbish")
	h.settle()
	h.pass(time.Minute)
	h.settle()
	if h.committed != 2 {
		t.Errorf("offset %d committed, want 2", h.committed)
	}
}

// TestTooLateIsRemembered: whether an event that its sender can't count any more is a repeat depends on the log alone,
// not on whether the sender was evicted from memory in between.
func TestTooLateIsRemembered(t *testing.T) {
	said := func(workingSet int64) []string {
		h := newHarness(t, func(o *Options) {
			o.Set = smallSet(func(s *detector.Settings) { s.DuplicateHorizon = 30 * 24 * time.Hour })
			o.Limits.FlushEvents, o.Limits.WorkingSet = 1, workingSet
		})
		h.most = 1
		h.post("A")
		h.add(h.parcel("A", "Hanoi", h.now.Add(-8*24*time.Hour)))
		h.post("B")
		h.log = append(h.log, Record{Offset: 3, Time: h.now, Value: h.log[1].Value})
		h.settle()
		return h.sayings()
	}
	roomy, tight := said(1<<20), said(1)
	if strings.Join(roomy, ", ") != strings.Join(tight, ", ") || len(roomy) != 1 {
		t.Errorf("said %q, and %q with a working set of 1", roomy, tight)
	}
}

func TestIsControl(t *testing.T) {
	tests := []struct {
		name       string
		key, value string
		want       bool
	}{
		{"commit", "\x00\x00\x00\x01", "\x00\x00\x00\x00\x00\x09", true},
		{"abort", "\x00\x00\x00\x00", "\x00\x00\x00\x00\x00\x09", true},
		{"another type", "\x00\x00\x00\x02", "\x00\x00\x00\x00\x00\x09", false},
		{"a key of four letters", "S-01", `{"a":1`, false},
		{"no key", "", "\x00\x00\x00\x00\x00\x09", false},
		{"an event under such a key", "\x00\x00\x00\x01", `{"event_id":"e1"}`, false},
	}
	for _, tt := range tests {
		if got := isControl(&Record{Key: []byte(tt.key), Value: []byte(tt.value)}); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestPoisonIsLoggedOnce, with its coordinates.
func TestPoisonIsLoggedOnce(t *testing.T) {
	var log bytes.Buffer
	h := newHarness(t, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	h.add("panic")
	h.post("A")
	h.settle()
	h.stop()
	if n := strings.Count(log.String(), "at=shipments/0/0/0"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, log.String())
	}
}
