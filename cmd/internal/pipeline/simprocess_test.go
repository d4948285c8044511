package pipeline

import (
	"fmt"
	"slices"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// process is a worker, what it has asked for, and the answers that are on their way to it.
type process struct {
	worker    *Worker
	partition int
	pending   []request
	answers   []answer

	fetched     [][]placed // by session: what was handed to the worker
	refused     int        // the session in which the worker was told of a refused update
	incarnation int        // of the topic, when the worker last asked where it stands
	faults      int        // of the store, at that time
}

// answer is a completion and, of a fetch, the records in it that are no dead letters.
type answer struct {
	completion
	read    []placed
	refused bool // some update was
}

// fetchedIn gives what the worker read in a session.
func (p *process) fetchedIn(session int) []placed {
	if session >= len(p.fetched) {
		return nil
	}
	return p.fetched[session]
}

// begin starts a new owner of a partition.
func (s *simulation) begin(partition int) *process {
	p := &process{partition: partition, worker: NewWorker(Options{
		Set: s.set, Decoder: deedDecoder{s.writer}, Topic: simTopicName, Partition: partition,
		Metrics: s.kit.metrics, Observe: s.find,
		Limits: Limits{
			FlushEvents: 1 + s.r.IntN(20), FlushInterval: 10 * time.Second, MaxUnflushed: 30 + s.r.IntN(30),
			CommitInterval: 15 * time.Second, CheckpointInterval: time.Minute, WorkingSet: 1 + s.r.IntN(12),
		},
	})}
	s.ask(p, p.worker.start(s.now))
	return p
}

// ask takes down what a worker asks for.
func (s *simulation) ask(p *process, asked []request) {
	if s.kit.broken.worker != nil {
		s.kit.broken.worker(p.worker)
	}
	for i := range asked {
		if asked[i].op == opCommit {
			s.checkCommit(p, asked[i].offset)
		}
	}
	p.pending = append(p.pending, asked...)
}

func (s *simulation) tick(p *process) { s.ask(p, p.worker.tick(s.now)) }

// step lets time pass, carries out something that a process has asked for, or brings it an answer.
func (s *simulation) step(p *process) {
	switch n := len(p.pending) + len(p.answers); {
	case n == 0 || s.r.IntN(5) == 0:
		s.now = s.now.Add(time.Duration(s.r.IntN(8000)) * time.Millisecond)
		s.tick(p)
	case s.r.IntN(n) < len(p.answers):
		s.deliver(p, s.r.IntN(len(p.answers)))
	default:
		s.carryOut(p, s.r.IntN(len(p.pending)))
	}
}

// calmStep does the same without any fault.
func (s *simulation) calmStep(p *process) {
	switch {
	case len(p.answers) > 0:
		s.deliver(p, 0)
	case len(p.pending) > 0:
		q := p.pending[0]
		p.pending = slices.Delete(p.pending, 0, 1)
		p.answers = append(p.answers, s.execute(p, q))
	default:
		s.now = s.now.Add(5 * time.Second)
		s.tick(p)
	}
}

// deliver brings an answer to its worker.
func (s *simulation) deliver(p *process, i int) {
	c := p.answers[i]
	p.answers = slices.Delete(p.answers, i, i+1)
	if c.op == opFetch && c.session == p.worker.session {
		s.note(p, &c)
	}
	if c.refused {
		p.refused = c.session
	}
	s.trace("%p/%d is told of %s, session %d", p, p.partition, c.op, c.session)
	s.ask(p, p.worker.complete(c.completion, s.now))
}

// note takes down what a worker is given to read.
func (s *simulation) note(p *process, c *answer) {
	for len(p.fetched) <= c.session {
		p.fetched = append(p.fetched, nil)
	}
	all := p.fetched[c.session]
	for _, r := range c.read {
		if len(all) == 0 || r.offset > all[len(all)-1].offset {
			all = append(all, r)
		}
	}
	p.fetched[c.session] = all
	for _, r := range c.read {
		if !s.kit.trace {
			break
		}
		d := &s.writer.deeds[r.deed]
		s.trace("  record %d: %s %v %v %v", r.offset, d.what, d.event.ID, d.event.Time, d.keys)
	}
}

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
	case opWrite:
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
	case opWrite:
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
	return st
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

// describe tells what was done, for a trace.
func describe(q *request, c *answer) string {
	switch q.op {
	case opStand:
		lowest, highest, present := extent(c.standing.fences)
		return fmt.Sprintf("%s: log [%d, %d), committed %d, epoch %d, %d fences [%d, %d], probed %v", q.op, c.standing.first, c.standing.end,
			c.standing.committed, c.standing.fences.Source.Epoch, present, lowest.Offset, highest.Offset, c.standing.found)
	case opFetch:
		return fmt.Sprintf("%s from %d: outside %v, %d records to %d", q.op, q.offset, c.outside, len(c.batch.Records), c.batch.Next)
	case opApply:
		text := fmt.Sprintf("%s of %v:", q.op, q.source)
		for i, u := range q.updates {
			if len(u.Deltas) > 0 && i < len(c.results) {
				text += fmt.Sprintf(" %d: %d-%d %v %v,", u.Bucket, u.Expected, u.New.Offset, c.results[i].Status, c.results[i].Events)
			}
		}
		return fmt.Sprintf("%s %d in all", text, len(q.updates))
	case opBegin:
		return fmt.Sprintf("%s of %v at %d", q.op, q.source, q.fence.Offset)
	case opCommit:
		return fmt.Sprintf("%s of %d", q.op, q.offset)
	case opLoad:
		return fmt.Sprintf("%s of %v", q.op, q.keys)
	}
	return string(q.op)
}
