package pipeline

import (
	"github.com/parcelsentry/parcelsentry/windows"
)

// retain cuts some of the oldest records, whether somebody has read them or not. The record by which a new topic is
// known stays until its owner has begun with it: what the owner knows dies with it, and the record's absence proves
// nothing to the next one.
func (s *simulation) retain(partition int) bool {
	l := s.logs[partition]
	most := l.produced - l.cut
	if o := s.owners[partition]; l.incarnation > 0 &&
		(o.incarnation != l.incarnation || o.faults != s.store.faults || o.worker.phase == phaseStanding) {
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

func (s *simulation) addPartition(int) bool {
	if len(s.logs) == 4 {
		return false
	}
	s.addLog(s.writer.log(len(s.logs), s.incarnations, 1+s.r.IntN(20)))
	s.store.ledger.know(s.writer.deeds)
	return true
}
