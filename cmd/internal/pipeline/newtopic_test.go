package pipeline

import (
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/memstore"
)

// TestNewTopicBehindAFenceWithoutRecord: retention cut the records before they were read, so the fences name none; then
// the topic is made anew, and the new log holds one at their offset.
func TestNewTopicBehindAFenceWithoutRecord(t *testing.T) {
	old := namelessAt(9, true, nil)
	old.Source.Epoch = 3
	s := standing{fences: old, first: 0, end: 20, committed: 10, found: true, probed: simEpoch}
	if d := decide(s, false); d.cause != causeNewTopic || d.position != 0 || d.source.Epoch != 4 {
		t.Errorf("%s from %d in epoch %d, want a new topic from 0 in epoch 4", d.cause, d.position, d.source.Epoch)
	}
	if d := decide(s, true); d.cause != causeResume || d.position != 10 {
		t.Errorf("begun at the end: %s from %d, want to resume from 10", d.cause, d.position)
	}
}

// TestNewTopicCutAlready: a topic made anew began at 0; what retention took before anybody noticed is lost.
func TestNewTopicCutAlready(t *testing.T) {
	d := decide(standing{fences: fencesAt(299, nil), first: 7, end: 20, committed: 300}, false)
	if d.cause != causeNewTopic || d.position != 7 || d.lost != 7 {
		t.Errorf("%s from %d with %d lost, want a new topic from 7 with 7 lost", d.cause, d.position, d.lost)
	}
}

// TestPoisonOfAnotherTopic: the state is lost, and the topic is another one when the worker looks; what panicked in the
// old one is no reason to bury the record at that offset.
func TestPoisonOfAnotherTopic(t *testing.T) {
	h := newHarness(t, nil)
	h.add(h.parcel("A", poisonPlace, h.now))
	h.do(opStand, opBegin, opFetch, opLoad) // and back it goes
	h.store, h.log, h.committed = memstore.New(), nil, windows.NoOffset
	h.now = h.now.Add(time.Minute)
	h.post("A")
	h.settle()
	h.stop()
	h.wantSaid()
	if n := h.events("A"); n != 1 {
		t.Errorf("%d parcels counted, want 1", n)
	}
}

// TestDeadLettersAfterLostState: nothing tells any more whether the committed offset is one of this log, so the letters
// of all its records are said.
func TestDeadLettersAfterLostState(t *testing.T) {
	h := newHarness(t, nil)
	h.post("A", "A")
	h.settle()
	h.stop()
	h.store, h.log = memstore.New(), nil
	h.add("garbage", "garbage", "garbage")
	h.start(nil)
	h.settle()
	h.stop()
	h.wantSaid("dead letter 0 malformed", "dead letter 1 malformed", "dead letter 2 malformed")
}

// TestTooLateForARecipientAlone: the sender counted the parcel before a crash, the recipient keeps nothing as old. It is
// no dead letter: the sender has it.
func TestTooLateForARecipientAlone(t *testing.T) {
	set := smallSet(func(s *detector.Settings) {
		s.Fanin = &detector.CountSettings{Window: 24 * time.Hour, Threshold: 3}
	})
	h := newHarness(t, func(o *Options) { o.Set, o.Decoder = set, recipientDecoder{} })
	h.add(h.parcel("A", "R", h.now.Add(30*24*time.Hour)), h.parcel("B", "R", h.now))
	h.do(opStand, opBegin, opFetch, opLoad)
	h.pass(2 * time.Hour)
	q := h.take(opApply)
	recipient := windows.NewKey(detector.KindRecipient, "R").Bucket()
	for _, u := range q.updates {
		if u.Bucket != recipient {
			if _, err := h.store.Apply(t.Context(), q.source, []windows.Update{u}); err != nil {
				t.Fatal(err)
			}
		}
	}
	h.start(func(o *Options) { o.Set, o.Decoder = set, recipientDecoder{} })
	h.settle()
	h.stop()
	h.wantSaid()
	if n := h.events("B"); n != 1 {
		t.Errorf("%d parcels of B counted, want 1", n)
	}
}

// recipientDecoder reads textDecoder's place as the recipient.
type recipientDecoder struct{}

func (recipientDecoder) DecodeInto(e *detector.Event, value []byte, at windows.Coordinates, recordTime time.Time) error {
	err := textDecoder{}.DecodeInto(e, value, at, recordTime)
	e.Recipient, e.Destination = detector.Recipient(e.Destination), ""
	return err
}

func TestOffsetsWithout(t *testing.T) {
	for _, tt := range []struct {
		of, others offsets
		want       int64
	}{
		{offsets{100, 110}, offsets{}, 10},
		{offsets{100, 110}, offsets{100, 110}, 0},
		{offsets{100, 120}, offsets{100, 110}, 10},
		{offsets{50, 110}, offsets{100, 110}, 50}, // the state fell back farther
		{offsets{114, 120}, offsets{100, 110}, 6}, // a checkpoint was stored, and nobody knows
		{offsets{110, 110}, offsets{100, 110}, 0},
	} {
		if n := tt.of.without(tt.others); n != tt.want {
			t.Errorf("%d offsets of %v are not among %v, want %d", n, tt.of, tt.others, tt.want)
		}
	}
}
