package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/memstore"
)

// TestSameIncidents plays the same shipments from one partition, and from four with workers that are stopped in the
// middle and taken over, or killed. The alerts of senders are the same by id, and whatever incident of a recipient or
// a lane a reader of one partition finds is found from four.
func TestSameIncidents(t *testing.T) {
	populations := 30
	if testing.Short() {
		populations = 5
	}
	set := incidentSet()
	var senders, incidents, besides int
	for seed := range uint64(populations) {
		log := incidentLog(rand.New(rand.NewPCG(seed, 1)))
		profiles := NewProfileChain(set) // recorded by the first run, given to the others
		want := playIncidents(t, seed, log, profiles, 1, takenOver)
		senders, incidents = senders+len(want.senders), incidents+len(want.incidents)
		for run, end := range []endOfMembers{killed, undisturbed, takenOver, killed} {
			partitions := 4
			if run == 0 {
				partitions = 1
			}
			got := playIncidents(t, seed+uint64(run)*1000, log, profiles, partitions, end)
			name := fmt.Sprintf("seed %d, partitions %d, %s", seed, partitions, end)
			compareAlerts(t, name, want.senders, got.senders)
			for _, missing := range without(want.incidents, slices.Concat(got.incidents, got.found)) {
				t.Errorf("%s: nobody told of the incident of %s", name, missing)
			}
			more := without(got.incidents, slices.Concat(want.incidents, want.found))
			if besides += len(more); partitions == 1 && len(more) > 0 {
				t.Errorf("%s: there are no such incidents: %v", name, more)
			}
		}
	}
	t.Logf("%d alerts of senders, %d incidents of recipients and lanes, %d found besides", senders, incidents, besides)
	if incidents < 3*populations {
		t.Errorf("only %d incidents in %d populations", incidents, populations)
	}
	if besides > incidents/100 {
		t.Errorf("of %d incidents %d are found from four partitions only", incidents, besides)
	}
}

type endOfMembers string

const (
	undisturbed endOfMembers = "undisturbed"
	takenOver   endOfMembers = "with members that come and go"
	killed      endOfMembers = "with members killed"
)

// incidentQuiet is how long without a finding ends an incident.
const incidentQuiet = 48 * time.Hour

// incidentSet has the rules of all kinds, with windows as shipped.
func incidentSet() *detector.Set {
	return smallSet(func(s *detector.Settings) {
		count := func(window time.Duration) *detector.CountSettings {
			return &detector.CountSettings{Window: window, Threshold: 3.7}
		}
		s.Ladder = windows.Ladder{{Name: 'h', Slide: time.Hour, Keep: 50}, {Name: 'd', Slide: 24 * time.Hour, Keep: 120}}
		s.MaxFields = 512
		s.Burst, s.Fanin, s.LaneBurst, s.Structuring = count(6*time.Hour), count(48*time.Hour), count(24*time.Hour), count(24*time.Hour)
		s.Alerts.Cooldown, s.Alerts.Quiet = 24*time.Hour, incidentQuiet
	})
}

// incidentLog makes up five weeks of shipments with incidents of all sizes, in the order of time.
func incidentLog(r *rand.Rand) []Record {
	type parcel struct {
		at                time.Time
		sender, recipient string
		from, to          string
	}
	const days = 25
	var all []parcel
	add := func(at time.Time, sender, recipient, from, to string) {
		all = append(all, parcel{at.Truncate(time.Millisecond), sender, recipient, from, to})
	}
	within := func(d time.Duration) time.Duration { return time.Duration(r.Int64N(int64(d))) }
	places := []string{"P", "Q", "R", "S"}
	place := func() string { return places[r.IntN(len(places))] }
	for s := range 24 {
		from, to := place(), place()
		for at := within(72 * time.Hour); at < days*24*time.Hour; at += within(72 * time.Hour) {
			if r.IntN(4) == 0 {
				to = place()
			}
			add(simEpoch.Add(at), fmt.Sprint("s", s), fmt.Sprint("r", r.IntN(40)), from, to)
		}
	}
	when := func() time.Time { return simEpoch.Add(time.Duration(6+r.IntN(17))*24*time.Hour + within(24*time.Hour)) }
	for i := range 14 { // fan-in: new senders to one recipient
		at := when()
		for n := range 7 + r.IntN(8) {
			add(at.Add(within(40*time.Hour)), fmt.Sprintf("f%d-%d", i, n), fmt.Sprint("r", r.IntN(40)), place(), place())
			all[len(all)-1].recipient = fmt.Sprint("hub", i)
		}
	}
	for i := range 6 { // structuring: new senders on one lane
		at, from, to := when(), place(), place()
		for n := range 4 + r.IntN(10) {
			add(at.Add(within(20*time.Hour)), fmt.Sprintf("n%d-%d", i, n), fmt.Sprintf("new%d-%d", i, n), from, to)
		}
	}
	for i := range 3 { // a burst of known senders on one lane
		at, from, to := when(), place(), place()
		for n := range 5 + r.IntN(40) {
			add(at.Add(within(20*time.Hour)), fmt.Sprint("s", r.IntN(24)), fmt.Sprintf("b%d-%d", i, n), from, to)
		}
	}
	for range 3 { // a burst of one sender
		at, sender := when(), fmt.Sprint("s", r.IntN(24))
		for range 4 + r.IntN(12) {
			add(at.Add(within(5*time.Hour)), sender, fmt.Sprint("r", r.IntN(40)), place(), place())
		}
	}
	slices.SortStableFunc(all, func(a, b parcel) int { return a.at.Compare(b.at) })
	var log []Record
	for n, p := range all {
		log = append(log, Record{
			Offset: int64(n), Time: p.at,
			Value: fmt.Appendf(nil, "e%d %s %s %s %s %d", n, p.sender, p.recipient, p.from, p.to, p.at.UnixMilli()),
		})
	}
	return log
}

// laneDecoder reads "id sender recipient origin destination unix-ms".
type laneDecoder struct{}

func (laneDecoder) DecodeInto(e *detector.Event, value []byte, at windows.Coordinates, recordTime time.Time) error {
	part := strings.Fields(string(value))
	ms, err := strconv.ParseInt(part[5], 10, 64)
	*e = detector.Event{
		ID: part[0], Item: part[0], Sender: detector.Sender(part[1]), Recipient: detector.Recipient(part[2]),
		Origin: detector.Place(part[3]), Destination: detector.Place(part[4]),
		Time: time.UnixMilli(ms).UTC(), At: at, RecordTime: recordTime,
	}
	return err
}

// outcome is what a run said.
type outcome struct {
	senders   map[string]string // alerts of senders, by id
	incidents []sharedIncident  // of recipients and lanes
	found     []sharedIncident  // findings of these, also if they were another entity's to tell
}

// sharedIncident is what alerts of one fingerprint say.
type sharedIncident struct {
	entity     string
	from, till time.Time // of event time; till is when it is over
	score      float64
}

func (i sharedIncident) String() string {
	return fmt.Sprintf("%s from %s (%.3f)", i.entity, i.from.Format("01-02T15:04"), i.score)
}

func compareAlerts(t *testing.T, name string, want, got map[string]string) {
	t.Helper()
	for id, alert := range want {
		if got[id] == "" {
			t.Errorf("%s: missing: %s", name, alert)
		}
	}
	for id, alert := range got {
		if want[id] == "" {
			t.Errorf("%s: too many: %s", name, alert)
		}
	}
}

// without gives the incidents that overlap with none of the same entity among others, told or only found.
func without(all, others []sharedIncident) []sharedIncident {
	return slices.DeleteFunc(slices.Clone(all), func(i sharedIncident) bool {
		return slices.ContainsFunc(others, func(o sharedIncident) bool {
			return i.entity == o.entity && i.from.Before(o.till) && o.from.Before(i.till)
		})
	})
}

// cast is the workers of a topic over one store.
type cast struct {
	r         *rand.Rand
	set       *detector.Set
	profiles  *ProfileChain
	metrics   *Metrics
	store     *memstore.Store
	logs      [][]Record
	committed []int64
	owners    []*process
	now       time.Time // of event time: records up to it are there to be fetched
	alerts    map[string]*detector.Alert
	found     []sharedIncident
}

// playIncidents lets the workers of so many partitions take their steps in the order that the seed gives.
func playIncidents(t *testing.T, seed uint64, log []Record, profiles *ProfileChain, partitions int, end endOfMembers) outcome {
	t.Helper()
	set := incidentSet()
	c := &cast{
		r: rand.New(rand.NewPCG(seed, uint64(partitions))), set: set, profiles: profiles, store: memstore.New(),
		metrics: NewMetrics(prometheus.NewRegistry(), set.Rules()),
		logs:    make([][]Record, partitions), committed: make([]int64, partitions), owners: make([]*process, partitions),
		now: simEpoch, alerts: map[string]*detector.Alert{},
	}
	for _, r := range log {
		var e detector.Event
		_ = laneDecoder{}.DecodeInto(&e, r.Value, windows.Coordinates{}, r.Time)
		p := windows.NewKey(detector.KindSender, string(e.Sender)).Bucket() % partitions
		r.Offset = int64(len(c.logs[p]))
		c.logs[p] = append(c.logs[p], r)
	}
	for p := range partitions {
		c.committed[p] = windows.NoOffset
		c.owners[p] = c.begin(p)
	}
	last := log[len(log)-1].Time
	for step := 0; !c.finished(last); step++ {
		if step > 2_000_000 {
			t.Fatalf("seed %d: the workers do not come to an end", seed)
		}
		c.step(end)
	}
	return c.outcome()
}

func (c *cast) begin(partition int) *process {
	p := &process{partition: partition, worker: NewWorker(Options{
		Set: c.set, Decoder: laneDecoder{}, Topic: "shipments", Partition: partition, Metrics: c.metrics,
		Observe: c.find,
		Limits: Limits{
			FlushEvents: 1 + c.r.IntN(60), FlushInterval: time.Duration(1+c.r.IntN(6)) * time.Hour, MaxUnflushed: 100,
			CommitInterval: 2 * time.Hour, CheckpointInterval: 48 * time.Hour, WorkingSet: int64(5+c.r.IntN(50)) << 11,
		},
	})}
	p.pending = p.worker.start(c.now)
	return p
}

// find notes what was found of a recipient or a lane, also if it was not told as the sender had something to tell.
func (c *cast) find(e *detector.Event, found *detector.Conclusion) {
	for i := range found.Findings {
		f := &found.Findings[i]
		if !f.Over() {
			continue
		}
		switch f.Rule {
		case "fanin":
			c.found = append(c.found, sharedIncident{"recipient " + string(e.Recipient), e.Time, e.Time.Add(incidentQuiet), f.Score})
		case "lane_burst", "structuring":
			c.found = append(c.found, sharedIncident{"lane " + string(e.Origin+" > "+e.Destination), e.Time, e.Time.Add(incidentQuiet), f.Score})
		}
	}
}

// finished tells that everything is counted, judged and committed.
func (c *cast) finished(last time.Time) bool {
	if c.now.Before(last) {
		return false
	}
	for p, log := range c.logs {
		if c.committed[p] < int64(len(log)) {
			return false
		}
	}
	return true
}

// behind is how far the slowest worker is behind.
func (c *cast) behind() time.Duration {
	slowest := c.now
	for p, o := range c.owners {
		if next := o.worker.processed.Offset + 1; next < int64(len(c.logs[p])) && c.logs[p][max(next, 0)].Time.Before(slowest) {
			slowest = c.logs[p][max(next, 0)].Time
		}
	}
	return c.now.Sub(slowest)
}

const mostBehind = 6 * time.Hour

func (c *cast) step(end endOfMembers) {
	p := c.r.IntN(len(c.owners))
	o := c.owners[p]
	switch x := c.r.Float64(); {
	case x < .001 && end == takenOver: // a member leaves: every partition is given back
		for _, o := range c.owners {
			o.pending = append(o.pending, o.worker.stop()...)
		}
	case end == killed && (x < .001 || x < .2 && len(o.worker.foreign) > 0): // also between flush and second look
		if c.r.IntN(2) == 0 && len(o.pending) > 0 {
			c.execute(p, o.pending[c.r.IntN(len(o.pending))])
		}
		c.owners[p] = c.begin(p)
	case len(o.pending) == 0 || x < .2:
		if c.behind() < mostBehind {
			c.now = c.now.Add(time.Duration(c.r.IntN(40)) * time.Minute)
		}
		o.pending = append(o.pending, o.worker.tick(c.now)...)
	default:
		i := c.r.IntN(len(o.pending))
		q := o.pending[i]
		o.pending = slices.Delete(o.pending, i, i+1)
		o.pending = append(o.pending, o.worker.complete(c.execute(p, q), c.now)...)
	}
	if c.owners[p].worker.done() {
		c.owners[p] = c.begin(p)
	}
}

func (c *cast) execute(partition int, q request) completion {
	ctx := context.Background()
	log := c.logs[partition]
	done := completion{session: q.session, op: q.op}
	switch q.op {
	case opStand:
		done.standing = standing{end: int64(len(log)), committed: c.committed[partition]}
		done.standing.fences, _ = c.store.Fences(ctx, "shipments", partition)
	case opBegin:
		_ = c.store.Begin(ctx, q.source, q.fence)
	case opProfile:
		if done.day = q.day; !q.known {
			done.profile, _ = c.profiles.For(ctx, q.day)
		}
	case opFetch:
		done.batch = Batch{Next: q.offset, End: int64(len(log))}
		for most := c.r.IntN(8); most > 0 && done.batch.Next < int64(len(log)) && !log[done.batch.Next].Time.After(c.now); most-- {
			done.batch.Records = append(done.batch.Records, log[done.batch.Next])
			done.batch.Next++
		}
		c.owners[partition].worker.decode(q.source, &done.batch)
	case opLoad:
		done.loaded, _ = c.store.Load(ctx, q.source, q.keys)
	case opAlert:
		for i := range q.outputs {
			a := q.outputs[i].Alert
			c.alerts[a.ID] = a
		}
	case opApply:
		done.results, _ = c.store.Apply(ctx, q.source, q.updates)
	case opVerify:
		done.fences, _ = c.store.Fences(ctx, "shipments", partition)
	case opCommit:
		c.committed[partition] = q.offset
	}
	return done
}

func (c *cast) outcome() outcome {
	o := outcome{senders: map[string]string{}, found: c.found}
	shared := map[string]sharedIncident{}
	for id, a := range c.alerts {
		if a.Entity.Kind == detector.KindSender {
			o.senders[id] = fmt.Sprintf("%s of %s by %s at %s", a.Activity, a.Entity.ID, a.Rule, a.EventID)
			continue
		}
		if a.Activity == detector.Close {
			continue
		}
		i, ok := shared[a.Fingerprint]
		if !ok || a.EventAt.Before(i.from) {
			i.from = a.EventAt
		}
		i.entity = string(a.Entity.Kind) + " " + a.Entity.ID
		if a.QuietUntil.After(i.till) {
			i.till = a.QuietUntil
		}
		i.score = max(i.score, a.Score)
		shared[a.Fingerprint] = i
	}
	for _, i := range shared {
		o.incidents = append(o.incidents, i)
	}
	slices.SortFunc(o.incidents, func(a, b sharedIncident) int {
		return cmp.Or(strings.Compare(a.entity, b.entity), a.from.Compare(b.from))
	})
	return o
}
