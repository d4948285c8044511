package pipeline

import (
	"testing"
	"time"
)

// TestSharedSender: another partition counts parcels of the same sender. The apply's total shows it, the sender is
// loaded and judged again, and the offset is committed only after what comes of this is acknowledged.
func TestSharedSender(t *testing.T) {
	h := newHarness(t, nil)
	h.post("A")
	h.settle()
	h.elsewhere(1, "A", 4) // with ours that makes five, and nobody has seen five yet
	h.wantSaid()
	h.pass(time.Second)
	h.settle() // the offset where it began is committed
	h.pass(time.Hour)
	h.do(opApply)
	if h.asked(opCommit) {
		t.Fatal("asked for a commit before the sender was judged again")
	}
	h.do(opLoad)
	if h.asked(opCommit) {
		t.Fatal("asked for a commit before the alert was acknowledged")
	}
	h.do(opAlert, opWrite)
	h.wantSaid("alert create e0", "flag e0")
	h.do(opCommit)
	if h.committed != 1 {
		t.Errorf("offset %d committed, want 1", h.committed)
	}
}

// TestSharedSenderBusy: the sender goes on while its total is found to be foreign; it is judged again all the same.
func TestSharedSenderBusy(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits.FlushEvents, o.Limits.CommitInterval = 1, 0 })
	h.post("A")
	h.do(opStand, opBegin, opFetch, opLoad)
	apply := h.take(opApply)
	h.elsewhere(1, "A", 3)
	h.post("A") // counted while the first flush is on its way
	h.do(opFetch)
	h.pass(0)
	h.answer(h.execute(apply))
	h.settle()
	h.wantSaid("alert create e1", "flag e1")
	if h.committed != 2 || h.events("A") != 5 {
		t.Errorf("offset %d committed, %d events stored, want 2 and 5", h.committed, h.events("A"))
	}
}

// TestSharedSenderAtTheStop is judged again before the worker goes: the next owner would not do it.
func TestSharedSenderAtTheStop(t *testing.T) {
	h := newHarness(t, nil)
	h.post("A")
	h.settle()
	h.elsewhere(1, "A", 4)
	h.stop()
	h.wantSaid("alert create e0", "flag e0")
	if h.committed != 1 {
		t.Errorf("offset %d committed, want 1", h.committed)
	}
}

// TestStopWhileLoadingBesideASharedSender: the load under way for a batch that is dropped is not taken for the reload.
func TestStopWhileLoadingBesideASharedSender(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits.FlushEvents = 1 })
	h.most = 1
	h.post("A")
	h.do(opStand, opBegin, opFetch, opLoad)
	h.elsewhere(1, "A", 4)
	apply := h.take(opApply)
	h.post("B")
	h.do(opFetch)
	h.pass(0)
	h.do(opFetch) // B is to be loaded
	load := h.take(opLoad)
	h.note(h.worker.stop())
	h.answer(h.execute(apply))
	if h.asked(opLoad) {
		t.Fatal("two loads at once")
	}
	h.answer(h.execute(load))
	h.stop()
	h.wantSaid("alert create e0", "flag e0")
	if h.committed != 1 || h.events("B") != 0 {
		t.Errorf("offset %d committed, %d events of B stored, want 1 and 0", h.committed, h.events("B"))
	}
}

// TestNothingIsCountedWhileASenderIsJudgedAgain: its entry is about to be replaced.
func TestNothingIsCountedWhileASenderIsJudgedAgain(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits.FlushEvents = 1 })
	h.post("A")
	h.do(opStand, opBegin, opFetch, opLoad)
	h.elsewhere(1, "A", 1)
	h.do(opApply)
	h.post("A")
	h.do(opFetch)
	if n := h.worker.pending; n != 0 {
		t.Fatalf("%d events counted while the sender is being loaded", n)
	}
	h.settle()
	if h.events("A") != 3 {
		t.Errorf("%d events stored, want 3", h.events("A"))
	}
}

// TestPoisonInJudgingAgain neither stops the partition nor takes the count back; somebody hears of it.
func TestPoisonInJudgingAgain(t *testing.T) {
	h := newHarness(t, nil)
	h.post("A")
	h.settle()
	set := h.worker.options.Set
	h.worker.options.Set = nil // so that judging panics
	e := h.worker.shards[0].set.look(senderKey("A"))
	h.worker.reconsider(e, e.unsure[0])
	h.worker.options.Set = set
	h.stop()
	h.wantSaid("dead letter 0 poison")
	h.wantRewinds(rewindPoison, 0)
	if h.events("A") != 1 || h.committed != 1 {
		t.Errorf("%d events stored, offset %d committed, want 1 and 1", h.events("A"), h.committed)
	}
}
