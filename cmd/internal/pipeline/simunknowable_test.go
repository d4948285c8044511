package pipeline

import (
	"slices"
)

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
