package pipeline

import (
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// Options are what a Worker needs to know.
type Options struct {
	Set       *detector.Set
	Decoder   Decoder
	Topic     string
	Partition int
	Limits    Limits
	Metrics   *Metrics
	// StartAtEnd makes a partition that was never read start at its end, not at its first record.
	StartAtEnd bool
	// Until, unless zero, makes it a seed: events at or after it are skipped, and the cut that SetCut noted is for others.
	// It is in whole milliseconds.
	Until time.Time
	// Alone tells that nobody else counts in the store: no entity ever holds what this worker has not judged its events in
	// sight of, so none of them is kept to be judged again. What is concluded is the same.
	Alone bool
	// Shards is how many parts the entities are dealt out to, so that as many processors can count and judge at once; 0 is one. An
	// alert waits for a longer slice of its batch then.
	Shards int
	// Log gets what an operator should know of the partition's state: nothing an event. Nil logs nothing.
	Log *slog.Logger
	// Canary, unless nil, is what the service tests itself with.
	Canary *Canary
	// Writer begins the numbers of the worker's fences: each time that it stands anew it has the next one. 0 takes one at random.
	Writer uint64
	// Observe, unless nil, is called for every decoded event in order, with what was concluded of it. Both hold until it
	// returns.
	Observe func(*detector.Event, *detector.Conclusion)
}

// Limits bound the work in hand. An interval of 0 means: not by time.
type Limits struct {
	// FlushEvents and FlushInterval say when a flush is due.
	FlushEvents   int
	FlushInterval time.Duration
	// MaxUnflushed is the number of events counted but not applied, or outputs not acknowledged, at which the worker
	// stops reading.
	MaxUnflushed int
	// MaxUnflushedBytes bounds what these records take; 0 is 64 MiB.
	MaxUnflushedBytes int64
	// CommitInterval is how often the offset is committed, CheckpointInterval how often the fences of all buckets
	// are moved.
	CommitInterval, CheckpointInterval time.Duration
	// WorkingSet is how many bytes the entities kept in memory take, about. When those with changes take as much, the
	// worker stops reading until a flush is through.
	WorkingSet int64
}

// operation names what a Worker asks for.
type operation string

const (
	opStand   operation = "position" // read fences, bounds, committed offset
	opBegin   operation = "begin"    // write the first fences
	opProfile operation = "profile"  // what a day's population profile is, and what it teaches
	opFetch   operation = "fetch"
	opLoad    operation = "load"
	opGoOn    operation = "go on" // nothing: the worker lets others come in between
	opAlert   operation = "alert" // write alerts
	opWrite   operation = "write" // write flagged shipments and dead letters
	opApply   operation = "apply"
	opCommit  operation = "commit"
	opVerify  operation = "verify" // read fences that should stand where they are
)

var operations = [...]operation{opStand, opBegin, opProfile, opFetch, opLoad, opAlert, opWrite, opApply, opCommit, opVerify}

// request asks for one operation. At most one of each kind is under way in a session.
type request struct {
	session int
	op      operation
	source  windows.Source
	offset  int64            // opFetch: from; opCommit
	fence   windows.Fence    // opBegin
	keys    []windows.Key    // opLoad
	outputs []Output         // opAlert, opWrite
	updates []windows.Update // opApply
	spread  time.Duration    // opApply: over which it may be spread, 0 for at once
	day     int64            // opProfile
	sums    *detector.Sums   // opProfile: gathered since the last one
	known   bool             // opProfile: only the sums are to be stored
}

// completion answers a request of the same session and operation.
type completion struct {
	session  int
	op       operation
	standing standing          // opStand
	cuts     *windows.Fences   // opBegin: read after it, so that a seed which begins meanwhile sees one or is seen
	fences   *windows.Fences   // opVerify
	batch    Batch             // opFetch
	outside  bool              // opFetch: ErrOutOfRange
	loaded   []windows.Loaded  // opLoad
	results  []windows.Result  // opApply
	day      int64             // opProfile
	profile  *detector.Profile // opProfile; nil if it was not asked for
}

type phase int

const (
	phaseNew      phase = iota
	phaseStanding       // working out the position
	phaseRunning
	phaseStopping // flushing what is done
	phaseStopped
)

// Why a worker went back to its fences while running.
const (
	rewindRefused    = "refused"      // an apply met another fence than expected
	rewindForeign    = "moved"        // a load, or a look while nothing came, met another fence than expected
	rewindOutOfRange = "out_of_range" // the log was cut or is another one
	rewindPoison     = reasonPoison   // a record made the code panic
)

// Worker carries one partition on, a step at a time. It belongs to one goroutine.
type Worker struct {
	options Options
	metrics partitionMetrics
	now     time.Time
	phase   phase
	// decoding is the offset after that of the record being decoded, 0 for none; inHand of that being judged, or of the
	// last one that was; for Where.
	decoding, inHand atomic.Int64
	// session counts the times that the worker began at its fences; completions of an older one are void.
	session int
	out     []request

	source    windows.Source
	cuts      *windows.Fences                // see SetCut; nil for none
	expected  [windows.Buckets]windows.Fence // of each bucket, as the store should have it
	committed int64                          // the offset last committed
	told      int64                          // records before it had their dead letters acknowledged before
	seen      int64                          // records up to it were read before: redelivered
	repairing int64                          // records up to it repair lost state: degraded
	named     offsets                        // records that are named as lost, until a checkpoint has noted it
	back      goingBack                      // why it stands, if it went back
	leaving   string                         // why the worker is to stand anew as soon as all that it has read is flushed
	poison    map[int64]panicked             // records that made the code panic
	buried    buried                         // dead letters of earlier lives
	interred  buried                         // of this life, of records that made the code panic

	fetch       fetching
	work        *work
	decodings   decodings
	kept        []byte        // room for keep
	slice       int           // how many records are processed at once
	goingOn     bool          // an opGoOn is under way
	items       []item        // of the work in hand, or the last one: to be used again
	keys        []windows.Key // that its claims are on
	verdicts    []verdict     // of the slice in hand, or the last one
	tally       tally
	shards      []*shard // at least one, each of as many buckets
	shownBytes  int64    // of their working sets, what the gauge shows
	shownCount  int64
	pending     int   // events counted since the last flush began
	passed      int   // records processed since then
	passedBytes int64 // of these records

	profiles map[int64]*detector.Profile // in force, by day
	today    struct {                    // the one looked at last
		day     int64
		profile *detector.Profile
	}
	profiling  bool // an opProfile is under way
	lastTaught time.Time

	processed    windows.Fence // the last record processed
	applied      windows.Fence // everything up to it is in the store
	firstPending time.Time     // when the oldest pending event was counted
	flight       *flight
	foreign      []*entry  // their totals show counts of another source; to be loaded and judged again
	loads        bool      // a load is under way
	reloading    bool      // it is for foreign
	flown        []*flight // landed since that load was asked for
	outboxes     [streams]outbox
	commitAfter  counts // said, when the last applied events had been judged
	checked      int64  // the record to which the last checkpoint moved all fences
	checkNow     bool   // a checkpoint is due
	verifying    bool   // an opVerify is under way
	landings     int    // flushes landed since it was asked for
	committing   bool
	lastCommit   time.Time
	lastCheck    time.Time
	ended        bool // the source has no more, and the worker is to read it to the end
}

// goingBack is a rewind whose end is not known yet.
type goingBack struct {
	cause string
	from  int64 // the last record processed
}

// panicked is a record that made the code panic: its timestamp, as a topic made anew has another one at that offset, and
// how.
type panicked struct {
	time time.Time
	how  string
}

type fetching struct {
	next     int64 // offset to fetch next
	underWay bool
	ready    *Batch
}

// NewWorker makes a worker that does nothing until it is started.
func NewWorker(o Options) *Worker {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Log = o.Log.With("topic", o.Topic, "partition", o.Partition)
	if o.Writer == 0 {
		o.Writer = rand.Uint64()
	}
	if o.Limits.MaxUnflushedBytes == 0 {
		o.Limits.MaxUnflushedBytes = maxUnflushedBytes
	}
	w := &Worker{
		options: o, poison: map[int64]panicked{}, interred: buried{}, slice: evenSlice, seen: windows.NoOffset, repairing: windows.NoOffset,
		profiles: map[int64]*detector.Profile{}, shards: make([]*shard, max(1, o.Shards)),
	}
	if o.Shards > 1 {
		w.slice = longSlice
	}
	w.emptyShards()
	return w
}

// start begins the work and gives the first requests.
func (w *Worker) start(now time.Time) []request {
	w.metrics = w.options.Metrics.partition(w.options.Topic, w.options.Partition)
	w.now = now
	w.progressed() // a partition that does not even begin shows by the time since
	w.stand()
	return w.take()
}

// tick tells the time.
func (w *Worker) tick(now time.Time) []request {
	w.now = now
	w.advance()
	w.show()
	return w.take()
}

// stop ends the work: what is counted is flushed and committed, nothing more is read.
func (w *Worker) stop() []request {
	w.finish()
	w.advance()
	return w.take()
}

// complete takes the answer to a request.
func (w *Worker) complete(c completion, now time.Time) []request {
	w.now = now
	if c.session != w.session || w.phase == phaseStopped {
		return nil
	}
	switch c.op {
	case opStand:
		w.stood(c.standing)
	case opBegin:
		if c.cuts != nil {
			w.cuts = c.cuts
		}
		w.run()
	case opFetch:
		w.fetched(c.batch, c.outside)
	case opLoad:
		w.loads = false
		w.loaded(c.loaded)
	case opGoOn:
		w.goingOn = false
	case opProfile:
		w.profiled(c.day, c.profile)
	case opAlert:
		w.outboxes[alerts].acknowledge(w.now)
	case opWrite:
		w.outboxes[others].acknowledge(w.now)
	case opApply:
		w.appliedAll(c.results)
	case opVerify:
		w.verified(c.fences)
	case opCommit:
		w.committing = false
		if w.phase == phaseStanding { // of a new topic
			w.ask(request{op: opBegin, fence: w.expected[0]}) // all buckets begin alike
		}
	}
	w.advance()
	w.show()
	return w.take()
}

// done reports that the worker has stopped and wants nothing more.
func (w *Worker) done() bool { return w.phase == phaseStopped }

func (w *Worker) take() []request {
	out := w.out
	w.out = nil
	return out
}

func (w *Worker) ask(r request) {
	r.session, r.source = w.session, w.source
	w.out = append(w.out, r)
}

// load asks for entities.
func (w *Worker) load(keys []windows.Key) {
	w.loads, w.flown = true, nil
	w.ask(request{op: opLoad, keys: keys})
}

// stand drops everything in memory and asks where the partition stands. Whatever was not applied is read again.
func (w *Worker) stand() {
	w.session++
	w.phase = phaseStanding
	w.fetch, w.work, w.flight = fetching{}, nil, nil
	w.dropWorkingSet()
	w.pending, w.passed, w.passedBytes = 0, 0, 0
	w.foreign, w.loads, w.reloading, w.flown = nil, false, false, nil
	w.outboxes, w.commitAfter = [streams]outbox{}, counts{}
	w.committing, w.ended, w.verifying, w.checkNow, w.leaving = false, false, false, false, ""
	w.profiling, w.goingOn = false, false
	w.ask(request{op: opStand})
}

func (w *Worker) dropWorkingSet() {
	w.options.Metrics.entities.Sub(float64(w.shownCount))
	w.options.Metrics.entityBytes.Sub(float64(w.shownBytes))
	w.shownCount, w.shownBytes = 0, 0
	w.emptyShards()
}

func (w *Worker) emptyShards() {
	for i := range w.shards {
		w.shards[i] = newShard(w.options.Limits.WorkingSet / int64(len(w.shards)))
	}
}

// rewind begins again at the fences.
func (w *Worker) rewind(cause string) {
	w.options.Metrics.rewinds.WithLabelValues(cause).Inc()
	w.options.Log.Warn("going back to the last counted records", "cause", cause, "processed", w.processed.Offset, "counted", w.applied.Offset)
	w.repairing = max(w.repairing, w.processed.Offset)
	w.seen = max(w.seen, w.processed.Offset)
	w.back = goingBack{cause, w.processed.Offset}
	if w.phase == phaseStopping && !w.ended {
		// Nothing more is to be read; what was not applied stays uncommitted for the next owner. A source that ended
		// has no next owner.
		w.halt()
		return
	}
	w.stand()
}

// stood decides where to begin.
func (w *Worker) stood(s standing) {
	d := decide(s, w.options.StartAtEnd)
	switch d.cause {
	case causeLostState, causeNewTopic:
		w.options.Metrics.rewinds.WithLabelValues(d.cause).Inc()
		w.options.Log.Warn("reading from the first record there is", "cause", d.cause, "offset", d.position, "committed", s.committed)
	}
	if d.cause == causeNewTopic {
		w.named = offsets{}
	}
	if gone := (offsets{s.first - d.lost, s.first}); gone.without(w.named) > 0 {
		lost := gone.without(w.named)
		w.options.Metrics.lost.Add(float64(lost))
		w.options.Log.Error("records are cut from the log and not in the counts", "records", lost, "first", s.first, "cause", d.cause)
		w.named, w.checkNow = gone, true
	}
	_, highest, _ := extent(s.fences)
	w.source, w.cuts, w.buried = d.source, s.cuts, s.buried
	if s.committed > s.end {
		s.committed = windows.NoOffset // of another log than this one
	}
	// No farther than the fences: beyond them nothing tells that the offset is one of this log.
	w.committed, w.told = s.committed, min(s.committed, highest.Offset+1)
	w.seen = max(w.seen, highest.Offset, s.committed-1)
	switch d.cause {
	case causeNewTopic:
		w.committed = d.position
		w.told, w.seen, w.repairing = windows.NoOffset, windows.NoOffset, windows.NoOffset
		clear(w.poison)
		clear(w.interred)
	case causeLostState:
		w.repairing = max(w.repairing, w.seen)
		w.back = goingBack{d.cause, w.seen}
	case causeFirst:
		w.repairing = windows.NoOffset
	}
	w.expected = s.fences.At
	if d.begin != nil {
		*d.begin = w.fence(d.begin.Offset, time.Time{})
		d.begin.Begun = true
		for b := range w.expected {
			if !s.fences.Present[b] || d.cause == causeNewTopic {
				w.expected[b] = *d.begin
			}
		}
	}
	w.fetch.next = d.position
	w.processed = w.fence(d.position-1, time.Time{})
	w.repairs()
	if far := w.back.from - w.processed.Offset; w.back.cause != "" && d.cause != causeNewTopic && far > 0 {
		w.options.Metrics.rewound.WithLabelValues(w.back.cause).Add(float64(far))
		w.options.Log.Warn("reading again", "cause", w.back.cause, "from", d.position, "records", far)
	}
	w.back = goingBack{}
	w.applied, w.checked = w.processed, w.processed.Offset
	if lowest, _, _ := extent(s.fences); d.begin == nil {
		w.checked = lowest.Offset
	}
	switch {
	case d.cause == causeNewTopic:
		// The group's offset is one of the old topic. Beside the new fences it would tell the next owner that the new
		// topic's dead letters have been said, so it goes first.
		w.ask(request{op: opCommit, offset: d.position})
	case d.begin != nil:
		w.ask(request{op: opBegin, fence: *d.begin})
	default:
		w.run()
	}
}

// fence gives a fence as this session of the worker puts it.
func (w *Worker) fence(offset int64, at time.Time) windows.Fence {
	return windows.Fence{Offset: offset, Time: at, Writer: w.options.Writer + uint64(w.session)}
}

func (w *Worker) run() {
	w.phase = phaseRunning
	w.lastCommit, w.lastCheck, w.lastTaught = w.now, w.now, w.now
}

// finish lets nothing new in.
func (w *Worker) finish() {
	switch w.phase {
	case phaseRunning:
		w.phase = phaseStopping
		w.fetch.ready, w.work, w.ended = nil, nil, false
	case phaseStopping:
		w.ended = false // it is to stop, whatever comes
	case phaseNew, phaseStanding:
		w.halt()
	}
}

func (w *Worker) halt() {
	if w.phase == phaseStopped {
		return
	}
	w.phase = phaseStopped
	w.dropWorkingSet()
	if w.metrics.forget != nil {
		w.metrics.forget()
	}
}

// advance asks for whatever can be done now.
func (w *Worker) advance() {
	if w.phase != phaseRunning && w.phase != phaseStopping {
		return
	}
	w.nextBatch()
	if w.phase != phaseRunning && w.phase != phaseStopping {
		return // a poison record sent the worker back
	}
	w.nextFetch()
	w.nextWrite()
	if w.nextFlush() {
		w.advance() // with what it held up: no answer to it will come. The next that lands at once is of later records.
		return
	}
	w.nextReload()
	w.nextCommit()
	w.nextTeach()
	w.nextVerify()
	w.nextStop()
	w.nextLeave()
}

func (w *Worker) nextFetch() {
	if w.phase != phaseRunning || w.fetch.underWay || w.fetch.ready != nil || w.ended || w.leaving != "" || w.full() {
		return
	}
	w.fetch.underWay = true
	w.ask(request{op: opFetch, offset: w.fetch.next})
}

// inTransit is how many events are counted and not applied, and how many outputs said and not acknowledged.
func (w *Worker) inTransit() (unflushed, unheard int) {
	unflushed = w.pending
	unheard, _ = w.unacknowledged()
	if w.flight != nil {
		unflushed += w.flight.events
	}
	return unflushed, unheard
}

func (w *Worker) fetched(b Batch, outside bool) {
	w.fetch.underWay = false
	if w.phase != phaseRunning {
		return
	}
	if outside {
		// What has been read can't be read again, perhaps: it is flushed first.
		w.leaving = rewindOutOfRange
		return
	}
	w.fetch.next = max(w.fetch.next, b.Next)
	w.ended = b.Done
	if len(b.Records) == 0 {
		w.lag(&b)
		w.progressed()
		return
	}
	w.fetch.ready = &b
}

func (w *Worker) progressed() { w.metrics.lastProgress.Set(unixSeconds(w.now)) }

// repairs tells how much is still to be read again.
func (w *Worker) repairs() {
	w.metrics.repair.Set(float64(max(0, w.repairing-w.processed.Offset)))
}

// lag tells how much of the log lies behind a batch that is done with.
func (w *Worker) lag(b *Batch) {
	if b.End > 0 {
		w.metrics.offsetLag.Set(float64(max(0, b.End-b.Next)))
	}
}

// nextCommit commits what is applied, once everything that was said about it is acknowledged.
func (w *Worker) nextCommit() {
	next := w.applied.Offset + 1
	switch {
	case w.committing || next <= w.committed || !w.heard(w.commitAfter) || len(w.foreign) > 0:
		return
	case w.phase == phaseRunning && w.leaving == "" && w.now.Sub(w.lastCommit) < w.options.Limits.CommitInterval:
		return
	}
	w.committing = true
	w.committed, w.lastCommit = next, w.now
	w.ask(request{op: opCommit, offset: next})
}

// nextLeave stands anew once nothing of what was read is in memory only.
func (w *Worker) nextLeave() {
	if w.leaving == "" || w.phase != phaseRunning || w.busy() || w.work != nil || w.fetch.ready != nil || w.processed.Offset > w.checked {
		return
	}
	w.rewind(w.leaving)
}

// busy tells that something is under way that a worker waits for before it leaves.
func (w *Worker) busy() bool {
	return w.flight != nil || !w.heard(w.said()) || w.committing || len(w.foreign) > 0 || w.profiling
}

// nextStop stops once there is nothing left to do.
func (w *Worker) nextStop() {
	if w.phase == phaseRunning && w.ended && !w.fetch.underWay && w.fetch.ready == nil && w.work == nil {
		w.phase = phaseStopping
		w.nextFlush()
		w.nextCommit()
	}
	if w.phase != phaseStopping || w.busy() {
		return
	}
	w.halt()
}
