package pipeline

import (
	"fmt"
	"slices"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// flight is a flush on its way: everything counted up to a record.
type flight struct {
	to      windows.Fence
	events  int
	bytes   int64 // of the records
	entries int
	updates []windows.Update
	barrier counts // outputs said before it; they must be acknowledged first
	// applying: the deltas have been sent.
	applying bool
	// checkpoint: it moves the fences of all buckets.
	checkpoint bool
	// pressed: something waited for it when it began.
	pressed bool
	began   time.Time
	oldest  time.Time // when the first of its events was counted, if it has any
}

// update is what the flight does to a bucket, nil if nothing.
func (f *flight) update(bucket int) *windows.Update {
	i, ok := slices.BinarySearchFunc(f.updates, bucket, func(u windows.Update, b int) int { return u.Bucket - b })
	if !ok {
		return nil
	}
	return &f.updates[i]
}

// nextFlush begins a flush when one is due and sends its deltas once everything said before is acknowledged. It reports
// whether the flush has landed already, as one without deltas does.
func (w *Worker) nextFlush() (landed bool) {
	if w.flight == nil && w.flushDue() {
		w.beginFlush()
	}
	f := w.flight
	if f == nil || f.applying || !w.heard(f.barrier) {
		return false
	}
	if len(f.updates) == 0 {
		w.landed()
		return true
	}
	f.applying = true
	w.ask(request{op: opApply, updates: f.updates, spread: w.leisure()})
	return false
}

func (w *Worker) flushDue() bool {
	if w.reloading {
		return false
	}
	limits := &w.options.Limits
	switch {
	case w.processed.Offset <= w.applied.Offset:
		return w.processed.Offset > w.checked && w.checkpointDue()
	case w.pressing():
		return true
	case limits.FlushInterval == 0:
		return false
	case w.pending > 0:
		return w.now.Sub(w.firstPending) >= limits.FlushInterval
	}
	return w.now.Sub(w.lastCommit) >= limits.CommitInterval || w.checkpointDue()
}

// pressing tells that something waits for a flush, whatever the time.
func (w *Worker) pressing() bool {
	limits := &w.options.Limits
	return w.phase == phaseStopping || w.leaving != "" || len(w.foreign) > 0 || w.pending >= limits.FlushEvents || w.passed >= limits.MaxUnflushed ||
		w.crowded() || w.passedPoison() // a poison one at once, so that the next doesn't cost reading all this again
}

// leisure is how long the flush may take, 0 if something waits for it or for the next one. Between its updates the store then has
// time for the entities that alerts wait for.
func (w *Worker) leisure() time.Duration {
	const longest = 250 * time.Millisecond
	if w.flight.pressed || w.pressing() {
		return 0
	}
	return min(w.options.Limits.FlushInterval/2, longest)
}

func (w *Worker) checkpointDue() bool {
	every := w.options.Limits.CheckpointInterval
	return w.phase == phaseStopping || w.leaving != "" || w.checkNow || w.passedPoison() || (every > 0 && w.now.Sub(w.lastCheck) >= every)
}

// passedPoison tells that a poison record lies behind, and that this is not applied yet.
func (w *Worker) passedPoison() bool {
	for offset := range w.poison {
		if offset <= w.processed.Offset {
			return true
		}
	}
	return false
}

// beginFlush takes the deltas of everything counted so far, by bucket. A checkpoint moves the other buckets' fences
// too, so that little is read twice later.
func (w *Worker) beginFlush() {
	f := &flight{
		to: w.processed, events: w.pending, bytes: w.passedBytes, barrier: w.said(), began: w.now, oldest: w.firstPending,
		pressed: w.pressing(),
	}
	if w.processed.Offset <= w.applied.Offset {
		// Only a checkpoint: a fence that does not move can't carry deltas, so what was judged again waits.
		f.updates, f.checkpoint = w.checkpoint(nil, f.to), true
		w.flight = f
		return
	}
	w.keep() // of a batch that waits half done
	w.each(func(s *shard) { w.takeAlong(s, f.to) })
	for _, s := range w.shards {
		f.updates = append(f.updates, s.hold.updates...)
		f.entries += len(s.hold.entries)
	}
	if w.checkpointDue() {
		f.updates, f.checkpoint = w.checkpoint(f.updates, f.to), true
	}
	w.pending, w.passed, w.passedBytes = 0, 0, 0
	w.flight = f
}

// takeAlong takes the deltas of a shard's changed entries into its hold, as updates by bucket.
func (w *Worker) takeAlong(s *shard, to windows.Fence) {
	s.changed, s.spare = byBucket(s.changed, s.spare), s.changed
	clear(s.spare)
	h := s.hold
	h.load(len(s.changed))
	var waiting []*entry
	for i := 0; i < len(s.changed); {
		bucket, n := s.changed[i].bucket, 1
		for i+n < len(s.changed) && s.changed[i+n].bucket == bucket {
			n++
		}
		if w.expected[bucket].Offset >= to.Offset {
			waiting = append(waiting, s.changed[i:i+n]...) // changed by what was judged again, behind the bucket's fence
		} else {
			u := w.update(bucket, to)
			u.Deltas = s.takeDeltas(s.changed[i : i+n])
			h.updates = append(h.updates, u)
		}
		i += n
	}
	clear(s.changed)
	s.changed = append(s.changed[:0], waiting...)
}

// byBucket gives entries in the order of their buckets, and within a bucket in that which they had, in room if that is enough.
func byBucket(entries, room []*entry) []*entry {
	var ends [windows.Buckets + 1]int // where a bucket's entries end, once all before it are in their places
	for _, e := range entries {
		ends[e.bucket+1]++
	}
	for b := range windows.Buckets {
		ends[b+1] += ends[b]
	}
	sorted := slices.Grow(room[:0], len(entries))[:len(entries)]
	for _, e := range entries {
		sorted[ends[e.bucket]] = e
		ends[e.bucket]++
	}
	return sorted
}

// takeDeltas takes the deltas of changed entries into the hold.
func (s *shard) takeDeltas(changed []*entry) []windows.Delta {
	h := s.hold
	from := len(h.deltas)
	for _, e := range changed {
		s.set.mark(e, false, true)
		e.sent, e.unsure = e.unsure, e.sent[:0]
		h.deltas = append(h.deltas, e.subject.TakeDeltaTo(h.room))
		s.set.resize(e)
	}
	h.entries = append(h.entries, changed...)
	return h.deltas[from:len(h.deltas):len(h.deltas)]
}

// checkpoint adds the buckets that are not among the changed ones and lag behind.
func (w *Worker) checkpoint(changed []windows.Update, to windows.Fence) []windows.Update {
	w.lastCheck, w.checked, w.checkNow = w.now, to.Offset, false
	all := make([]windows.Update, 0, windows.Buckets)
	for b := range windows.Buckets {
		switch {
		case len(changed) > 0 && changed[0].Bucket == b:
			all = append(all, changed[0])
			changed = changed[1:]
		case w.expected[b].Offset < to.Offset:
			all = append(all, w.update(b, to))
		}
	}
	return all
}

func (w *Worker) update(bucket int, to windows.Fence) windows.Update {
	return windows.Update{Bucket: bucket, Expected: w.expected[bucket], New: to}
}

// appliedAll takes the store's answers. A refusal means that the store lost writes or that somebody newer owns the
// partition; either way the fences know better.
func (w *Worker) appliedAll(results []windows.Result) {
	f := w.flight
	for i, r := range results {
		if r.Status == windows.Refused {
			w.rewind(rewindRefused)
			return
		}
		w.expected[f.updates[i].Bucket] = f.to
	}
	w.aboard(func(s *shard, e *entry, update, delta int) {
		w.settled(s, e, results[update].Events[delta])
	})
	w.landed()
}

// aboard gives each entry of the flight, its shard, and the numbers of its update and of its delta there.
func (w *Worker) aboard(each func(s *shard, e *entry, update, delta int)) {
	var last *shard
	next := 0
	for i := range w.flight.updates {
		u := &w.flight.updates[i]
		s := w.shardOf(u.Bucket)
		if s != last {
			last, next = s, 0
		}
		for j := range u.Deltas {
			each(s, s.hold.entries[next], i, j)
			next++
		}
	}
}

// settled ends an entry's flight. A total above its own shows that another source feeds the entity too.
func (w *Worker) settled(s *shard, e *entry, total int64) {
	s.set.mark(e, e.queued, false)
	flown := e.stored - w.uncounted(e)
	if total != flown {
		if !slices.Contains(w.foreign, e) {
			w.foreign = append(w.foreign, e)
		}
		e.unsure, e.sent = append(e.sent, e.unsure...), nil
		return
	}
	clear(e.sent)
	if e.sent = e.sent[:0]; len(e.unsure) == 0 {
		e.unsure, e.sent = nil, nil // it may stay quiet in memory for long
	}
}

// uncounted is the number of events counted in the entity since its delta was taken.
func (w *Worker) uncounted(e *entry) int64 { return e.subject.Entity.PendingEvents() }

// landed ends the flight.
func (w *Worker) landed() {
	f := w.flight
	w.flight = nil
	w.applied = f.to
	for i, n := range f.barrier {
		w.commitAfter[i] = max(w.commitAfter[i], n)
	}
	w.landings++
	if f.checkpoint {
		w.named = offsets{} // the fences say now what is missing
	}
	if w.loads {
		w.flown = append(w.flown, f)
	}
	for offset, p := range w.poison {
		if offset <= w.applied.Offset {
			delete(w.poison, offset)
			w.interred[offset] = p.time.UnixMilli()
			w.lastCommit = time.Time{} // commit at once, for the same reason as the early flush
		}
	}
	m := w.options.Metrics
	m.flushDuration.Observe(w.now.Sub(f.began).Seconds())
	m.flushEvents.Observe(float64(f.events))
	m.flushEntities.Observe(float64(f.entries))
	for i := range f.updates {
		f.updates[i].Deltas = nil // a load under way may still ask for the rest
	}
	for _, s := range w.shards {
		s.hold.unload()
	}
}

// nextReload loads the entities that other sources feed too, once none of their own counts are on the way.
func (w *Worker) nextReload() {
	if len(w.foreign) == 0 || w.flight != nil || w.loads {
		return
	}
	if slices.ContainsFunc(w.foreign, func(e *entry) bool { return e.queued }) {
		return // the next flush takes them along
	}
	w.reloading = true
	var keys []windows.Key
	for _, e := range w.foreign {
		keys = append(keys, e.key)
	}
	w.load(keys)
}

// reloaded judges the events of each such entity once more, in sight of all that is counted there.
func (w *Worker) reloaded(all []windows.Loaded) {
	w.reloading = false
	again := w.foreign
	w.foreign = nil
	for i, l := range all {
		old := again[i]
		w.open(old, l.Entity)
		var unsure []doubt
		for _, d := range old.unsure {
			unsure = w.addDoubt(unsure, d, old.key.Kind)
		}
		for _, d := range unsure {
			w.reconsider(old, d)
		}
		old.unsure, old.sent = nil, nil
		old.subject.Release()
		w.shardOf(old.bucket).queue(old)
	}
	w.commitAfter = w.said()
}

// reconsider judges an event of an entry again. If that panics, the event stays counted and is dead-lettered all the
// same: somebody has to look at it.
func (w *Worker) reconsider(e *entry, d doubt) {
	j := d.judged
	if j.Event() == nil {
		j.Put(w.event(d.kept))
	}
	r := &Record{Offset: j.Event().At.Offset, Time: j.Event().RecordTime}
	if again := j.Event().Resubmitted; again != nil {
		r.Time = again.At
	}
	defer func() {
		if p := recover(); p != nil {
			_ = e.subject.Open(e.subject.Entity)
			dead := w.deadLetter(r, reasonPoison, "", fmt.Sprint(p))
			dead.Reached = true
			w.bury(&item{record: r, dead: dead})
		}
	}()
	c := w.options.Set.Reconsider(j, e.subject)
	w.options.Metrics.said(&c)
	w.pass(r, &c)
}
