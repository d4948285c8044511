package pipeline

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/watchdog"
)

// TestAlertsPassFlags: the sink hangs with a flag. Alerts go out and are acknowledged all the same, later ones of other
// senders too; but nothing is applied or committed, as the flag may never have got there.
func TestAlertsPassFlags(t *testing.T) {
	h := newHarness(t, nil)
	h.post(five...)
	h.do(opStand, opBegin, opFetch, opLoad)
	flag := h.take(opWrite)
	h.do(opAlert)
	h.post("B", "B", "B", "B", "B")
	h.do(opFetch, opLoad, opAlert)
	h.wantSaid("alert create e4", "alert create e9")
	if h.asked(opWrite) {
		t.Error("a second flag overtakes the first")
	}
	h.pass(2 * time.Hour) // a flush and a commit are due
	h.do(opCommit)
	if h.asked(opApply) || h.committed != 0 {
		t.Fatalf("asked for %v, committed %d while a flag was not acknowledged", h.pendingOps(), h.committed)
	}
	h.answer(h.execute(flag))
	if h.asked(opApply) {
		t.Fatal("asked for the deltas to be applied before the second flag was acknowledged")
	}
	h.do(opWrite, opApply)
	h.pass(time.Second)
	h.settle()
	h.wantSaid("alert create e4", "alert create e9", "flag e4", "flag e9")
	if h.events("B") != 5 || h.committed != 10 {
		t.Errorf("%d events stored, offset %d committed, want 5 and 10", h.events("B"), h.committed)
	}
}

// TestFlagsPassAlerts: the other way round, an alert is as good a reason to wait.
func TestFlagsPassAlerts(t *testing.T) {
	h := newHarness(t, nil)
	h.post(five...)
	h.do(opStand, opBegin, opFetch, opLoad)
	alert := h.take(opAlert)
	h.do(opWrite)
	h.pass(2 * time.Hour)
	h.do(opCommit)
	if h.asked(opApply) || h.committed != 0 {
		t.Fatalf("asked for %v, committed %d while an alert was not acknowledged", h.pendingOps(), h.committed)
	}
	h.answer(h.execute(alert))
	h.do(opApply)
	h.pass(time.Second)
	h.do(opCommit)
	if h.events("A") != 5 || h.committed != 5 {
		t.Errorf("%d events stored, offset %d committed, want 5 and 5", h.events("A"), h.committed)
	}
}

// TestAlertsLeaveALongBatch: what the first parcels of a batch say is written before the rest is counted. A flush that becomes
// due in between takes what is.
func TestAlertsLeaveALongBatch(t *testing.T) {
	h := newHarness(t, nil)
	h.stops, h.most = true, evenSlice+5
	h.post(five...)
	for i := range evenSlice {
		h.post(fmt.Sprint("S", i))
	}
	h.do(opStand, opBegin, opFetch, opLoad, opAlert, opWrite)
	h.wantSaid("alert create e4", "flag e4")
	h.pass(2 * time.Hour)
	h.do(opApply)
	if n := h.worker.applied.Offset + 1; n != evenSlice || h.events("A") != 5 {
		t.Errorf("%d records and %d events of A are stored, want %d and 5", n, h.events("A"), evenSlice)
	}
	h.do(opGoOn)
	h.stop()
	if h.committed != evenSlice+5 || h.events(fmt.Sprint("S", evenSlice-1)) != 1 {
		t.Errorf("offset %d committed, want %d", h.committed, evenSlice+5)
	}
}

// TestStopInALongBatch: what was counted is stored and committed, and the rest is left to the next owner.
func TestStopInALongBatch(t *testing.T) {
	h := newHarness(t, nil)
	h.stops, h.most = true, 2*evenSlice
	for i := range 2 * evenSlice {
		h.post(fmt.Sprint("S", i))
	}
	h.do(opStand, opBegin, opFetch, opLoad)
	goOn := h.take(opGoOn)
	h.note(h.worker.stop())
	h.answer(h.execute(goOn))
	h.stop()
	if h.committed != evenSlice || h.events(fmt.Sprint("S", evenSlice)) != 0 {
		t.Errorf("offset %d committed, want %d", h.committed, evenSlice)
	}
}

// TestAlertsOfASenderStayInOrder: what its later parcels say waits for the write of what the earlier ones said.
func TestAlertsOfASenderStayInOrder(t *testing.T) {
	h := newHarness(t, nil)
	h.most = 5
	h.post(five...)
	h.do(opStand, opBegin, opFetch, opLoad)
	create := h.take(opAlert)
	h.post(five...)
	h.do(opFetch)
	if h.asked(opAlert) {
		t.Fatal("two writes of alerts at once")
	}
	h.answer(h.execute(create))
	h.do(opAlert)
	h.wantSaid("alert create e4", "alert update e9")
}

// TestRunAlertsPassFlags: by the runner, too, an alert is out while a write of flags hangs.
func TestRunAlertsPassFlags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIO(parcels(6)...)
		f.hangs[opWrite] = 1
		w, _ := faultyWorker()
		watched(t, f, w, func(*watchdog.Watchdog) {
			time.Sleep(time.Minute) // of the bubble's clock
			synctest.Wait()
			if len(f.said) != 1 || f.said[0].Alert == nil || f.committed > 0 {
				t.Errorf("said %+v, offset %d committed, want the alert alone and none", f.said, f.committed)
			}
		})
	})
}
