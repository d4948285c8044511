package pipeline

import (
	"fmt"
	"slices"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// carryOut does what a process has asked for: wholly, in part or not at all, and with a reply or without. What has no
// reply stays, and is done again.
func (s *simulation) carryOut(p *process, i int) {
	q := p.pending[i]
	switch x := s.r.Float64(); {
	case x < s.mood.fails:
		s.kit.tally.count("failed, nothing done")
		return
	case x < s.mood.fails+s.mood.part && s.inPart(p, q):
		return
	case x < s.mood.fails+s.mood.part+s.mood.unanswered:
		s.kit.tally.count("reply lost")
		s.execute(p, q)
		return
	}
	p.pending = slices.Delete(p.pending, i, i+1)
	if q.op == opCommit && s.r.Float64() < s.mood.commitLost {
		s.kit.tally.count("commit lost, yet answered")
		p.answers = append(p.answers, answer{completion: completion{session: q.session, op: q.op}})
		return
	}
	p.answers = append(p.answers, s.execute(p, q))
	if s.r.IntN(2) == 0 {
		s.deliver(p, len(p.answers)-1)
	}
}

// inPart does a part of a request that has several; false if it has none.
func (s *simulation) inPart(p *process, q request) bool {
	switch q.op {
	case opAlert, opWrite:
		s.kit.tally.count("write done in part")
		for i := range q.outputs[:s.r.IntN(len(q.outputs)+1)] {
			s.hear(p, &q.outputs[i])
		}
	case opApply:
		s.kit.tally.count("apply done in part")
		from := s.r.IntN(len(q.updates) + 1)
		s.store.apply(q.source, q.updates[from:from+s.r.IntN(len(q.updates)-from+1)], p.fetchedIn(q.session))
	case opBegin:
		s.kit.tally.count("begin done in part")
		s.store.begin(q.source, q.fence, 1+s.r.IntN(windows.Buckets))
	default:
		return false
	}
	return true
}

func (s *simulation) execute(p *process, q request) answer {
	s.kit.tally.steps++
	c := answer{completion: completion{session: q.session, op: q.op}}
	log := s.logs[p.partition]
	switch q.op {
	case opStand:
		c.standing = s.stand(p)
	case opBegin:
		s.store.begin(q.source, q.fence, 0)
	case opFetch:
		s.fetch(p, log, q, &c)
	case opProfile:
		c.day = q.day
		if !q.known {
			c.profile = s.kit.profile(q.day)
		}
	case opLoad:
		c.loaded = s.store.load(q.source, q.keys)
	case opGoOn:
	case opAlert, opWrite:
		for i := range q.outputs {
			s.hear(p, &q.outputs[i])
		}
	case opApply:
		c.results = s.store.apply(q.source, q.updates, p.fetchedIn(q.session))
		c.refused = slices.ContainsFunc(c.results, func(r windows.Result) bool { return r.Status == windows.Refused })
	case opVerify:
		c.fences = s.store.fences(simTopicName, p.partition)
	case opCommit:
		s.commit(p, q)
	default:
		panic(fmt.Sprint("the simulation does not know of ", q.op))
	}
	if s.kit.trace {
		s.trace("%p/%d has done %s, session %d", p, p.partition, describe(&q, &c), q.session)
	}
	if s.kit.broken.answer != nil {
		s.kit.broken.answer(p.worker, &c.completion)
	}
	p.worker.decode(q.source, &c.batch)
	return c
}

func (s *simulation) stand(p *process) standing {
	log := s.logs[p.partition]
	p.incarnation, p.faults = log.incarnation, s.store.faults
	st := standing{
		fences: s.store.fences(simTopicName, p.partition), first: log.first, end: log.end(),
		committed: s.committed[p.partition],
	}
	if _, highest, present := extent(st.fences); present > 0 {
		st.probed, st.found = log.recordTime(highest.Offset)
	} else if st.committed < 0 {
		log.begun = log.first
	}
	st.buried = s.bury(p, &st)
	return st
}

// bury looks up the dead letters, as the runner does: once, or again when the worker goes back further.
func (s *simulation) bury(p *process, st *standing) buried {
	from := decide(*st, false).position
	if p.buried != nil && from >= p.buriedFrom {
		return p.buried
	}
	p.buried, p.buriedFrom = buried{}, from
	log := s.logs[p.partition]
	for i := log.from(from); i < log.produced; i++ {
		if said := s.said[letterOf(log.placed(i))]; said != nil && !said.letter.Reached {
			p.buried[log.records[i].Offset] = log.records[i].Time.UnixMilli()
		}
	}
	return p.buried
}

// fetch gives some records. A broker tells a reader of a topic that was deleted since; see simTopic.
func (s *simulation) fetch(p *process, log *simLog, q request, c *answer) {
	if p.incarnation != log.incarnation {
		c.outside = true
		return
	}
	c.batch, c.outside = log.fetch(q.offset, s.r.IntN(3), s.r.IntN(12))
	if len(c.batch.Records) == 0 {
		s.now = s.now.Add(500 * time.Millisecond) // a broker waits a little for records
	}
	if len(c.batch.Records) > 0 {
		i, _ := log.holds(c.batch.Records[0].Offset)
		for n := range c.batch.Records {
			if log.dead[i+n] == "" {
				c.read = append(c.read, log.placed(i+n))
			}
		}
	}
}

// commit is refused by the group if it is of an older generation. One worker's commits are done in order.
func (s *simulation) commit(p *process, q request) {
	p.pending = slices.DeleteFunc(p.pending, func(o request) bool { return o.op == opCommit && o.session < q.session })
	if p == s.owners[p.partition] {
		s.committed[p.partition] = q.offset
	}
}
