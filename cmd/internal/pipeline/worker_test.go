package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/memstore"
)

// five is an incident: the sender's fifth parcel is one too many.
var five = []string{"A", "A", "A", "A", "A"}

// TestOrder: all output acknowledged, then deltas applied, then the offset committed.
func TestOrder(t *testing.T) {
	h := newHarness(t, nil)
	h.post(five...)
	h.do(opStand, opBegin, opFetch, opLoad)
	h.pass(2 * time.Hour) // a flush and a commit are due
	h.do(opCommit)
	if h.asked(opApply) || h.committed != 0 {
		t.Fatalf("asked for %v, committed %d before the alert was acknowledged", h.pendingOps(), h.committed)
	}
	h.do(opWrite)
	if h.asked(opApply) {
		t.Fatal("asked for the deltas to be applied before the alert was acknowledged")
	}
	h.do(opAlert)
	h.pass(time.Hour)
	if h.asked(opCommit) {
		t.Fatal("asked for a commit before the deltas were applied")
	}
	h.do(opApply, opCommit)
	h.wantSaid("flag e4", "alert create e4")
	if h.events("A") != 5 || h.committed != 5 {
		t.Errorf("%d events stored, offset %d committed, want 5 and 5", h.events("A"), h.committed)
	}
}

// TestOutputDuringAFlush does not hold the flush up: only what was said before it has to be acknowledged.
func TestOutputDuringAFlush(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits.FlushEvents = 5 })
	h.most = 5
	h.post(five...)
	h.post("A", "B")
	h.do(opStand, opBegin, opFetch, opLoad, opAlert, opWrite) // the flush of five is on its way
	apply := h.take(opApply)
	h.do(opFetch, opLoad)
	if !h.asked(opWrite) {
		t.Fatal("what the sixth parcel says waits for the flush")
	}
	h.answer(h.execute(apply))
	if h.events("A") != 5 || !slices.Equal(h.sayings(), []string{"alert create e4", "flag e4"}) {
		t.Errorf("%d events stored, said %q", h.events("A"), h.sayings())
	}
}

// TestUnhurriedFlush: a flush that only the time has made due may be spread; one that something waits for may not, also if that
// comes up while its outputs are being written.
func TestUnhurriedFlush(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Limits)
		do     func(*harness)
		want   time.Duration
	}{
		{"by the time", func(*Limits) {}, func(h *harness) { h.pass(time.Second) }, 250 * time.Millisecond},
		{"by a short time", func(l *Limits) { l.FlushInterval = 100 * time.Millisecond }, func(h *harness) { h.pass(time.Second) }, 50 * time.Millisecond},
		{"by the number of events", func(l *Limits) { l.FlushEvents = 5 }, func(*harness) {}, 0},
		{"at the stop", func(*Limits) {}, func(h *harness) { h.note(h.worker.stop()) }, 0},
		{"by the time, and the next is due", func(l *Limits) { l.FlushEvents = 6 }, func(h *harness) {
			h.pass(time.Second)
			h.post("A", "A", "A", "A", "A", "A")
			h.do(opFetch)
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHarness(t, func(o *Options) {
				o.Limits.FlushInterval = time.Second
				c.change(&o.Limits)
			})
			h.post(five...)
			h.do(opStand, opBegin, opFetch, opLoad)
			c.do(h)
			h.do(opAlert, opWrite)
			if got := h.take(opApply).spread; got != c.want {
				t.Errorf("spread over %v, want %v", got, c.want)
			}
		})
	}
}

// TestProfileAge is that of the profile which the last event was judged by: its own day's, or an older one where a wrong
// clock has decided a later day.
func TestProfileAge(t *testing.T) {
	h := newHarness(t, nil)
	chain := NewProfileChain(smallSet(nil))
	wait := func(days int, want time.Duration) {
		t.Helper()
		at := simEpoch.Add(time.Duration(days) * 24 * time.Hour)
		p, err := chain.For(t.Context(), detector.Day(at))
		if err != nil {
			t.Fatal(err)
		}
		h.worker.profiles[detector.Day(at)] = p
		h.add(h.parcel(fmt.Sprint(days), "Hanoi", at))
		h.settle()
		if age := testutil.ToFloat64(h.worker.metrics.profileAge); age != want.Seconds() {
			t.Errorf("on day %d the profile's age is %v s, want %v", days, age, want)
		}
	}
	wait(0, 8*time.Hour) // simEpoch is at eight
	wait(1, 8*time.Hour)
	wait(400, 8*time.Hour)
	wait(2, 32*time.Hour)
	wait(3, 56*time.Hour)
	h.stop()
}

// TestBackPressure: nothing is fetched while too much is counted and not applied; it goes on after the flush.
func TestBackPressure(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits.MaxUnflushed, o.Limits.FlushEvents = 3, 3 })
	h.most = 2
	h.post("A", "B", "A", "B", "A", "B", "A", "B")
	h.do(opStand, opBegin, opFetch, opLoad, opFetch)
	apply := h.take(opApply)
	if h.asked(opFetch) {
		t.Fatal("fetches on with 4 events in flight and a bound of 3")
	}
	h.answer(h.execute(apply))
	h.settle()
	if h.events("A") != 4 || h.events("B") != 4 {
		t.Errorf("%d and %d events stored, want 4 and 4", h.events("A"), h.events("B"))
	}
}

// TestBackPressureOfOutput: nothing is fetched while too many outputs are not acknowledged.
func TestBackPressureOfOutput(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits.MaxUnflushed = 2 })
	h.most = 1
	h.add("garbage", "garbage", "garbage", "garbage")
	h.do(opStand, opBegin, opFetch, opFetch)
	write := h.take(opWrite)
	if h.asked(opFetch) {
		t.Fatal("fetches on with 2 outputs not acknowledged and a bound of 2")
	}
	h.answer(h.execute(write))
	h.settle()
	if len(h.said) != 4 {
		t.Errorf("said %q, want 4 dead letters", h.sayings())
	}
}

// TestSmallBound: a bound below the size of a flush, and of a batch, makes flushes smaller and stops nothing, even
// where no time makes a flush due.
func TestSmallBound(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits = Limits{MaxUnflushed: 1, FlushEvents: 1000, WorkingSet: 1} })
	h.most = 3
	h.post("A", "B", "C", "A", "B", "C")
	h.settle()
	if h.committed != 6 || h.events("C") != 2 {
		t.Errorf("offset %d committed, %d events of C; want 6 and 2", h.committed, h.events("C"))
	}
}

// TestRecordsWithoutEvents are flushed and committed too, so that a source which keeps what is not committed stays
// bounded.
func TestRecordsWithoutEvents(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits = Limits{MaxUnflushed: 4, FlushEvents: 4, WorkingSet: 1} })
	h.most = 2
	for range 8 {
		h.add(strings.Replace(h.parcel("A", "Hanoi", h.now), "posted", "departed", 1))
	}
	h.settle()
	if h.committed != 8 {
		t.Errorf("offset %d committed, want 8", h.committed)
	}
}

// TestRefusedApply: the store met another fence, so the worker starts again from the fences and counts what is missing.
func TestRefusedApply(t *testing.T) {
	h := newHarness(t, nil)
	h.post("A", "B")
	h.do(opStand, opBegin)
	undo := h.store.Snapshot()
	h.settle()
	h.pass(time.Hour)
	h.settle()
	undo(func(int) bool { return true }) // the store falls back to before the first flush
	h.post("A")
	h.pass(time.Minute)
	h.settle()
	h.pass(time.Hour)
	h.do(opApply)
	h.wantRewinds(rewindRefused, 1)
	h.settle()
	h.pass(time.Hour)
	h.settle()
	if h.events("A") != 2 || h.events("B") != 1 || h.committed != 3 {
		t.Errorf("%d and %d events stored, offset %d committed; want 2, 1 and 3", h.events("A"), h.events("B"), h.committed)
	}
}

// TestLateUpdateAfterLostState: the state that a replaced worker began with is lost, and its successor begins at the same offset.
// What the first one still sends was concluded in sight of what is lost, so it does not fit the fence of the second.
func TestLateUpdateAfterLostState(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits.FlushEvents = 1 })
	h.post("A")
	h.do(opStand, opBegin, opFetch, opLoad)
	late := h.take(opApply)
	h.store = memstore.New()
	h.start(nil)
	h.do(opStand, opBegin)
	if c := h.execute(late); c.results[0].Status != windows.Refused || h.events("A") != 0 {
		t.Errorf("the late update is %s, %d events", c.results[0].Status, h.events("A"))
	}
	h.settle()
	h.pass(time.Hour)
	h.settle()
	if c := h.execute(late); c.results[0].Status != windows.Refused || h.events("A") != 1 {
		t.Errorf("after the second worker's: %s, %d events", c.results[0].Status, h.events("A"))
	}
	h.wantRewinds(rewindRefused, 0)
}

// TestLoadMeetsAnotherFence: somebody newer has counted in the bucket, so nothing may be counted on top of it.
func TestLoadMeetsAnotherFence(t *testing.T) {
	h := newHarness(t, nil)
	h.post("A")
	h.do(opStand, opBegin, opFetch)
	old := h.pending
	zombie := h.worker
	h.start(nil) // a new owner counts the parcel
	h.settle()
	h.pass(time.Hour)
	h.settle()

	h.worker, h.pending = zombie, old
	h.do(opLoad)
	if got := zombie.phase; got != phaseStanding {
		t.Fatalf("phase %v: the zombie took an entity whose fence has moved", got)
	}
	h.settle()
	h.stop()
	if n := h.events("A"); n != 1 {
		t.Errorf("%d events stored, want 1", n)
	}
}

// TestLoadBesideAFlush: a load that the store did before a flush and that is heard of after it is no reason to go back.
func TestLoadBesideAFlush(t *testing.T) {
	a, b := neighbours()
	h := newHarness(t, func(o *Options) { o.Limits.FlushEvents = 1 })
	h.most = 1
	h.post(a)
	h.do(opStand, opBegin, opFetch, opLoad)
	apply := h.take(opApply)
	h.post(b)
	h.do(opFetch) // the end
	h.pass(0)
	h.do(opFetch)
	loaded := h.execute(h.take(opLoad)) // before the flush
	h.answer(h.execute(apply))
	h.answer(loaded)
	h.settle()
	h.wantRewinds(rewindForeign, 0)
	if h.events(a) != 1 || h.events(b) != 1 {
		t.Errorf("%d and %d events stored, want 1 and 1", h.events(a), h.events(b))
	}
}

// neighbours are two senders of one bucket.
func neighbours() (a, b string) {
	seen := map[int]string{}
	for i := 0; ; i++ {
		name := fmt.Sprint("S", i)
		bucket := senderKey(name).Bucket()
		if other, ok := seen[bucket]; ok {
			return other, name
		}
		seen[bucket] = name
	}
}

// TestCheckpoint moves the fences of all buckets, also when nothing comes.
func TestCheckpoint(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits.FlushEvents, o.Limits.CheckpointInterval = 1, time.Minute })
	h.post("A", "B", "A")
	h.settle()
	if lowest, highest := h.fences(); lowest != windows.NoOffset || highest != 2 {
		t.Fatalf("fences from %d to %d, want -1 to 2", lowest, highest)
	}
	h.pass(time.Minute)
	h.settle()
	if lowest, highest := h.fences(); lowest != 2 || highest != 2 {
		t.Errorf("fences from %d to %d, want all at 2", lowest, highest)
	}
	h.done = nil
	h.pass(time.Minute)
	h.settle()
	if slices.Contains(h.done, opApply) {
		t.Error("fences that stand where they should are moved again")
	}
}

// TestCheckpointWithDeltas: a flush at the time of a checkpoint moves every fence in one go.
func TestCheckpointWithDeltas(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits.CheckpointInterval = time.Hour })
	h.post("A", "B", "C")
	h.settle()
	h.pass(time.Hour)
	h.do(opApply)
	lowest, highest := h.fences()
	if lowest != 2 || highest != 2 || h.events("A")+h.events("B")+h.events("C") != 3 {
		t.Errorf("fences from %d to %d", lowest, highest)
	}
}

// TestStop flushes, moves all fences and commits; the next owner reads nothing twice.
func TestStop(t *testing.T) {
	h := newHarness(t, nil)
	h.post(five...)
	h.settle()
	h.stop()
	lowest, _ := h.fences()
	if h.events("A") != 5 || h.committed != 5 || lowest != 4 {
		t.Errorf("%d events stored, offset %d committed, lowest fence %d; want 5, 5, 4", h.events("A"), h.committed, lowest)
	}
	h.start(nil)
	h.do(opStand)
	if q := h.take(opFetch); q.offset != 5 {
		t.Errorf("the next owner fetches from %d, want 5", q.offset)
	}
}

// TestStopAnywhere: after any number of steps the worker stops, and its successor completes the counts.
func TestStopAnywhere(t *testing.T) {
	for steps := range 25 {
		t.Run(fmt.Sprint(steps), func(t *testing.T) {
			h := newHarness(t, func(o *Options) { o.Limits.FlushEvents = 2 })
			h.most = 2
			h.post("A", "B", "A", "C")
			h.add("panic")
			h.post(five...)
			for range steps {
				if len(h.pending) > 0 {
					h.do(h.pending[0].op)
				}
			}
			h.stop()
			before := h.committed
			h.start(nil)
			h.settle()
			h.stop()
			if h.events("A") != 7 || h.events("B") != 1 || h.events("C") != 1 || h.committed != 10 || before > 10 {
				t.Errorf("%d, %d, %d events stored, offset %d committed; want 7, 1, 1, 10", h.events("A"), h.events("B"), h.events("C"), h.committed)
			}
		})
	}
}

// TestStopWhileTheStoreRefuses: nothing is committed, the next owner repairs.
func TestStopWhileTheStoreRefuses(t *testing.T) {
	h := newHarness(t, nil)
	undo := h.store.Snapshot()
	h.post("A")
	h.settle()
	undo(func(int) bool { return true }) // not even the first fences are left
	h.stop()
	if h.committed > 0 || h.events("A") != 0 {
		t.Fatalf("offset %d committed, %d events stored, want none", h.committed, h.events("A"))
	}
	h.start(nil)
	h.settle()
	h.stop()
	if h.committed != 1 || h.events("A") != 1 {
		t.Errorf("offset %d committed, %d events stored, want 1 and 1", h.committed, h.events("A"))
	}
}

// TestEndOfTheSource flushes, commits and stops.
func TestEndOfTheSource(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits.FlushInterval, o.Limits.CommitInterval = 0, 0 })
	h.post("A", "B")
	h.do(opStand, opBegin)
	h.finishSource()
	h.settle()
	if !h.worker.done() || h.committed != 2 {
		t.Errorf("done %v, offset %d committed, want true and 2", h.worker.done(), h.committed)
	}
}

// TestEndOfTheSourceWhileTheStoreRefuses: there is no next owner of a source that ended, so it is read again.
func TestEndOfTheSourceWhileTheStoreRefuses(t *testing.T) {
	h := newHarness(t, nil)
	h.post("A", "B")
	undo := h.store.Snapshot()
	h.do(opStand, opBegin)
	h.finishSource()
	h.do(opLoad)
	undo(func(int) bool { return true })
	h.do(opApply, opStand, opBegin)
	h.finishSource()
	h.settle()
	if !h.worker.done() || h.committed != 2 || h.events("A") != 1 {
		t.Errorf("done %v, offset %d committed, %d events; want true, 2, 1", h.worker.done(), h.committed, h.events("A"))
	}
}

// finishSource answers the fetch with the rest of the log and that there will never be more.
func (h *harness) finishSource() {
	h.t.Helper()
	c := h.execute(h.take(opFetch))
	c.batch.Done = true
	h.answer(c)
}

// TestOutOfRange: the log was cut below what the worker had yet to read; it notes how far all is counted, goes on at
// what is left and says the loss once.
func TestOutOfRange(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits.FlushEvents = 1 })
	h.post("A", "A")
	h.settle()
	h.post("A", "A", "B")
	h.first, h.log = 4, h.log[4:]
	h.settle()
	h.wantRewinds(rewindOutOfRange, 1)
	h.add(h.parcel("B", poisonPlace, h.now)) // and back once more
	h.pass(time.Second)
	h.settle()
	h.stop()
	if got := testutil.ToFloat64(h.metrics.lost); got != 2 {
		t.Errorf("%v records lost, want 2", got)
	}
	if h.events("A") != 2 || h.events("B") != 1 {
		t.Errorf("%d and %d events stored, want 2 and 1", h.events("A"), h.events("B"))
	}
}

// TestOutOfRangeFlushesFirst: what was read before the log was cut is counted, and what it has to say is said.
func TestOutOfRangeFlushesFirst(t *testing.T) {
	h := newHarness(t, nil) // no flush is due
	h.post(five...)
	h.do(opStand, opBegin, opFetch, opLoad)
	h.post("B", "B")
	h.first, h.log = 6, h.log[6:]
	h.do(opFetch)
	if h.asked(opFetch) || h.asked(opApply) {
		t.Fatalf("asks for %v before the alert is acknowledged", h.pendingOps())
	}
	h.settle()
	h.stop()
	h.wantSaid("alert create e4", "flag e4")
	if got := testutil.ToFloat64(h.metrics.lost); got != 1 || h.events("A") != 5 || h.events("B") != 1 {
		t.Errorf("%v records lost, %d and %d events stored, want 1, 5 and 1", got, h.events("A"), h.events("B"))
	}
}

// TestLossIsNotedInTheFences: an owner that starts behind a cut says the loss; the next one, after a crash, does not
// say it again.
func TestLossIsNotedInTheFences(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits.FlushEvents = 1 })
	h.post("A", "A")
	h.settle()
	h.stop()
	h.post("A", "A", "B")
	h.first, h.log = 4, h.log[4:]
	for _, want := range []float64{2, 0} {
		h.start(nil) // flushes nothing by itself
		h.settle()
		if got := testutil.ToFloat64(h.metrics.lost); got != want {
			t.Errorf("%v records lost, want %v", got, want)
		}
	}
}

// TestLostStateAndLog: what the store lost and the log does not hold is named; the rest is counted again.
func TestLostStateAndLog(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits.FlushEvents, o.Limits.CheckpointInterval = 1, time.Minute })
	h.post("A", "A", "A", "B")
	h.settle()
	h.pass(time.Minute)
	h.settle()
	h.first, h.log, h.store = 2, h.log[2:], memstore.New()
	h.pass(time.Minute) // nothing comes, and yet it is noticed
	h.settle()
	h.wantRewinds(rewindForeign, 1)
	h.wantRewinds(causeLostState, 1)
	if got := testutil.ToFloat64(h.metrics.lost); got != 2 || h.events("A") != 1 || h.events("B") != 1 {
		t.Errorf("%v records lost, %d and %d events stored, want 2, 1 and 1", got, h.events("A"), h.events("B"))
	}
	if got := testutil.ToFloat64(h.metrics.rewound.WithLabelValues(causeLostState)); got != 2 {
		t.Errorf("went back %v records, want 2", got)
	}
	if got := testutil.ToFloat64(h.worker.metrics.repair); got != 0 {
		t.Errorf("%v records are still to be repaired", got)
	}
}

// TestVerify looks at the fences while nothing comes, once a checkpoint interval, and takes those that a flush moves
// meanwhile for what they are.
func TestVerify(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Limits.FlushEvents, o.Limits.CheckpointInterval = 1, time.Minute })
	h.post("A")
	h.settle()
	h.pass(time.Minute) // a checkpoint
	h.settle()
	h.pass(time.Minute)
	before := h.execute(h.take(opVerify))
	h.post("A")
	h.settle()
	h.answer(before)
	h.pass(30 * time.Second)
	if h.asked(opVerify) {
		t.Error("looks at the fences again within the interval")
	}
	h.settle()
	h.wantRewinds(rewindForeign, 0)
}

// TestTopicCreatedAnew is read from its first record under a new epoch, and its dead letters are said although the
// group's offset is beyond them.
func TestTopicCreatedAnew(t *testing.T) {
	h := newHarness(t, nil)
	for range 100 {
		h.post("A")
	}
	h.settle()
	h.stop()

	h.log, h.now = nil, h.now.Add(24*time.Hour)
	h.post("A", "A")
	h.start(nil)
	h.do(opStand)
	h.wantRewinds(causeNewTopic, 1)
	h.settle()
	h.pass(time.Hour)
	h.do(opApply) // and dies before it commits
	h.add("garbage")
	h.start(nil)
	h.settle()
	h.stop()
	h.wantSaid("dead letter 2 malformed")
	if h.events("A") != 102 || h.committed != 3 {
		t.Errorf("%d events stored, offset %d committed, want 102 and 3", h.events("A"), h.committed)
	}
	if f, _ := h.store.Fences(t.Context(), "shipments", 0); f.Source.Epoch != 1 {
		t.Errorf("epoch %d, want 1", f.Source.Epoch)
	}
}

// TestMarks: outputs of records that were read before are marked so, others are not.
func TestMarks(t *testing.T) {
	h := newHarness(t, nil)
	marks := func() (all []string) {
		for i := range h.said {
			all = append(all, fmt.Sprintf("%d %v %v", h.said[i].Offset, h.said[i].Redelivered, h.said[i].Degraded))
		}
		return all
	}
	want := func(when string, want ...string) {
		t.Helper()
		if got := marks(); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q (offset, redelivered, degraded)", when, got, want)
		}
	}
	h.add("garbage")
	h.settle()
	want("at first", "0 false false")

	h.start(nil)
	h.settle()
	want("a new owner can't know that the first said it", "0 false false")
	h.stop()

	h.store, h.committed = memstore.New(), 1
	h.post(five...)
	h.start(nil)
	h.settle()
	want("after the store lost everything", "5 false false", "0 true true", "5 false false")

	h.start(nil)
	h.settle()
	h.add(h.parcel("A", poisonPlace, h.now))
	h.pass(time.Second)
	h.settle()
	want("the worker itself went back", "5 false false", "0 true false", "5 false false", "5 true true", "0 true true", "5 true true", "6 false false")
}
