package pipeline

import (
	"slices"
	"time"
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
	buried      buried     // the dead letters that it was told of, nil before it asked
	buriedFrom  int64      // among the records from this one on
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

// begin starts a new owner of a partition. It has room for few entities or for all.
func (s *simulation) begin(partition int) *process {
	room := int64(1) << 20
	if s.r.IntN(2) == 0 {
		room = int64(4+s.r.IntN(12)) << 13
	}
	s.begun++
	limits := Limits{
		FlushEvents: 1 + s.r.IntN(20), FlushInterval: 10 * time.Second, MaxUnflushed: 30 + s.r.IntN(30),
		CommitInterval: 15 * time.Second, CheckpointInterval: time.Minute, WorkingSet: room,
	}
	p := &process{partition: partition, worker: NewWorker(Options{
		Writer: uint64(s.begun) << 32,
		Set:    s.set, Decoder: deedDecoder{s.writer}, Topic: simTopicName, Partition: partition,
		Metrics: s.kit.metrics, Observe: s.find,
		Limits: limits, Shards: limits.FlushEvents % 4,
	})}
	p.worker.slice = 1 + limits.FlushEvents%6
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
