package pipeline

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// simulation is one history. All that is random in it comes from r, so a seed plays it again.
type simulation struct {
	kit    *simKit
	r      *rand.Rand
	kind   simKind
	mood   simMood
	set    *detector.Set
	writer *simWriter
	store  *simStore
	now    time.Time

	logs         []*simLog
	committed    []int64
	begun        int // owners so far
	owners       []*process
	zombies      []*process
	incarnations int  // of the topic, less one
	fallen       bool // the store was put back to a snapshot

	lostBefore float64 // what the kit's workers had named as lost before

	gone    []goneRecord         // what logs held once
	harmed  map[windows.Key]bool // entities that lack some of these, or did once
	said    map[saying]*said
	sayings []saying         // in order
	found   []sharedIncident // findings of recipients and lanes
	problem string
}

func newSimulation(seed uint64, kit *simKit) *simulation {
	r := rand.New(rand.NewPCG(seed, 7))
	s := &simulation{kit: kit, r: r, now: simEpoch, harmed: map[windows.Key]bool{}, said: map[saying]*said{}, lostBefore: kit.lostSoFar()}
	s.kind = simKinds[r.IntN(len(simKinds))]
	s.mood = newSimMood(r)
	s.set = kit.sets[s.kind]
	s.writer = &simWriter{r: r, kind: s.kind, set: s.set, repeated: map[int]bool{}, again: map[placed]time.Time{}}
	if s.kind == simShared && r.IntN(2) == 0 {
		s.writer.hub = .2 * r.Float64()
	}
	length := 1 + r.IntN(1+r.IntN(80)) // short ones are as good at finding faults, long ones find others
	var logs []*simLog
	for p := range 1 + r.IntN(3) {
		logs = append(logs, s.writer.log(p, 0, 1+r.IntN(length)))
	}
	s.store = newSimStore(s.writer.deeds, kit.broken.unfenced)
	for _, l := range logs {
		s.addLog(l)
	}
	return s
}

// addLog makes a log a partition of the topic and gives it an owner. Some of its records are written already.
func (s *simulation) addLog(l *simLog) {
	l.produce(s.r.IntN(1 + len(l.records)))
	s.logs = append(s.logs, l)
	s.committed = append(s.committed, windows.NoOffset)
	s.owners = append(s.owners, s.begin(l.partition))
}

// run plays the history and says what is wrong, "" for nothing.
func (s *simulation) run() string {
	steps := 20 + s.r.IntN(1+s.r.IntN(600))
	for i := 0; i < steps && s.wrong() == ""; i++ {
		s.disturb()
	}
	for p := range s.logs {
		if s.wrong() == "" && !s.calm(p) {
			return fmt.Sprintf("partition %d does not come to its end", p)
		}
	}
	if p := s.wrong(); p != "" {
		return p
	}
	return s.compare()
}

// trace prints a step if asked to.
func (s *simulation) trace(format string, values ...any) {
	if s.kit.trace {
		fmt.Printf(format+"\n", values...)
	}
}

func (s *simulation) wrong() string {
	if s.store.problem != "" {
		return s.store.problem
	}
	return s.problem
}

// disturb does one random thing.
func (s *simulation) disturb() {
	p := s.r.IntN(len(s.logs))
	if f := s.mood.draw(s.r); f != nil {
		if f.happen(s, p) {
			s.trace("FAULT %s %d", f.name, p)
			s.kit.tally.count(f.name)
		}
	} else {
		s.carryOn(p)
	}
	for p, o := range s.owners {
		if o.worker.done() {
			s.owners[p] = s.begin(p)
		}
	}
}

// carryOn lets somebody take a step.
func (s *simulation) carryOn(p int) {
	switch x := s.r.Float64(); {
	case x < .05:
		s.logs[p].produce(1 + s.r.IntN(10))
	case x < .15 && len(s.zombies) > 0:
		s.kit.tally.count("step of a zombie")
		s.step(s.zombies[s.r.IntN(len(s.zombies))])
	default:
		s.step(s.owners[p])
	}
}

// calm lets the partition's owner work undisturbed until everything is counted and committed. A shard that fell back
// unnoticed is noticed by the next owner.
func (s *simulation) calm(partition int) bool {
	l := s.logs[partition]
	l.produce(len(l.records))
	p := s.owners[partition]
	for range 5_000 {
		if s.wrong() != "" {
			return true
		}
		switch {
		case p.worker.done() && p.incarnation == l.incarnation && s.settled(l):
			return true
		case p.worker.done():
			p = s.begin(partition)
			s.owners[partition] = p
		case p.worker.phase == phaseRunning && p.worker.applied.Offset >= l.end()-1 && len(p.worker.foreign) == 0:
			s.ask(p, p.worker.stop())
		}
		s.calmStep(p)
	}
	return false
}

// settled tells that every bucket has counted everything, and that this is committed. Fences that were put back to what
// they were of another topic have counted nothing.
func (s *simulation) settled(l *simLog) bool {
	if s.committed[l.partition] != l.end() && l.produced > l.cut {
		return false
	}
	lowest, highest, present := extent(s.store.fences(simTopicName, l.partition))
	if at, found := l.recordTime(highest.Offset); found && !at.Equal(highest.Time) {
		return false
	}
	return s.store.loose != nil || present == windows.Buckets && lowest.Offset == l.end()-1
}
