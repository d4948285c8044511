package pipeline

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/memstore"
)

// harness drives one worker by hand: the test says which of the things that the worker asked for is done next.
type harness struct {
	t         *testing.T
	worker    *Worker
	metrics   *Metrics
	store     *memstore.Store
	first     int64 // the log's first offset
	log       []Record
	most      int // records a fetch
	committed int64
	now       time.Time

	pending []request
	done    []operation // what was carried out, in order
	said    []Output
	bytes   int64 // see stopFlushed
	stops   bool  // opGoOn is for the test to do
}

// smallSet alerts at a sender's fifth parcel within 6 hours.
func smallSet(change func(*detector.Settings)) *detector.Set {
	s := detector.Settings{
		Ladder:        windows.Ladder{{Name: 'h', Slide: time.Hour, Keep: 25}, {Name: 'd', Slide: 24 * time.Hour, Keep: 7}},
		MaxFields:     60,
		Prior:         detector.Prior{Rate: .25, Dispersion: 2},
		Limit:         &detector.LimitSettings{Window: 6 * time.Hour, Shipments: 5},
		ShipmentTypes: []string{"posted"},
		Alerts: detector.AlertSettings{
			Cooldown: 3 * time.Hour, Quiet: 8 * time.Hour, UpdateFactor: 2, Medium: 4, High: 6, Critical: 8,
		},
	}
	if change != nil {
		change(&s)
	}
	set, err := detector.New(s)
	if err != nil {
		panic(err)
	}
	return set
}

// newHarness starts a worker that flushes only when a test makes it, unless change says otherwise.
func newHarness(t *testing.T, change func(*Options)) *harness {
	h := &harness{t: t, store: memstore.New(), most: 1000, committed: windows.NoOffset, now: simEpoch}
	h.start(change)
	return h
}

// start replaces the worker by a new one with metrics of its own, as a new owner of the partition.
func (h *harness) start(change func(*Options)) {
	o := Options{
		Set: smallSet(nil), Decoder: textDecoder{}, Topic: "shipments", Observe: panicAtPoison,
		Limits: Limits{
			FlushEvents: 1000, FlushInterval: time.Hour, MaxUnflushed: 1000, CommitInterval: time.Second, WorkingSet: 1 << 20,
		},
	}
	if change != nil {
		change(&o)
	}
	h.metrics = NewMetrics(prometheus.NewRegistry(), o.Set.Rules())
	o.Metrics = h.metrics
	h.worker = NewWorker(o)
	h.pending, h.done, h.said = nil, nil, nil
	h.note(h.worker.start(h.now))
}

// add appends records to the log.
func (h *harness) add(values ...string) {
	for _, v := range values {
		h.log = append(h.log, Record{Offset: h.end(), Time: h.now, Value: []byte(v)})
	}
}

// post appends a parcel for each sender, all posted now.
func (h *harness) post(senders ...string) {
	for _, s := range senders {
		h.add(h.parcel(s, "Hanoi", h.now))
	}
}

func (h *harness) parcel(sender, place string, at time.Time) string {
	return fmt.Sprintf("e%d %s %s %d posted", h.end(), sender, place, at.UnixMilli())
}

func (h *harness) end() int64 { return h.first + int64(len(h.log)) }

// asked tells whether the worker waits for an operation.
func (h *harness) asked(op operation) bool {
	return slices.ContainsFunc(h.pending, func(q request) bool { return q.op == op })
}

// take gives a request that the worker waits for, without an answer to it.
func (h *harness) take(op operation) request {
	h.t.Helper()
	i := slices.IndexFunc(h.pending, func(q request) bool { return q.op == op })
	if i < 0 {
		h.t.Fatalf("the worker does not ask for %s but for %v", op, h.pendingOps())
	}
	q := h.pending[i]
	h.pending = slices.Delete(h.pending, i, i+1)
	return q
}

func (h *harness) pendingOps() []operation {
	var ops []operation
	for _, q := range h.pending {
		ops = append(ops, q.op)
	}
	return ops
}

// do carries out each operation in turn and tells the worker.
func (h *harness) do(ops ...operation) {
	h.t.Helper()
	for _, op := range ops {
		h.answer(h.execute(h.take(op)))
	}
}

// answer tells the worker that something is done. What it asked for in an older session is void then.
func (h *harness) answer(c completion) {
	h.note(h.worker.complete(c, h.now))
	h.pending = slices.DeleteFunc(h.pending, func(q request) bool { return q.session != h.worker.session })
}

// note keeps what the worker asks for. Profiles it gets at once, and it goes on at once: neither is a matter of these tests.
func (h *harness) note(asked []request) {
	for _, q := range asked {
		if q.op == opGoOn && !h.stops {
			h.note(h.worker.complete(completion{session: q.session, op: q.op}, h.now))
			continue
		}
		if q.op != opProfile {
			h.pending = append(h.pending, q)
			continue
		}
		c := completion{session: q.session, op: opProfile, day: q.day}
		if !q.known {
			c.profile = h.worker.options.Set.NewProfile(q.day)
		}
		h.note(h.worker.complete(c, h.now))
	}
}

// settle does whatever the worker asks for until it only waits for more records.
func (h *harness) settle() {
	h.t.Helper()
	for range 10_000 {
		if len(h.pending) == 0 {
			return
		}
		op := h.pending[0].op
		if op == opFetch && len(h.pending) > 1 {
			op = h.pending[1].op
		}
		if q := h.pending[0]; op == opFetch && q.offset >= h.end() {
			return
		}
		h.do(op)
	}
	h.t.Fatalf("the worker does not settle; it asks for %v", h.pendingOps())
}

// pass lets time go by.
func (h *harness) pass(d time.Duration) {
	h.now = h.now.Add(d)
	h.note(h.worker.tick(h.now))
}

// stop ends the worker in order.
func (h *harness) stop() {
	h.t.Helper()
	h.note(h.worker.stop())
	h.pending = slices.DeleteFunc(h.pending, func(q request) bool { return q.op == opFetch })
	h.settle()
	if !h.worker.done() {
		h.t.Fatalf("the worker does not stop")
	}
}

func (h *harness) execute(q request) completion {
	h.t.Helper()
	h.done = append(h.done, q.op)
	ctx := h.t.Context()
	c := completion{session: q.session, op: q.op}
	var err error
	switch q.op {
	case opStand:
		c.standing, err = h.stand()
	case opBegin:
		if err = h.store.Begin(ctx, q.source, q.fence); err == nil {
			c.cuts, err = h.store.Fences(ctx, cutTopic, 0)
		}
	case opFetch:
		c.batch, c.outside = h.fetch(q.offset), q.offset < h.first || q.offset > h.end()
		h.worker.decode(q.source, &c.batch)
	case opLoad:
		c.loaded, err = h.store.Load(ctx, q.source, q.keys)
	case opAlert, opWrite:
		h.said = append(h.said, q.outputs...)
	case opApply:
		c.results, err = h.store.Apply(ctx, q.source, q.updates)
	case opCommit:
		h.committed = q.offset
	case opVerify:
		c.fences, err = h.store.Fences(ctx, "shipments", 0)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

func (h *harness) stand() (standing, error) {
	s := standing{first: h.first, end: h.end(), committed: h.committed}
	var err error
	if s.cuts, err = h.store.Fences(h.t.Context(), cutTopic, 0); err != nil {
		return s, err
	}
	s.fences, err = h.store.Fences(h.t.Context(), "shipments", 0)
	if _, highest, _ := extent(s.fences); highest.Offset >= h.first && highest.Offset < h.end() {
		s.probed, s.found = h.log[highest.Offset-h.first].Time, true
	}
	return s, err
}

func (h *harness) fetch(offset int64) Batch {
	b := Batch{Next: offset, End: h.end()}
	for _, r := range h.log {
		if r.Offset >= offset && len(b.Records) < h.most {
			b.Records, b.Next = append(b.Records, r), r.Offset+1
		}
	}
	return b
}

// events is what the store holds for a sender.
func (h *harness) events(sender string) int64 {
	h.t.Helper()
	loaded, err := h.store.Load(h.t.Context(), windows.Source{}, []windows.Key{senderKey(sender)})
	if err != nil {
		h.t.Fatal(err)
	}
	return loaded[0].Entity.Events()
}

func senderKey(sender string) windows.Key { return windows.NewKey(detector.KindSender, sender) }

// elsewhere counts parcels of a sender that come by another partition.
func (h *harness) elsewhere(partition int, sender string, n int) {
	h.t.Helper()
	ctx, key := h.t.Context(), senderKey(sender)
	source := windows.Source{Topic: "shipments", Partition: partition}
	if err := h.store.Begin(ctx, source, windows.Fence{Offset: windows.NoOffset}); err != nil {
		h.t.Fatal(err)
	}
	subject, _ := detector.NewSubject(windows.NewEntity(key))
	set := smallSet(nil)
	profile := set.NewProfile(detector.Day(h.now))
	for i := range n {
		set.Observe(&detector.Event{
			ID: fmt.Sprintf("x%d-%d", partition, i), Sender: detector.Sender(sender), Time: h.now,
			At: windows.Coordinates{Source: source, Offset: int64(i)},
		}, detector.Subjects{Sender: subject}, profile, detector.NewSums())
	}
	if _, err := h.store.Apply(ctx, source, []windows.Update{{
		Bucket: key.Bucket(), Expected: windows.Fence{Offset: windows.NoOffset}, New: windows.Fence{Offset: int64(n)},
		Deltas: []windows.Delta{subject.TakeDelta()},
	}}); err != nil {
		h.t.Fatal(err)
	}
}

// fences are the lowest and the highest fence in the store.
func (h *harness) fences() (lowest, highest int64) {
	h.t.Helper()
	f, err := h.store.Fences(h.t.Context(), "shipments", 0)
	if err != nil {
		h.t.Fatal(err)
	}
	l, u, _ := extent(f)
	return l.Offset, u.Offset
}

// sayings are all outputs in short, in order.
func (h *harness) sayings() []string {
	var all []string
	for i := range h.said {
		switch o := &h.said[i]; {
		case o.Alert != nil:
			all = append(all, fmt.Sprintf("alert %s %s", o.Alert.Activity, o.Alert.EventID))
		case o.Flag != nil:
			all = append(all, "flag "+o.Flag.EventID)
		default:
			all = append(all, fmt.Sprintf("dead letter %d %s", o.DeadLetter.At.Offset, o.DeadLetter.Reason))
		}
	}
	return all
}

func (h *harness) wantSaid(want ...string) {
	h.t.Helper()
	if got := h.sayings(); !slices.Equal(got, want) {
		h.t.Errorf("said %q\nwant %q", got, want)
	}
}

func (h *harness) wantEvents(outcome, reason string, want float64) {
	h.t.Helper()
	if got := testutil.ToFloat64(h.metrics.events.WithLabelValues(outcome, reason)); got != want {
		h.t.Errorf("events_total{outcome=%q, reason=%q} is %v, want %v", outcome, reason, got, want)
	}
}

func (h *harness) wantRewinds(cause string, want float64) {
	h.t.Helper()
	if got := testutil.ToFloat64(h.metrics.rewinds.WithLabelValues(cause)); got != want {
		h.t.Errorf("rewinds_total{cause=%q} is %v, want %v", cause, got, want)
	}
}
