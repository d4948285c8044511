package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// work is a batch being processed: its entities perhaps still loading.
type work struct {
	batch   Batch
	items   []item
	done    int  // items processed
	counted bool // some of them were
	loading int  // entities under way
}

// item is a record made ready.
type item struct {
	record *Record
	// event is nil where the record is passed over without a look at what it holds, or holds none.
	event *detector.Event
	// claims is how many entities the event concerns; counting of them have not counted it yet, the sender among them if bySender is
	// set.
	claims, counting int
	bySender         bool
	// kept tells that the event is copied, and place where it begins among the others; see Worker.keep.
	kept  bool
	place int
	// canary is the event of a record that is only skipped, and that the service wrote itself.
	canary *detector.Event
	// skip says why the record is only counted as skipped, dead why it is a dead letter; both empty for an event.
	skip string
	dead *DeadLetter
}

// nextBatch takes up the next batch, and processes it as soon as its entities are here.
func (w *Worker) nextBatch() {
	for w.phase == phaseRunning {
		if w.work == nil {
			if w.fetch.ready == nil || len(w.foreign) > 0 || w.full() {
				return
			}
			w.prepare(*w.fetch.ready)
			w.fetch.ready = nil
		}
		if w.work.loading > 0 || len(w.foreign) > 0 || w.profiling || w.goingOn {
			return
		}
		if !w.process(w.work) {
			w.rewind(rewindPoison)
			return
		}
		if w.work.done < len(w.work.items) {
			return // until the profile of a day is here, or others had their turn
		}
		w.work = nil
		w.nextFetch()
	}
}

// prepare decides what each record of a batch is, and asks for the entities that are not in memory.
func (w *Worker) prepare(b Batch) {
	wk := &work{batch: b, items: w.items[:0]}
	w.keys = w.keys[:0]
	for i := range b.Records {
		r := &b.Records[i]
		if r.Offset <= w.processed.Offset {
			continue // a fetch may give what lies before the offset asked for
		}
		wk.items = append(wk.items, item{record: r})
		w.ready(len(wk.items)-1, &wk.items[len(wk.items)-1], &b.decoded.events[i], b.decoded.faults[i])
	}
	w.items = wk.items
	w.work = wk
	w.each(w.find)
	var keys []windows.Key
	for _, s := range w.shards {
		for _, e := range s.loading {
			keys = append(keys, e.key)
		}
		w.tally.hits += s.hits
		w.tally.misses += len(s.loading)
		s.hits = 0
	}
	if wk.loading = len(keys); len(keys) > 0 {
		w.load(keys)
	}
}

// ready decides which entities a record still concerns.
func (w *Worker) ready(number int, it *item, event *detector.Event, bad fault) {
	r := it.record
	w.inHand.Store(r.Offset + 1)
	defer func() {
		if p := recover(); p != nil {
			it.dead = w.deadLetter(r, reasonPoison, "", fmt.Sprint(p))
		}
	}()
	if p, ok := w.poison[r.Offset]; ok && p.time.Equal(r.Time) {
		it.dead = w.deadLetter(r, reasonPoison, "", p.how)
		return
	}
	if isControl(r) {
		it.skip = reasonControl
		return
	}
	if it.canary = w.canary(r, event, bad); it.canary != nil {
		it.skip = reasonCanary
		return
	}
	if w.buried.holds(r) || w.interred.holds(r) {
		it.skip = reasonRedelivered
		return
	}
	switch {
	case bad.panicked != "":
		it.dead = w.deadLetter(r, reasonPoison, "", bad.panicked)
		return
	case bad.err != nil:
		it.dead = w.deadLetter(r, reasonMalformed, fieldOf(bad.err), bad.err.Error())
		return
	}
	it.event = event
	switch outcome := w.options.Set.Admit(event); outcome {
	case detector.Counted:
	case detector.NotShipment:
		it.skip = string(outcome)
		return
	default:
		it.dead = w.deadLetter(r, string(outcome), "event_time",
			fmt.Sprintf("event time %s, record time %s", event.Time.Format(timeFormat), event.RecordTime.UTC().Format(timeFormat)))
		return
	}
	if u := w.options.Until; !u.IsZero() && !event.Time.Before(u) {
		it.skip = reasonAfterSeed
		return
	}
	w.assign(number, it)
}

// assign finds out what the event is to each of its entities.
func (w *Worker) assign(number int, it *item) {
	skip := reasonRedelivered
	sender := len(w.keys)
	w.keys = w.options.Set.AppendKeys(w.keys, it.event)
	kind, order := 0, detector.Kinds()
	for i := sender; i < len(w.keys); i++ {
		key := &w.keys[i]
		for order[kind] != key.Kind {
			kind++
		}
		c := claim{item: number, key: i, hash: key.Hash()}
		switch b := windows.BucketOf(c.hash); {
		case w.seeded(b, it.event):
			skip = reasonSeeded
		case it.record.Offset > w.expected[b].Offset:
			it.counting++
			it.bySender = it.bySender || i == sender
			w.claim(it, kind, c)
		case it.record.Offset >= w.told && i != sender:
			c.is = toRecheck
			w.claim(it, kind, c)
		}
	}
	switch {
	case it.counting == 0:
		it.skip = skip
	case !it.bySender:
		w.claim(it, 0, claim{item: number, key: sender, hash: w.keys[sender].Hash(), is: toLookAt})
	}
}

// claim notes a claim of a record on an entity of that kind.
func (w *Worker) claim(it *item, kind int, c claim) {
	it.claims++
	all := &w.shardOf(windows.BucketOf(c.hash)).claims[kind].all
	*all = append(*all, c)
}

const timeFormat = "2006-01-02T15:04:05.000Z07:00"

func fieldOf(err error) string {
	var m *Malformed
	if errors.As(err, &m) {
		return m.Field
	}
	return ""
}

func (w *Worker) deadLetter(r *Record, reason, field, message string) *DeadLetter {
	return &DeadLetter{
		Reason: reason, Field: field, Error: message,
		At: windows.Coordinates{Source: w.source, Offset: r.Offset}, Record: *r,
	}
}

// isControl recognises the control record of a transaction, which kafka-go delivers like any other: a key of two
// 16-bit numbers, version 0 and type 0 (abort) or 1 (commit), and a value of 6 bytes that begins with version 0. No
// JSON begins with a zero byte.
func isControl(r *Record) bool {
	k, v := r.Key, r.Value
	return len(k) == 4 && len(v) == 6 && k[0] == 0 && k[1] == 0 && k[2] == 0 && k[3] <= 1 && v[0] == 0 && v[1] == 0
}

// loaded takes entities from the store. A fence that is not where this worker put it means that the entity holds
// counts which the worker would count again, or lacks some that it has applied: it goes back to the fences.
func (w *Worker) loaded(all []windows.Loaded) {
	if !w.reloading && w.work == nil {
		return // stopping
	}
	for i := range all {
		if !w.isOurs(&all[i]) {
			w.rewind(rewindForeign)
			return
		}
	}
	if w.reloading {
		w.reloaded(all)
		return
	}
	for _, s := range w.shards {
		for i, e := range s.loading {
			w.open(e, all[i].Entity)
			s.set.resize(e)
		}
		all = all[len(s.loading):]
		clear(s.loading)
		s.loading = s.loading[:0]
	}
	w.work.loading = 0
}

func (w *Worker) isOurs(l *windows.Loaded) bool {
	b := l.Entity.Key.Bucket()
	if !l.Present {
		return false
	}
	if l.Fence.Is(w.expected[b]) {
		return true
	}
	if f := w.flight; f != nil && f.applying && f.update(b) != nil && l.Fence.Is(f.to) {
		return true
	}
	// Read before a flush that has landed since; whatever it moved, an entity that had to be loaded was not among it.
	return slices.ContainsFunc(w.flown, func(f *flight) bool {
		u := f.update(b)
		return u != nil && l.Fence.Is(u.Expected)
	})
}

// shrink evicts what the working set has no room for.
func (w *Worker) shrink() {
	var evicted atomic.Int64
	w.each(func(s *shard) { evicted.Add(int64(s.set.shrink())) })
	m := w.options.Metrics
	if n := evicted.Load(); n > 0 {
		m.evictions.Add(float64(n))
	}
	var count, taken int64
	for _, s := range w.shards {
		count += int64(s.set.count())
		taken += s.set.taken()
	}
	m.entities.Add(float64(count - w.shownCount))
	m.entityBytes.Add(float64(taken - w.shownBytes))
	w.shownCount, w.shownBytes = count, taken
}

// open has an entry take an entity from the store, made ready for the set.
func (w *Worker) open(e *entry, entity *windows.Entity) {
	entity.Settle(w.options.Set.Ladder())
	if err := e.open(entity); err != nil {
		w.options.Log.Error("an incident is forgotten; the counts stand", "error", err)
	}
}

// evenSlice is how many records are processed at once, some milliseconds of work with all rules on. Then what they say goes out,
// while the rest of a long batch is counted.
const evenSlice = 128

// longSlice is what takes its place where processors share a slice and wait for each other at its end: most of the time none does,
// and what is concluded lies in their caches still when it is said.
const longSlice = 1024

// process counts and judges a slice of a batch in order, up to an event of a day whose profile is not known. False means that a
// record made the code panic: what is in memory can't be trusted, and the record is marked so that the next time it is a dead
// letter.
func (w *Worker) process(wk *work) bool {
	defer w.report()
	slice := wk.items[wk.done:min(wk.done+w.slice, len(wk.items))]
	items := slice[:w.foreseen(slice)]
	w.judge(items)
	for i := range items {
		it := &items[i]
		if !w.processOne(it, &w.verdicts[i]) {
			return false
		}
		w.processed = w.fence(it.record.Offset, it.record.Time)
		w.passed++
		w.passedBytes += it.record.size()
	}
	wk.done += len(items)
	if len(items) < len(slice) {
		w.askProfile(slice[len(items)].event)
		return true
	}
	if wk.done < len(wk.items) {
		w.goingOn = true
		w.ask(request{op: opGoOn})
		return true
	}
	w.shrink()
	w.progressed()
	if wk.counted {
		w.options.Metrics.lastCounted.Set(unixSeconds(w.now))
	}
	w.repairs()
	w.lag(&wk.batch)
	if len(wk.items) > 0 {
		if last := &wk.items[len(wk.items)-1]; last.dead == nil && last.event != nil && last.event.Resubmitted == nil {
			w.metrics.timeLag.Set(w.now.Sub(last.event.Time).Seconds())
			w.profileAge(last.event)
		}
	}
	w.keep()
	// What is written over next time must not keep this batch until then.
	clear(wk.items)
	clear(w.keys)
	for _, s := range w.shards {
		for k := range s.claims {
			all := s.claims[k].all
			clear(all)
			s.claims[k] = claims{all: all[:0]}
		}
	}
	w.recycle(&wk.batch)
	return true
}

// processOne says what comes of a record. False means that it made the code panic.
func (w *Worker) processOne(it *item, v *verdict) (ok bool) {
	m := w.options.Metrics
	w.inHand.Store(it.record.Offset + 1)
	if _, ok := it.record.Header(headerFirst); ok {
		m.resubmitted.Inc()
	}
	if it.dead != nil {
		w.bury(it)
		return true
	}
	defer func() {
		if p := recover(); p != nil {
			w.poison[it.record.Offset] = panicked{it.record.Time, fmt.Sprint(p)}
			ok = false
		}
	}()
	if it.canary != nil {
		w.sing(it)
	}
	switch {
	case v.panicked != "":
		w.poison[it.record.Offset] = panicked{it.record.Time, v.panicked}
		return false
	case it.skip != "":
		m.events.WithLabelValues(outcomeSkipped, it.skip).Inc()
		w.observe(it, &detector.Conclusion{Outcome: detector.Outcome(it.skip)})
	default:
		w.concluded(it, &v.conclusion)
	}
	for i := range v.again {
		m.said(&v.again[i])
		w.pass(it.record, &v.again[i])
	}
	return true
}

// concluded says what was concluded of an event.
func (w *Worker) concluded(it *item, c *detector.Conclusion) {
	switch c.Outcome {
	case detector.Counted:
		w.work.counted = true
		w.tally.concluded(w.options.Metrics, c)
	case detector.Duplicate, detector.SameItem:
		w.options.Metrics.events.WithLabelValues(outcomeSkipped, string(c.Outcome)).Inc()
	}
	if w.pending == 0 {
		w.firstPending = w.now
	}
	w.pending += it.counting
	if c.Outcome == detector.TooLate && it.bySender {
		it.dead = w.deadLetter(it.record, string(c.Outcome), "event_time", "the sender keeps no counts of this time any more")
		it.dead.Reached = true
		w.bury(it)
		w.pass(it.record, c)
		return
	}
	w.pass(it.record, c)
	w.observe(it, c)
}

// pass hands over what is to be said of a conclusion.
func (w *Worker) pass(r *Record, c *detector.Conclusion) {
	for i := range c.Alerts {
		w.say(w.output(r, Output{Alert: &c.Alerts[i]}))
	}
	if c.Flag != nil {
		w.say(w.output(r, Output{Flag: c.Flag}))
	}
}

// bury dead-letters a record, unless the letter was acknowledged in an earlier life: it was, if the offset is committed.
func (w *Worker) bury(it *item) {
	if it.record.Offset < w.told {
		w.options.Metrics.events.WithLabelValues(outcomeSkipped, reasonRedelivered).Inc()
		return
	}
	w.options.Metrics.events.WithLabelValues(outcomeDeadLettered, it.dead.Reason).Inc()
	if it.dead.Reason == reasonPoison {
		w.options.Log.Error("a record made the code panic; it is a dead letter now", "at", it.dead.At.String(), "panic", it.dead.Error)
	}
	w.say(w.output(it.record, Output{DeadLetter: it.dead}))
	w.observe(it, &detector.Conclusion{Outcome: detector.Outcome(it.dead.Reason)})
}

func (w *Worker) output(r *Record, o Output) Output {
	o.Offset, o.RecordTime = r.Offset, r.Time
	o.Redelivered = r.Offset <= w.seen
	o.Degraded = r.Offset <= w.repairing
	return o
}

func (w *Worker) observe(it *item, c *detector.Conclusion) {
	if w.options.Observe != nil && it.event != nil { // there is none of a control record or a malformed one
		w.options.Observe(it.event, c)
	}
}
