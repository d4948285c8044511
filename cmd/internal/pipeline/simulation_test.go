package pipeline

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/memstore"
)

var (
	histories = flag.Int("histories", 1000, "simulated histories of TestSimulation")
	firstSeed = flag.Uint64("seed", 1, "seed of the first history; the seed that a failure names repeats it with -histories 1")
)

// TestSimulation drives workers through random histories: every operation of every worker is a step that a seeded
// scheduler may delay, do in part, do without an answer, or never do; workers are killed, replaced while they go on
// as zombies, and stopped in order; shards of the store fall back to how they were. In the end every count must equal
// a plain count of the log, and what was said must be what a single undisturbed reader would say.
func TestSimulation(t *testing.T) {
	metrics := NewMetrics(prometheus.NewRegistry(), simSet(0).Rules())
	n := *histories
	if testing.Short() {
		n = min(n, 100) // under the race detector a history takes ten times as long
	}
	failed := simulate(*firstSeed, n, world{metrics: metrics})
	for _, f := range failed[:min(len(failed), 5)] {
		t.Errorf("%s\nagain: go test ./cmd/internal/pipeline -run TestSimulation$ -histories 1 -seed %d", f.problem, f.seed)
	}
	if len(failed) > 0 {
		t.Errorf("%d of %d histories wrong", len(failed), n)
	}
	for _, cause := range []string{rewindRefused, rewindForeign, rewindPoison, causeLostState} {
		rewinds := testutil.ToFloat64(metrics.rewinds.WithLabelValues(cause))
		t.Logf("rewinds: %.0f %s", rewinds, cause)
		if rewinds == 0 && n >= 500 {
			t.Errorf("no history met a rewind by %s: the simulation is too kind", cause)
		}
	}
}

// TestSimulationSeeds repeats the histories that found a bug.
func TestSimulationSeeds(t *testing.T) {
	for seed, found := range map[uint64]string{
		52160: "fences lost after a checkpoint and before the first commit were taken for a Begin cut short",
	} {
		metrics := NewMetrics(prometheus.NewRegistry(), simSet(0).Rules())
		for _, f := range simulate(seed, 1, world{metrics: metrics}) {
			t.Errorf("%s\nagain: %s", f.problem, found)
		}
	}
}

// TestSimulationOfSharedSenders lets both partitions hold parcels of the same senders: alerts then depend on who saw
// what first, but every count is still exact.
func TestSimulationOfSharedSenders(t *testing.T) {
	n := *histories / 4
	if testing.Short() {
		n = min(n, 25)
	}
	metrics := NewMetrics(prometheus.NewRegistry(), simSet(0).Rules())
	failed := simulate(*firstSeed, n, world{metrics: metrics, shared: true})
	for _, f := range failed[:min(len(failed), 5)] {
		t.Errorf("%s\nagain: go test ./cmd/internal/pipeline -run TestSimulationOfSharedSenders -histories 4 -seed %d", f.problem, f.seed)
	}
}

// TestSimulationNeedsTheFence shows that the simulation can fail: with a store that applies whatever it is sent, most
// histories end with wrong counts.
func TestSimulationNeedsTheFence(t *testing.T) {
	const n = 20
	metrics := NewMetrics(prometheus.NewRegistry(), simSet(0).Rules())
	failed := simulate(1, n, world{metrics: metrics, unfenced: true})
	if len(failed) < n/2 {
		t.Fatalf("only %d of %d histories noticed that the fence was gone", len(failed), n)
	}
	t.Logf("without the fence %d of %d histories are wrong; the first: %s", len(failed), n, failed[0].problem)
}

// world is what all histories of a test have in common.
type world struct {
	metrics  *Metrics
	shared   bool // senders occur in every partition
	unfenced bool // the store takes everything
}

type failure struct {
	seed    uint64
	problem string
}

func simulate(first uint64, n int, w world) []failure {
	var (
		mu     sync.Mutex
		failed []failure
		wg     sync.WaitGroup
	)
	seeds := make(chan uint64)
	for range 2 {
		wg.Go(func() {
			for seed := range seeds {
				if problem := newSimulation(seed, w).run(); problem != "" {
					mu.Lock()
					failed = append(failed, failure{seed, fmt.Sprintf("seed %d: %s", seed, problem)})
					mu.Unlock()
				}
			}
		})
	}
	for i := range n {
		seeds <- first + uint64(i)
	}
	close(seeds)
	wg.Wait()
	slices.SortFunc(failed, func(a, b failure) int { return cmp.Compare(a.seed, b.seed) })
	return failed
}

const simPartitions = 2

var simEpoch = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// simSet counts senders in hours kept for a day and days kept for a week, so that histories run over the horizon.
func simSet(duplicateHorizon time.Duration) *detector.Set {
	set, err := detector.New(detector.Settings{
		Ladder: windows.Ladder{
			{Name: 'h', Slide: time.Hour, Keep: 25},
			{Name: 'd', Slide: 24 * time.Hour, Keep: 7},
		},
		MaxFields:        60,
		Prior:            detector.Prior{Rate: .25, Dispersion: 2},
		Limit:            &detector.LimitSettings{Window: 6 * time.Hour, Shipments: 4},
		Burst:            &detector.CountSettings{Window: 6 * time.Hour, Threshold: 3},
		Route:            &detector.RouteSettings{Window: 24 * time.Hour, Threshold: 3},
		ShipmentTypes:    []string{"posted"},
		DuplicateHorizon: duplicateHorizon,
		Alerts: detector.AlertSettings{
			Cooldown: 3 * time.Hour, Quiet: 8 * time.Hour, UpdateFactor: 2, Medium: 4, High: 6, Critical: 8,
		},
	})
	if err != nil {
		panic(err)
	}
	return set
}

// simProfile knows nothing on any day: what a profile says is no matter of exactness.
func simProfile(day int64) *detector.Profile { return simSet(0).NewProfile(day) }

// poisonPlace is a destination at which judging panics.
const poisonPlace = "Bielefeld"

const poisonPanic = "there is no such place"

func panicAtPoison(e *detector.Event, c *detector.Conclusion) {
	if e.Destination == poisonPlace && c.Outcome == detector.Counted {
		panic(poisonPanic)
	}
}

// textDecoder reads "id sender place unix-ms type".
type textDecoder struct{}

func (textDecoder) Decode(value []byte, at windows.Coordinates, recordTime time.Time) (detector.Event, error) {
	part := strings.Fields(string(value))
	if len(part) == 1 && part[0] == "panic" {
		panic("a decoder's bug")
	}
	if len(part) != 5 {
		return detector.Event{}, &Malformed{Field: "event_time", Err: errors.New("event_time is missing")}
	}
	ms, err := strconv.ParseInt(part[3], 10, 64)
	if err != nil {
		return detector.Event{}, &Malformed{Field: "event_time", Err: err}
	}
	return detector.Event{
		ID: part[0], Item: part[0], Sender: detector.Sender(part[1]), Destination: detector.Place(part[2]),
		Time: time.UnixMilli(ms).UTC(), Type: part[4], At: at, RecordTime: recordTime,
	}, nil
}

// simLog writes a partition's log: a few senders, some busy, places mostly the same, late and repeated events,
// malformed and poisonous records, gaps in the offsets.
func simLog(r *rand.Rand, partition int, shared bool) []Record {
	var log []Record
	now, offset := simEpoch, int64(r.IntN(3)*100)
	senders := fmt.Sprintf("s%d", partition)
	if shared {
		senders = "s"
	}
	var values []string
	for n := 20 + r.IntN(120); len(log) < n; offset++ {
		now = now.Add(time.Duration(r.IntN(90)) * time.Minute)
		if r.IntN(20) == 0 {
			offset += int64(r.IntN(5)) // compacted away
		}
		at := now
		if r.IntN(8) == 0 {
			at = at.Add(-time.Duration(r.IntN(60)) * time.Hour)
		}
		value := fmt.Sprintf("e%d-%d %s-%d p%d %d posted", partition, offset, senders, r.IntN(1+r.IntN(8)), r.IntN(1+r.IntN(30)), at.UnixMilli())
		switch r.IntN(40) {
		case 0:
			value = "garbage"
		case 1:
			value = "panic"
		case 2:
			value = strings.Replace(value, "posted", "departed", 1)
		case 3:
			value = fmt.Sprintf("e%d-%d %s-0 %s %d posted", partition, offset, senders, poisonPlace, at.UnixMilli())
		case 4:
			if len(values) > 0 {
				value = values[r.IntN(len(values))] // the same event again
			}
		}
		values = append(values, value)
		log = append(log, Record{Offset: offset, Time: now, Value: []byte(value)})
	}
	return log
}

// simulation is one history.
type simulation struct {
	world
	r         *rand.Rand
	set       *detector.Set
	store     *memstore.Store
	loose     looseFences
	snapshots []func(holds func(bucket int) bool)
	logs      [simPartitions][]Record
	committed [simPartitions]int64
	owners    [simPartitions]*process
	zombies   []*process
	now       time.Time
	said      map[string]string // what is known outside, by kind and id
	problem   string
}

// process is a worker and what it has asked for.
type process struct {
	worker    *Worker
	partition int
	pending   []request
}

func newSimulation(seed uint64, w world) *simulation {
	horizon := 48 * time.Hour
	if w.shared {
		horizon = 0 // who remembers which ids depends on the order in which the partitions are read
	}
	s := &simulation{
		world: w, r: rand.New(rand.NewPCG(seed, 7)), set: simSet(horizon), store: memstore.New(),
		loose: looseFences{}, now: simEpoch, said: map[string]string{},
	}
	for p := range simPartitions {
		s.logs[p] = simLog(s.r, p, w.shared)
		s.committed[p] = windows.NoOffset
		s.owners[p] = s.begin(p)
	}
	return s
}

func (s *simulation) begin(partition int) *process {
	p := &process{partition: partition, worker: NewWorker(Options{
		Set: s.set, Decoder: textDecoder{}, Topic: "shipments", Partition: partition, Metrics: s.metrics,
		Observe: panicAtPoison,
		Limits: Limits{
			FlushEvents: 1 + s.r.IntN(20), FlushInterval: 10 * time.Second, MaxUnflushed: 30 + s.r.IntN(30),
			CommitInterval: 15 * time.Second, CheckpointInterval: time.Minute, WorkingSet: int64(1+s.r.IntN(10)) << 11,
		},
	})}
	p.pending = p.worker.start(s.now)
	return p
}

// run plays the history and says what is wrong at its end, "" for nothing.
func (s *simulation) run() string {
	for range 100 + s.r.IntN(500) {
		s.disturb()
		if s.problem != "" {
			return s.problem
		}
	}
	for p := range simPartitions {
		if !s.calm(p) {
			return fmt.Sprintf("partition %d does not come to its end", p)
		}
	}
	return s.compare()
}

// disturb does one random thing.
func (s *simulation) disturb() {
	p := s.r.IntN(simPartitions)
	switch x := s.r.Float64(); {
	case x < .01: // killed: what it asked for may still happen, or not
		if s.r.IntN(2) == 0 {
			s.do(s.owners[p], 1)
		}
		s.owners[p] = s.begin(p)
	case x < .025: // replaced, but not dead
		s.zombies = append(s.zombies, s.owners[p])
		s.owners[p] = s.begin(p)
	case x < .035: // stopped in order
		s.owners[p].pending = append(s.owners[p].pending, s.owners[p].worker.stop()...)
	case x < .045 && !s.unfenced:
		s.snapshots = append(s.snapshots, s.store.Snapshot())
	case x < .05 && len(s.snapshots) > 0:
		shard := s.r.IntN(2)
		s.snapshots[s.r.IntN(len(s.snapshots))](func(b int) bool { return b%2 == shard })
	case x < .15 && len(s.zombies) > 0:
		s.step(s.zombies[s.r.IntN(len(s.zombies))])
	default:
		s.step(s.owners[p])
	}
	if s.owners[p].worker.done() {
		s.owners[p] = s.begin(p)
	}
}

// step lets time pass or carries out one of the things that a process has asked for.
func (s *simulation) step(p *process) {
	if len(p.pending) == 0 || s.r.IntN(4) == 0 {
		s.now = s.now.Add(time.Duration(s.r.IntN(8000)) * time.Millisecond)
		p.pending = append(p.pending, p.worker.tick(s.now)...)
		return
	}
	s.do(p, .85)
}

// do carries out a random request; answered is the chance that the process hears of it. A request that is not
// answered stays and is made again.
func (s *simulation) do(p *process, answered float64) {
	if len(p.pending) == 0 {
		return
	}
	i := s.r.IntN(len(p.pending))
	q := p.pending[i]
	if q.op == opApply && s.r.IntN(2) == 0 {
		s.apply(q.source, q.updates[:s.r.IntN(len(q.updates)+1)]) // cut short between two buckets
		return
	}
	c := s.execute(p, q)
	if s.r.Float64() >= answered {
		return
	}
	p.pending = slices.Delete(p.pending, i, i+1)
	p.pending = append(p.pending, p.worker.complete(c, s.now)...)
}

func (s *simulation) execute(p *process, q request) completion {
	ctx := context.Background()
	log := s.logs[p.partition]
	c := completion{session: q.session, op: q.op}
	switch q.op {
	case opStand:
		c.standing = s.stand(p.partition)
	case opBegin:
		_ = s.store.Begin(ctx, q.source, q.fence)
		s.loose.begin(q.source, q.fence)
	case opFetch:
		c.batch = Batch{Next: q.offset, End: log[len(log)-1].Offset + 1}
		most := s.r.IntN(12)
		for _, r := range log {
			if r.Offset >= q.offset && len(c.batch.Records) < most {
				c.batch.Records = append(c.batch.Records, r)
				c.batch.Next = r.Offset + 1
			}
		}
		if len(c.batch.Records) == 0 {
			s.now = s.now.Add(500 * time.Millisecond) // a broker waits a little for records
		}
	case opProfile:
		c.day = q.day
		if !q.known {
			c.profile = simProfile(q.day)
		}
	case opLoad:
		c.loaded, _ = s.store.Load(ctx, q.source, q.keys)
		if s.unfenced {
			s.loose.load(q.source, c.loaded)
		}
	case opWrite:
		for i := range q.outputs {
			s.hear(&q.outputs[i])
		}
	case opVerify:
		c.fences = s.stand(p.partition).fences
	case opApply:
		c.results = s.apply(q.source, q.updates)
	case opCommit:
		if p == s.owners[p.partition] { // the group refuses a commit of an older generation
			s.committed[p.partition] = q.offset
		}
	}
	return c
}

func (s *simulation) stand(partition int) standing {
	log := s.logs[partition]
	st := standing{first: log[0].Offset, end: log[len(log)-1].Offset + 1, committed: s.committed[partition]}
	st.fences, _ = s.store.Fences(context.Background(), "shipments", partition)
	if s.unfenced {
		st.fences = s.loose.fences(partition)
	}
	_, highest, _ := extent(st.fences)
	for _, r := range log {
		if r.Offset == highest.Offset {
			st.probed, st.found = r.Time, true
		}
	}
	return st
}

func (s *simulation) apply(source windows.Source, updates []windows.Update) []windows.Result {
	ctx := context.Background()
	if s.unfenced {
		return s.loose.apply(s.store, source, updates)
	}
	results, err := s.store.Apply(ctx, source, updates)
	if err != nil {
		s.problem = err.Error()
	}
	return results
}

func (s *simulation) hear(o *Output) {
	name, said := spoken(o)
	if before, ok := s.said[name]; ok && before != said && !s.shared {
		s.problem = fmt.Sprintf("%s was said in two ways:\n%s\n%s", name, before, said)
	}
	s.said[name] = said
}

// spoken names an output and gives what must be the same in every copy.
func spoken(o *Output) (name, said string) {
	var what any
	switch {
	case o.Alert != nil:
		name, what = "alert "+o.Alert.ID, o.Alert
	case o.Flag != nil:
		name, what = "flag "+o.Flag.EventID+" "+o.Flag.Fingerprint, o.Flag
	default:
		name, what = "dead letter "+o.DeadLetter.At.String(), o.DeadLetter
	}
	b, err := json.Marshal(what)
	if err != nil {
		panic(err)
	}
	return name, string(b)
}

// calm lets the partition's owner work undisturbed until everything is counted and committed. A shard that fell back
// unnoticed is noticed by the next owner.
func (s *simulation) calm(partition int) bool {
	log := s.logs[partition]
	last := log[len(log)-1].Offset
	p := s.owners[partition]
	for range 20_000 {
		switch {
		case p.worker.done() && s.committed[partition] > last && s.standsAt(partition, last):
			return true
		case p.worker.done():
			p = s.begin(partition)
			s.owners[partition] = p
		case p.worker.phase == phaseRunning && p.worker.applied.Offset == last && len(p.worker.foreign) == 0:
			p.pending = append(p.pending, p.worker.stop()...)
		}
		if len(p.pending) > 0 {
			s.do(p, 1)
			continue
		}
		s.now = s.now.Add(5 * time.Second)
		p.pending = append(p.pending, p.worker.tick(s.now)...)
	}
	return false
}

// standsAt tells that every bucket has counted everything: a shard that fell back unnoticed has not.
func (s *simulation) standsAt(partition int, offset int64) bool {
	if s.unfenced {
		return true
	}
	fences, _ := s.store.Fences(context.Background(), "shipments", partition)
	lowest, _, present := extent(fences)
	return present == windows.Buckets && lowest.Offset == offset
}

// compare holds the store and what was said against a plain reading of the logs.
func (s *simulation) compare() string {
	want := map[string]string{}
	counts := map[windows.Key]plainCounts{}
	for partition, log := range s.logs {
		readPlainly(s.set, partition, log, counts, want)
	}
	if s.shared {
		return compareCounts(s.set.Ladder(), s.store, counts, false)
	}
	for _, name := range sorted(want) {
		switch got, ok := s.said[name]; {
		case !ok:
			return fmt.Sprintf("%s is missing", name)
		case got != want[name]:
			return fmt.Sprintf("%s differs:\n got %s\nwant %s", name, got, want[name])
		}
	}
	for _, name := range sorted(s.said) {
		if _, ok := want[name]; !ok {
			return fmt.Sprintf("%s should not have been said: %s", name, s.said[name])
		}
	}
	return compareCounts(s.set.Ladder(), s.store, counts, true)
}

func sorted(m map[string]string) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// plainCounts is a list of the times of a sender's shipments: no panes, no deltas.
type plainCounts struct {
	times []time.Time
}

// readPlainly is the oracle: one reader, no store, no flush, nothing forgotten but by the detectors' own rules.
func readPlainly(set *detector.Set, partition int, log []Record, counts map[windows.Key]plainCounts, said map[string]string) {
	subjects := map[windows.Key]*detector.Subject{}
	source := windows.Source{Topic: "shipments", Partition: partition}
	tell := func(o Output) {
		name, what := spoken(&o)
		said[name] = what
	}
	bury := func(r Record, reason, field, message string) {
		tell(Output{DeadLetter: &DeadLetter{
			Reason: reason, Field: field, Error: message,
			At: windows.Coordinates{Source: source, Offset: r.Offset}, Record: r,
		}})
	}
	for _, r := range log {
		if bytes.Equal(r.Value, []byte("panic")) {
			bury(r, "poison", "", "a decoder's bug")
			continue
		}
		e, err := textDecoder{}.Decode(r.Value, windows.Coordinates{Source: source, Offset: r.Offset}, r.Time)
		if err != nil {
			bury(r, "malformed", "event_time", err.Error())
			continue
		}
		if e.Type != "posted" {
			continue
		}
		if e.Destination == poisonPlace {
			bury(r, "poison", "", poisonPanic)
			continue
		}
		key := windows.NewKey(detector.KindSender, string(e.Sender))
		if subjects[key] == nil {
			subjects[key], _ = detector.NewSubject(windows.NewEntity(key))
		}
		c := set.Observe(&e, detector.Subjects{Sender: subjects[key]}, simProfile(detector.Day(e.Time)), detector.NewSums())
		for i := range c.Alerts {
			tell(Output{Alert: &c.Alerts[i]})
		}
		if c.Flag != nil {
			tell(Output{Flag: c.Flag})
		}
		switch c.Outcome {
		case detector.Counted:
			n := counts[key]
			n.times = append(n.times, e.Time)
			counts[key] = n
		case detector.TooLate:
			bury(r, "too_late", "event_time", "the sender keeps no counts of this time any more")
		}
	}
}

// compareCounts counts the times of each sender by pane and looks each pane up in the store, and the other way round.
// Totals of shared senders depend on who saw an event first that is too late for the other, so they may be left out.
func compareCounts(ladder windows.Ladder, store *memstore.Store, counts map[windows.Key]plainCounts, totals bool) string {
	keys := store.Keys()
	if len(keys) != len(counts) {
		return fmt.Sprintf("%d senders in the store, %d in the log", len(keys), len(counts))
	}
	loaded, err := store.Load(context.Background(), windows.Source{}, keys)
	if err != nil {
		return err.Error()
	}
	for i, key := range keys {
		entity, plain := loaded[i].Entity, counts[key]
		entity.Settle(ladder)
		if totals && entity.Events() != int64(len(plain.times)) {
			return fmt.Sprintf("%v: %d events in the store, %d in the log", key, entity.Events(), len(plain.times))
		}
		newest := slices.MaxFunc(plain.times, time.Time.Compare)
		for _, r := range ladder {
			want := map[int64]int64{}
			for _, t := range plain.times {
				if p := r.Pane(t); p > r.Pane(newest)-r.Keep {
					want[p]++
				}
			}
			got := map[int64]int64{}
			for _, p := range entity.Panes('i', r, windows.Sub{}) {
				got[p.Pane] = p.N
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				return fmt.Sprintf("%v: items by %c: %v in the store, %v in the log", key, r.Name, got, want)
			}
			var places int64
			for _, panes := range entity.Subs('o', r) {
				for _, p := range panes {
					places += p.N
				}
			}
			var items int64
			for _, n := range want {
				items += n
			}
			if places != items {
				return fmt.Sprintf("%v: %d parcels by place and %c, %d in all", key, places, r.Name, items)
			}
		}
	}
	return ""
}

// looseFences remember the last offset that each bucket was sent, and guard nothing.
type looseFences map[windows.Source]*windows.Fences

func (l looseFences) of(source windows.Source) *windows.Fences {
	if l[source] == nil {
		l[source] = &windows.Fences{Source: source}
	}
	return l[source]
}

func (l looseFences) fences(partition int) *windows.Fences {
	f := *l.of(windows.Source{Topic: "shipments", Partition: partition})
	return &f
}

func (l looseFences) begin(source windows.Source, at windows.Fence) {
	f := l.of(source)
	for b := range f.At {
		if !f.Present[b] {
			f.At[b], f.Present[b] = at, true
		}
	}
}

func (l looseFences) load(source windows.Source, loaded []windows.Loaded) {
	f := l.of(source)
	for i := range loaded {
		b := loaded[i].Entity.Key.Bucket()
		loaded[i].Fence, loaded[i].Present = f.At[b], f.Present[b]
	}
}

// apply stores every update through a source that was never heard of, so that no fence is in the way.
func (l looseFences) apply(store *memstore.Store, source windows.Source, updates []windows.Update) []windows.Result {
	ctx := context.Background()
	f := l.of(source)
	var all []windows.Result
	for _, u := range updates {
		fresh := windows.Source{Topic: "loose", Partition: len(l)}
		l.of(fresh)
		_ = store.Begin(ctx, fresh, windows.Fence{Offset: windows.NoOffset})
		f.At[u.Bucket] = u.New
		u.Expected = windows.NoOffset
		results, err := store.Apply(ctx, fresh, []windows.Update{u})
		if err != nil {
			panic(err)
		}
		all = append(all, results...)
	}
	return all
}
