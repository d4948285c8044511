package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// work is a batch being processed: its entities perhaps still loading.
type work struct {
	batch   Batch
	items   []item
	done    int  // items processed
	counted bool // some of them were
	loading []*entry
}

// item is a record made ready.
type item struct {
	record *Record
	// event is nil where the record is passed over without a look at what it holds, or holds none.
	event *detector.Event
	parts [3]part // the first count of them
	count int
	// kept tells that the event is copied, and place where it begins among the others; see Worker.keep.
	kept  bool
	place int
	// canary is the event of a record that is only skipped, and that the service wrote itself.
	canary *detector.Event
	// skip says why the record is only counted as skipped, dead why it is a dead letter; both empty for an event.
	skip string
	dead *DeadLetter
}

// part is an entity of an event, and what the event is to it.
type part struct {
	entry *entry
	is    relation
}

type relation uint8

const (
	// toCount: the entity has not counted the event yet.
	toCount relation = iota
	// toRecheck: it has, and may not have been judged since in sight of what other partitions counted.
	toRecheck
	// toLookAt: it is the event's sender, and only others count, which look at when it was first seen.
	toLookAt
)

func (it *item) parting() []part { return it.parts[:it.count] }

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
		if len(w.work.loading) > 0 || len(w.foreign) > 0 || w.profiling || w.goingOn {
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
	for i := range b.Records {
		r := &b.Records[i]
		if r.Offset <= w.processed.Offset {
			continue // a fetch may give what lies before the offset asked for
		}
		wk.items = append(wk.items, item{record: r})
		w.ready(wk, &wk.items[len(wk.items)-1], &b.decoded.events[i], b.decoded.faults[i])
	}
	w.items = wk.items
	w.work = wk
	if len(wk.loading) > 0 {
		keys := make([]windows.Key, len(wk.loading))
		for i, e := range wk.loading {
			keys[i] = e.key
		}
		w.load(keys)
	}
}

// ready decides which entities a record still concerns.
func (w *Worker) ready(wk *work, it *item, event *detector.Event, bad fault) {
	r := it.record
	w.inHand.Store(r.Offset + 1)
	defer func() {
		if p := recover(); p != nil {
			it.count, it.dead = 0, w.deadLetter(r, reasonPoison, "", fmt.Sprint(p))
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
	w.assign(wk, it)
}

// assign finds out what the event is to each of its entities.
func (w *Worker) assign(wk *work, it *item) {
	skip := reasonRedelivered
	w.keys = w.options.Set.AppendKeys(w.keys[:0], it.event)
	offset, counting := it.record.Offset, 0
	for i := range w.keys {
		key := &w.keys[i]
		hash := key.Hash()
		switch b := windows.BucketOf(hash); {
		case w.seeded(b, it.event):
			skip = reasonSeeded
		case offset > w.expected[b].Offset:
			it.add(part{w.entry(wk, key, hash), toCount})
			counting++
		case offset >= w.told && key.Kind != detector.KindSender:
			it.add(part{w.entry(wk, key, hash), toRecheck})
		}
	}
	switch {
	case counting == 0:
		it.skip = skip
	case it.first(toCount).key.Kind != detector.KindSender:
		it.add(part{w.entry(wk, &w.keys[0], w.keys[0].Hash()), toLookAt})
	}
}

func (it *item) add(p part) {
	it.parts[it.count] = p
	it.count++
}

// first is the first entity of that relation; there must be one.
func (it *item) first(is relation) *entry {
	for _, p := range it.parting() {
		if p.is == is {
			return p.entry
		}
	}
	panic("no such entity")
}

// entry gives the entity from memory, or one that is to be loaded.
func (w *Worker) entry(wk *work, key *windows.Key, hash uint64) *entry {
	e := w.set.get(key, hash)
	if e != nil {
		if e.subject != nil {
			w.tally.hits++
		}
		return e
	}
	// The id is part of a string that holds all texts of its event; what stays must not keep that.
	e = &entry{key: windows.Key{Kind: key.Kind, ID: strings.Clone(key.ID)}, hash: hash, bucket: windows.BucketOf(hash)}
	if entity := w.set.unpack(e); entity != nil {
		w.open(e, entity)
		w.tally.hits++
	} else {
		wk.loading = append(wk.loading, e)
		w.tally.misses++
	}
	w.set.add(e)
	return e
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
	for i, e := range w.work.loading {
		w.open(e, all[i].Entity)
		w.set.resize(e)
	}
	w.work.loading = nil
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
	m := w.options.Metrics
	if n := w.set.shrink(); n > 0 {
		m.evictions.Add(float64(n))
	}
	count, taken := w.set.count(), w.set.taken()
	m.entities.Add(float64(count - w.set.shownCount))
	m.entityBytes.Add(float64(taken - w.set.shownBytes))
	w.set.shownCount, w.set.shownBytes = count, taken
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

// process counts and judges a slice of a batch in order, up to an event of a day whose profile is not known. False means that a
// record made the code panic: what is in memory can't be trusted, and the record is marked so that the next time it is a dead
// letter.
func (w *Worker) process(wk *work) bool {
	defer w.report()
	for end := wk.done + w.slice; wk.done < len(wk.items); wk.done++ {
		if wk.done == end {
			w.goingOn = true
			w.ask(request{op: opGoOn})
			return true
		}
		if wk.done%ahead == 0 {
			w.warm(wk.items[wk.done:min(wk.done+ahead, len(wk.items))])
		}
		it := &wk.items[wk.done]
		if it.count > 0 {
			if _, known := w.profile(it.event); !known {
				return true
			}
		}
		if !w.processOne(it) {
			return false
		}
		w.processed = w.fence(it.record.Offset, it.record.Time)
		w.passed++
		w.passedBytes += it.record.size()
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
	clear(wk.items) // what is written over next time must not keep this batch until then
	w.recycle(&wk.batch)
	return true
}

// ahead is how many records' entities are read before the first of them is counted: more reads than the processor can
// have under way at once, few enough to be in its cache still when their turn comes.
const ahead = 16

// warm makes the processor fetch what counting these records will need.
func (w *Worker) warm(items []item) {
	for i := range items {
		for _, part := range items[i].parting() {
			w.warmed += w.options.Set.Warm(part.entry.subject)
		}
	}
}

func (w *Worker) processOne(it *item) (ok bool) {
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
	if it.skip != "" {
		m.events.WithLabelValues(outcomeSkipped, it.skip).Inc()
		w.observe(it, &detector.Conclusion{Outcome: detector.Outcome(it.skip)})
	} else {
		w.count(it)
	}
	w.recheck(it)
	return true
}

// recheck judges an event again for the entities that counted it in an earlier life: that may have ended after its
// counts were stored and before they were looked at beside those of other partitions.
func (w *Worker) recheck(it *item) {
	for _, part := range it.parting() {
		if part.is != toRecheck {
			continue
		}
		p, _ := w.profile(it.event)
		e := part.entry
		c := w.options.Set.Recheck(it.event, e.subject, p)
		w.options.Metrics.said(&c)
		e.subject.Release()
		w.pass(it.record, &c)
		w.queue(e)
	}
}

// count gives the event to its entities.
func (w *Worker) count(it *item) {
	w.subjects = detector.Subjects{}
	for _, part := range it.parting() {
		switch part.is {
		case toCount:
			w.subjects.Set(part.entry.subject)
		case toLookAt:
			w.subjects.Counted = part.entry.subject
		}
	}
	p, _ := w.profile(it.event)
	c := &w.conclusion
	w.options.Set.ObserveInto(c, it.event, &w.subjects, p, w.gathered)
	switch c.Outcome {
	case detector.Counted:
		w.work.counted = true
		w.tally.concluded(w.options.Metrics, c)
	case detector.Duplicate, detector.SameItem:
		w.options.Metrics.events.WithLabelValues(outcomeSkipped, string(c.Outcome)).Inc()
	}
	for _, part := range it.parting() {
		if part.is != toCount {
			continue
		}
		e := part.entry
		if events := e.subject.Entity.Events(); events > e.stored {
			e.stored = events
			if !w.options.Alone {
				w.doubt(it, e)
			}
		}
		e.subject.Release()
		w.change(e)
	}
	if c.Outcome == detector.TooLate && it.first(toCount).key.Kind == detector.KindSender {
		it.dead = w.deadLetter(it.record, string(c.Outcome), "event_time", "the sender keeps no counts of this time any more")
		it.dead.Reached = true
		w.bury(it)
		w.pass(it.record, c)
		return
	}
	w.pass(it.record, c)
	w.observe(it, c)
}

func (w *Worker) change(e *entry) {
	if w.pending == 0 {
		w.firstPending = w.now
	}
	w.pending++
	w.queue(e)
}

// queue puts the entry on the list for the next flush.
func (w *Worker) queue(e *entry) {
	w.set.resize(e)
	if !e.queued && e.subject.Dirty() {
		w.set.mark(e, true, e.flying)
		w.changed = append(w.changed, e)
	}
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
