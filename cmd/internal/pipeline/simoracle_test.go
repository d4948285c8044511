package pipeline

import (
	"cmp"
	"slices"
	"time"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// plainCounts are what an entity should hold, as a list of times: no panes, no deltas, no store.
type plainCounts struct {
	times []time.Time // of the parcels
	more  int64       // events that are counted, and no parcels: order lines
	// subject is the entity as a reader that was never disturbed leaves it; nil where that depends on the order in which
	// several logs are read.
	subject *detector.Subject
	// again: some of the events came once more, after the log was cut back, or may have, before state was lost. They are
	// counted once more, and whether as parcels depends on what came in between.
	again bool
	// twice is a resubmitted event that counts more than once, "" for none.
	twice string
}

// total is the number of events counted.
func (p *plainCounts) total() int64 { return int64(len(p.times)) + p.more }

// oracle reads the records that are counted, each log from its first record to its last.
type oracle struct {
	s       *simulation
	history *simRecords
	want    map[saying]*said // of senders: alerts, flags, and dead letters of what is too late
	wanted  []saying         // in order
}

// read makes an entity of the records that are counted in its bucket.
func (o *oracle) read(key windows.Key, records []placed) plainCounts {
	if o.history.several[key] {
		return o.readTogether(records)
	}
	slices.SortFunc(records, func(a, b placed) int { return cmp.Compare(a.offset, b.offset) })
	subject, _ := detector.NewSubject(windows.NewEntity(key))
	p := plainCounts{subject: subject}
	resubmitted := map[int]bool{}
	for _, c := range records {
		e := o.event(c)
		var subjects detector.Subjects
		subjects.Set(subject)
		found := o.s.set.Observe(&e, subjects, o.s.kit.profile(detector.Day(e.Time)), detector.NewSums())
		if key.Kind == detector.KindSender {
			o.tell(c, &found)
		}
		switch {
		case found.Outcome != detector.Counted:
			continue
		case e.Resubmitted != nil && resubmitted[c.deed]:
			p.twice = e.ID
		}
		resubmitted[c.deed] = true
		switch {
		case subject.Marks().Line:
			p.more++
		default:
			p.times = append(p.times, e.Time)
		}
	}
	return p
}

// readTogether counts what several logs hold of an entity. In such histories events do not come twice, and nothing is
// too late.
func (o *oracle) readTogether(records []placed) (p plainCounts) {
	seen := map[int]bool{}
	for _, c := range records {
		p.again = p.again || seen[c.deed] || o.s.store.faults > 0 && o.s.store.ledger.again[c.partition]
		seen[c.deed] = true
		p.times = append(p.times, o.event(c).Time)
	}
	return p
}

func (o *oracle) event(c placed) detector.Event {
	d := &o.s.writer.deeds[c.deed]
	e := d.event
	e.At = sourceOf(c)
	if d.first != nil {
		e.Resubmitted = &detector.Resubmitted{First: d.first.First, At: o.s.writer.again[c]}
	}
	return e
}

func (o *oracle) tell(c placed, found *detector.Conclusion) {
	note := func(out Output) {
		n, what := name(c.partition, &out)
		o.want[n], o.wanted = what, append(o.wanted, n)
	}
	for i := range found.Alerts {
		note(Output{Alert: &found.Alerts[i]})
	}
	if found.Flag != nil {
		note(Output{Flag: found.Flag})
	}
	if found.Outcome == detector.TooLate {
		n := letterOf(c)
		o.want[n], o.wanted = &said{letter: &DeadLetter{Reason: string(detector.TooLate)}}, append(o.wanted, n)
	}
}

// simRecords is every record that was ever written.
type simRecords struct {
	first   map[windows.Key]placed // an entity's first record
	several map[windows.Key]bool   // entities with records in several logs, or in one that was cut back
	reborn  map[windows.Key]bool   // entities with records in several incarnations of the topic, or in a log that was cut back
	dead    map[saying]bool        // records that can only become dead letters
}

func (s *simulation) records() *simRecords {
	h := &simRecords{first: map[windows.Key]placed{}, several: map[windows.Key]bool{}, reborn: map[windows.Key]bool{}, dead: map[saying]bool{}}
	for _, g := range s.gone {
		h.add(s.writer, g.placed, g.dead, s.store.ledger.again[g.partition])
	}
	for _, l := range s.logs {
		for i := l.cut; i < l.produced; i++ {
			h.add(s.writer, l.placed(i), l.dead[i], s.store.ledger.again[l.partition])
		}
	}
	return h
}

func (h *simRecords) add(w *simWriter, c placed, dead string, again bool) {
	if dead != "" {
		h.dead[letterOf(c)] = true
		return
	}
	for _, key := range w.deeds[c.deed].keys {
		first, known := h.first[key]
		if !known {
			h.first[key] = c
		}
		if again || known && first.incarnation != c.incarnation {
			h.reborn[key] = true
		}
		if again || known && (first.incarnation != c.incarnation || first.partition != c.partition) {
			h.several[key] = true
		}
	}
}
