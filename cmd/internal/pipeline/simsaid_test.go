package pipeline

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// saying names an output: all copies of it have the same.
type saying struct {
	kind        string
	id          string // of an alert, or of a flag's event
	fingerprint string // of a flag
	partition   int    // of a dead letter
	offset      int64
	deed        int
}

// said is what was said under one name.
type said struct {
	alert  *detector.Alert
	flag   *detector.Flag
	letter *DeadLetter
	// differs is another copy that had other content.
	differs *said
}

func (s *said) String() string {
	switch {
	case s.alert != nil:
		return fmt.Sprintf("%+v", *s.alert)
	case s.flag != nil:
		return fmt.Sprintf("%+v", *s.flag)
	}
	return fmt.Sprintf("%+v", *s.letter)
}

func (s *said) equal(o *said) bool {
	switch {
	case s.alert != nil:
		return reflect.DeepEqual(s.alert, o.alert)
	case s.flag != nil:
		return *s.flag == *o.flag
	}
	return reflect.DeepEqual(s.letter, o.letter)
}

// name names an output and gives what must be the same in every copy. The epoch is not: it is known only to those who
// saw the topic come and go.
func name(partition int, o *Output) (saying, *said) {
	switch {
	case o.Alert != nil:
		a := *o.Alert
		a.Evidence = slices.Clone(a.Evidence)
		for i := range a.Evidence {
			a.Evidence[i].Source.Epoch = 0
		}
		return saying{kind: "alert", id: a.ID}, &said{alert: &a}
	case o.Flag != nil:
		return saying{kind: "flag", id: o.Flag.EventID, fingerprint: o.Flag.Fingerprint}, &said{flag: o.Flag}
	}
	d := *o.DeadLetter
	d.At.Source.Epoch = 0
	n := saying{kind: "dead letter", partition: partition, offset: d.At.Offset, deed: deedOf(d.Record.Value)}
	return n, &said{letter: &d}
}

// letterOf names the dead letter of a record.
func letterOf(c placed) saying {
	return saying{kind: "dead letter", partition: c.partition, offset: c.offset, deed: c.deed}
}

// hear takes down what is said, and whether there is any reason for it.
func (s *simulation) hear(p *process, o *Output) {
	n, what := name(p.partition, o)
	if problem := s.unfounded(p.partition, o); problem != "" {
		s.problem = fmt.Sprintf("%v is said for no reason, %s: %v", n, problem, what)
	}
	before := s.said[n]
	if before == nil {
		s.said[n], s.sayings = what, append(s.sayings, n)
		return
	}
	if before.differs == nil && !before.equal(what) {
		before.differs = what
	}
}

// unfounded tells why nobody should say this, whatever happened before; "" if somebody may.
func (s *simulation) unfounded(partition int, o *Output) string {
	id := ""
	switch {
	case o.Alert != nil:
		id = o.Alert.EventID
	case o.Flag != nil:
		id = o.Flag.EventID
	default:
		return s.unfoundedLetter(partition, o.DeadLetter)
	}
	number, err := strconv.Atoi(strings.TrimPrefix(id, "e"))
	if err != nil || number >= len(s.writer.deeds) {
		return "there is no such event"
	}
	d := &s.writer.deeds[number]
	switch {
	case d.what != deedShipment:
		return "it is no shipment"
	case !strings.HasPrefix(d.event.Operator, fmt.Sprint(partition, "/")):
		return "it is of another partition"
	case o.Alert != nil && !concerns(d, o.Alert.Entity):
		return "it does not concern that entity"
	}
	return ""
}

func concerns(d *deed, e detector.EntityRef) bool {
	id := e.ID
	switch e.Kind {
	case detector.KindSender:
		return id == string(d.event.Sender)
	case detector.KindRecipient:
		return id == string(d.event.Recipient)
	}
	return id == string(d.event.Origin)+" > "+string(d.event.Destination)
}

func (s *simulation) unfoundedLetter(partition int, letter *DeadLetter) string {
	d := &s.writer.deeds[deedOf(letter.Record.Value)]
	reasons := map[string][]deedKind{
		reasonMalformed:            {deedGarbage},
		reasonPoison:               {deedPanic, deedPoison},
		string(detector.TooLate):   {deedShipment, deedPoison},
		string(detector.Future):    {deedShipment},
		string(detector.Duplicate): nil,
	}
	if !slices.Contains(reasons[letter.Reason], d.what) {
		return "it is a " + string(d.what)
	}
	return ""
}

// checkCommit holds a commit against what is said and counted: everything before it, unless state was lost meanwhile.
func (s *simulation) checkCommit(p *process, offset int64) {
	l := s.logs[p.partition]
	if p.refused == p.worker.session {
		s.problem = fmt.Sprintf("offset %d of partition %d is committed after an update was refused", offset, p.partition)
	}
	if p.worker.phase == phaseStanding || p.incarnation != l.incarnation || p.faults != s.store.faults || s.store.loose != nil {
		return
	}
	for i := l.cut; i < l.produced && l.records[i].Offset < offset; i++ {
		c := l.placed(i)
		if l.dead[i] != "" {
			if s.said[letterOf(c)] == nil {
				s.problem = fmt.Sprintf("offset %d of partition %d is committed, and the dead letter at %d was never said", offset, p.partition, c.offset)
			}
			continue
		}
		if s.kind == simKeyed {
			continue // what comes twice or too late leaves the bucket, and its fence, as they were
		}
		for _, b := range s.writer.deeds[c.deed].at {
			if !s.store.ledger.holds(b, c) {
				s.problem = fmt.Sprintf("offset %d of partition %d is committed, and record %d is not counted in bucket %d", offset, p.partition, c.offset, b)
			}
		}
	}
}

// sourceOf is where a record stands, as a reader sees it that knows every incarnation.
func sourceOf(c placed) windows.Coordinates {
	return windows.Coordinates{
		Source: windows.Source{Topic: simTopicName, Partition: c.partition}, Offset: c.offset,
	}
}
