package pipeline

import (
	"math/rand/v2"
	"slices"

	"github.com/parcelsentry/parcelsentry/windows"
)

// simFault is something that may befall the system at any step.
type simFault struct {
	name   string
	chance float64 // of a step, in a history that knows this fault
	// happen does it to a partition; false if there is nothing to do it to.
	happen func(s *simulation, partition int) bool
}

// simFaults are all faults but those of a single request, which simMood has.
func simFaults() []simFault {
	return []simFault{
		{"worker killed", .01, (*simulation).kill},
		{"worker replaced while it goes on", .015, (*simulation).replace},
		{"worker stopped in order", .01, (*simulation).stop},
		{"member left, partitions given back", .005, (*simulation).rebalance},
		{"snapshot", .012, (*simulation).snapshot},
		{"shard fell back to a snapshot", .008, (*simulation).fallBack},
		{"buckets lost", .004, (*simulation).loseBuckets},
		{"all state lost", .004, (*simulation).loseAll},
		{"retention", .01, (*simulation).retain},
		{"topic made anew", .004, (*simulation).recreate},
		{"log cut back", .003, (*simulation).cutBack},
		{"partition added", .003, (*simulation).addPartition},
		{"committed offsets forgotten", .004, (*simulation).forgetOffsets},
	}
}

// simMood is how often what goes wrong in a history.
type simMood struct {
	fails, part, unanswered, commitLost float64 // of a request carried out
	faults                              []simFault
}

// newSimMood leaves each fault out of half of the histories, so that the others are seen undisturbed by it and longer
// at work.
func newSimMood(r *rand.Rand) simMood {
	some := func(most float64) float64 {
		if r.IntN(2) == 0 {
			return 0
		}
		return most * r.Float64()
	}
	m := simMood{fails: some(.1), part: some(.5), unanswered: some(.3), commitLost: some(.3)}
	for _, f := range simFaults() {
		if f.chance *= some(2); f.chance > 0 {
			m.faults = append(m.faults, f)
		}
	}
	return m
}

// draw gives the fault of this step, nil for none.
func (m *simMood) draw(r *rand.Rand) *simFault {
	x := r.Float64()
	for i := range m.faults {
		if x -= m.faults[i].chance; x < 0 {
			return &m.faults[i]
		}
	}
	return nil
}

// kill ends an owner: one of the things that it asked for may still happen.
func (s *simulation) kill(partition int) bool {
	p := s.owners[partition]
	if len(p.pending) > 0 && s.r.IntN(2) == 0 {
		s.execute(p, p.pending[s.r.IntN(len(p.pending))])
	}
	s.owners[partition] = s.begin(partition)
	return true
}

func (s *simulation) replace(partition int) bool {
	s.zombies = append(s.zombies, s.owners[partition])
	if len(s.zombies) > 4 {
		s.zombies = slices.Delete(s.zombies, 0, 1)
	}
	s.owners[partition] = s.begin(partition)
	return true
}

func (s *simulation) stop(partition int) bool {
	p := s.owners[partition]
	s.ask(p, p.worker.stop())
	return true
}

func (s *simulation) rebalance(int) bool {
	for p := range s.owners {
		s.stop(p)
	}
	return true
}

func (s *simulation) snapshot(int) bool {
	if s.store.loose != nil || len(s.store.snapshots) == 8 {
		return false
	}
	s.store.remember()
	return true
}

func (s *simulation) fallBack(int) bool {
	n := len(s.store.snapshots)
	if n == 0 {
		return false
	}
	shards := 1 + s.r.IntN(3)
	shard := s.r.IntN(shards)
	s.hush()
	s.fallen = true
	s.store.fallBack(s.r.IntN(n), func(b int) bool { return b%shards == shard })
	s.suffer()
	return true
}

// loseBuckets empties a few buckets that have entities, perhaps all of a shard, perhaps the one that Begin writes last.
func (s *simulation) loseBuckets(int) bool {
	if s.store.loose != nil {
		return false
	}
	var d deed
	if d = s.writer.deeds[s.r.IntN(len(s.writer.deeds))]; len(d.at) == 0 {
		return false
	}
	bucket, shards, also := d.at[s.r.IntN(len(d.at))], 1+s.r.IntN(windows.Buckets), s.r.IntN(2)
	if s.r.IntN(2) == 0 {
		shards = windows.Buckets
	}
	s.hush()
	s.age()
	s.store.lose(func(b int) bool { return b%shards == bucket%shards || b == 0 && also == 0 })
	s.suffer()
	return true
}

func (s *simulation) loseAll(int) bool {
	if s.store.loose != nil {
		return false
	}
	s.hush()
	s.age()
	s.store.lose(func(int) bool { return true })
	s.suffer()
	return true
}

// retain cuts some of the oldest records, whether somebody has read them or not. The record by which a new topic is
// known stays until somebody has looked: its absence proves nothing.
func (s *simulation) retain(partition int) bool {
	l := s.logs[partition]
	most := l.produced - l.cut
	if s.owners[partition].incarnation != l.incarnation {
		_, highest, _ := extent(s.store.fences(simTopicName, partition))
		if i, held := l.holds(highest.Offset); held {
			most = i - l.cut
		}
	}
	if most == 0 {
		return false
	}
	s.gone = append(s.gone, l.retain(1+s.r.IntN(1+s.r.IntN(most)))...)
	s.suffer()
	return true
}

// recreate deletes the topic and makes it anew, with fewer records or with more.
func (s *simulation) recreate(int) bool {
	s.ageAnew()
	s.incarnations++
	forgotten := s.r.IntN(2) == 0 // a broker forgets the offsets of a topic that it deletes
	for p, l := range s.logs {
		if !s.named(p) {
			s.silence(p)
		}
		s.vanish(l, l.cut)
		s.logs[p] = s.writer.log(p, s.incarnations, 1+s.r.IntN(2*len(l.records)))
		s.logs[p].produce(s.r.IntN(1 + len(s.logs[p].records)))
		if forgotten {
			s.committed[p] = windows.NoOffset
		}
	}
	s.store.ledger.know(s.writer.deeds)
	s.suffer()
	return true
}

// cutBack elects a leader that lacks the last records; others are written in their place. What the log still holds may
// be counted twice then, and must not be taken for duplicates.
func (s *simulation) cutBack(partition int) bool {
	l := s.logs[partition]
	if s.kind == simKeyed || l.produced == l.cut {
		return false
	}
	s.ageAnew()
	s.silence(partition)
	s.incarnations++
	s.store.ledger.again[partition] = true
	kept := l.cut + s.r.IntN(l.produced-l.cut)
	s.vanish(l, kept)
	next := *l
	next.incarnation, next.produced = s.incarnations, kept
	next.records, next.deeds, next.dead, next.born = l.records[:kept:kept], l.deeds[:kept:kept], l.dead[:kept:kept], l.born[:kept:kept]
	s.writer.more(&next, kept+1+s.r.IntN(1+len(l.records)-kept))
	next.produce(s.r.IntN(2 * (1 + l.produced - kept)))
	s.logs[partition] = &next
	s.committed[partition] = windows.NoOffset // else it tells that dead letters of the new records are out
	s.store.ledger.know(s.writer.deeds)
	s.suffer()
	return true
}

// vanish notes that the records from an index on are in the log no more.
func (s *simulation) vanish(l *simLog, from int) {
	for i := from; i < l.produced; i++ {
		g := l.gone(i)
		g.retention = false
		s.gone = append(s.gone, g)
	}
}

// named tells that a fence names a record, so that another incarnation of the topic is known by it.
func (s *simulation) named(partition int) bool {
	_, highest, _ := extent(s.store.fences(simTopicName, partition))
	return !highest.Time.IsZero()
}

// silence ends all who work on a partition, with all that they asked for. Otherwise somebody who still holds records of
// a log that is gone might count them where, by the fences, those of the new log are to be counted: no fence tells the
// two apart before one names a record. See windows/README.md.
func (s *simulation) silence(partition int) {
	s.zombies = slices.DeleteFunc(s.zombies, func(p *process) bool { return p.partition == partition })
	if partition < len(s.owners) {
		s.owners[partition] = s.begin(partition)
	}
}

// hush silences those who have not noticed yet that the topic is another one, or have noticed and not begun with it,
// before the fences are lost that tell them. What was asked for in older sessions is not done any more.
func (s *simulation) hush() {
	lost := func(p *process) bool {
		return p.incarnation != s.logs[p.partition].incarnation || p.worker.phase == phaseStanding
	}
	renamed := func(p *process) bool { return s.logs[p.partition].incarnation > 0 }
	s.zombies = slices.DeleteFunc(s.zombies, func(p *process) bool { return renamed(p) && lost(p) })
	for i, p := range s.owners {
		if renamed(p) && lost(p) {
			s.owners[i] = s.begin(i)
		}
	}
	for _, p := range slices.Concat(s.owners, s.zombies) {
		if renamed(p) {
			p.pending = slices.DeleteFunc(p.pending, func(q request) bool { return q.session != p.worker.session })
		}
	}
}

// age forgets the snapshots before state is lost, if the topic is another one by now. Epochs are numbered by the fences
// there are: with these lost or back at an earlier state, a number is given anew, and a snapshot may hold it of another
// topic.
func (s *simulation) age() {
	if s.incarnations > 0 {
		s.store.snapshots = nil
	}
}

// ageAnew does the same before the log becomes another one, if state was put back to a snapshot or names no record.
func (s *simulation) ageAnew() {
	for p := range s.logs {
		s.fallen = s.fallen || !s.named(p)
	}
	if s.fallen {
		s.store.snapshots, s.fallen = nil, false
	}
}

func (s *simulation) addPartition(int) bool {
	if len(s.logs) == 4 {
		return false
	}
	s.addLog(s.writer.log(len(s.logs), s.incarnations, 1+s.r.IntN(20)))
	s.store.ledger.know(s.writer.deeds)
	return true
}

func (s *simulation) forgetOffsets(partition int) bool {
	if s.committed[partition] == windows.NoOffset {
		return false
	}
	s.committed[partition] = windows.NoOffset
	return true
}

// suffer notes the entities that lack, perhaps for good, what no log holds any more.
func (s *simulation) suffer() {
	for _, g := range s.gone {
		if g.dead != "" {
			continue
		}
		d := &s.writer.deeds[g.deed]
		for i, key := range d.keys {
			if !s.harmed[key] && !s.store.ledger.holds(d.at[i], g.placed) {
				s.harmed[key] = true
			}
		}
	}
}
