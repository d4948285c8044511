package pipeline

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// simWriter makes up what producers write.
type simWriter struct {
	r     *rand.Rand
	kind  simKind
	set   *detector.Set
	deeds []deed
	// hub is how many of the parcels go to one recipient, from a new sender each: no partition has many of them.
	hub float64
	// repeated are the deeds that more than one record stands for.
	repeated map[int]bool
	// again are the timestamps of records that were resubmitted.
	again map[placed]time.Time
}

// log writes a partition's log of n records: a few senders, some busy, places mostly the same, events late,
// shuffled or years ahead, repeated ones where the set knows them, records that can't be read or judged, some of them
// resubmitted, gaps in the offsets. A topic made anew begins at 0 and has no gaps yet.
func (w *simWriter) log(partition, incarnation, n int) *simLog {
	l := &simLog{partition: partition, incarnation: incarnation}
	if incarnation == 0 {
		l.first = int64(w.r.IntN(3) * 100)
	}
	w.more(l, n)
	return l
}

// more makes a log longer, up to n records.
func (w *simWriter) more(l *simLog, n int) {
	partition, incarnation := l.partition, l.incarnation
	offset, now := l.first, simEpoch.Add(time.Duration(incarnation)*time.Millisecond) // records of two incarnations differ in time
	if last := len(l.records) - 1; last >= 0 {
		offset = l.records[last].Offset + 1
		now = l.records[last].Time.Truncate(10 * time.Millisecond).Add(time.Duration(incarnation) * time.Millisecond)
	}
	var late []int  // deeds of a producer that shuffles
	var bad *Record // the last one that could not be read, until it is resubmitted
	for len(l.records) < n {
		now = now.Add(time.Duration(w.r.IntN(90*60*100)) * 10 * time.Millisecond)
		if incarnation == 0 && w.r.IntN(20) == 0 {
			offset += int64(w.r.IntN(5)) // compacted away
		}
		number := w.deed(partition, incarnation, now)
		if bad != nil && w.resubmit(number, &Resubmission{First: windows.Coordinates{Source: windows.Source{Topic: simTopicName, Partition: partition}, Offset: bad.Offset}, Time: bad.Time}) {
			bad, late = nil, append(late, number) // another copy
		}
		if w.r.IntN(10) == 0 && w.deeds[number].what != deedPoison { // late, it would be a dead letter unjudged
			late = append(late, number)
			if len(late) < 4 {
				continue
			}
			i := w.r.IntN(len(late))
			number = late[i]
			late = append(late[:i], late[i+1:]...)
		}
		r := Record{Offset: offset, Time: now, Value: deedValue(number)}
		switch d := &w.deeds[number]; {
		case d.what == deedControl:
			r.Key, r.Value = []byte{0, 0, 0, 1}, []byte{0, 0, 0, 0, 0, 0}
		case d.what == deedGarbage:
			bad = &r
		case d.first != nil:
			r.Headers = d.first.Headers()
			w.again[placed{incarnation, partition, offset, number}] = now
		}
		l.records, l.deeds = append(l.records, r), append(l.deeds, number)
		l.dead, l.born = append(l.dead, w.dead(number, now)), append(l.born, incarnation)
		offset++
	}
}

// dead is why a record can only become a dead letter, "" if it need not.
func (w *simWriter) dead(number int, recordTime time.Time) string {
	d := &w.deeds[number]
	switch d.what {
	case deedGarbage:
		return reasonMalformed
	case deedPanic:
		return reasonPoison
	case deedShipment, deedPoison:
		e := d.event
		e.RecordTime = recordTime
		if d.first != nil {
			e.RecordTime = d.first.Time
		}
		if outcome := w.set.Admit(&e); outcome != detector.Counted {
			return string(outcome)
		}
	}
	if d.what == deedPoison {
		return reasonPoison
	}
	return ""
}

// resubmit makes a deed the repair of a record that could not be read, if it can be one.
func (w *simWriter) resubmit(number int, first *Resubmission) bool {
	d := &w.deeds[number]
	if w.kind != simKeyed || d.what != deedShipment || w.repeated[number] {
		return false
	}
	d.first, w.repeated[number] = first, true
	return true
}

// deed makes up what one record stands for.
func (w *simWriter) deed(partition, incarnation int, now time.Time) int {
	if n := len(w.deeds); n > 0 && w.kind == simKeyed && w.r.IntN(40) == 0 {
		if old := w.r.IntN(n); w.deeds[old].event.Operator == operator(partition, incarnation) {
			w.repeated[old] = true
			return old // the same event again
		}
	}
	d := deed{what: deedShipment, event: w.event(partition, incarnation, w.moment(now))}
	switch w.r.IntN(50) {
	case 0:
		d.what = deedGarbage
	case 1:
		d.what = deedPanic
	case 2:
		d.what, d.event.Type = deedScan, "departed"
	case 3:
		d.what, d.event.Destination, d.event.Time = deedPoison, poisonPlace, now
	case 4:
		d.what = deedControl
	}
	if d.what == deedShipment {
		for _, key := range w.set.Keys(&d.event) {
			d.keys, d.at = append(d.keys, key), append(d.at, key.Bucket())
		}
	}
	w.deeds = append(w.deeds, d)
	return len(w.deeds) - 1
}

// moment is when an event happened that is recorded now.
func (w *simWriter) moment(now time.Time) time.Time {
	const slot = 16 * time.Second // no two events have the same time
	at := now.Truncate(slot).Add(time.Duration(len(w.deeds)) * time.Millisecond % slot)
	switch x := w.r.IntN(200); {
	case x < 25:
		return at.Add(-time.Duration(w.r.IntN(60)) * time.Hour)
	case x == 25 && w.kind == simKeyed:
		return at.Add(time.Duration(1+w.r.IntN(5)) * 24 * 365 * time.Hour)
	case x == 26 && w.kind == simKeyed:
		return at.Add(time.Duration(w.r.IntN(25)) * 24 * time.Hour)
	}
	return at
}

// operator tells where an event is from; it is no matter of any rule.
func operator(partition, incarnation int) string { return fmt.Sprint(partition, "/", incarnation) }

// event makes up a shipment. Half of a later incarnation's senders are new.
func (w *simWriter) event(partition, incarnation int, at time.Time) detector.Event {
	region, of := fmt.Sprint(partition), fmt.Sprint(partition)
	switch w.kind {
	case simShared:
		region = ""
	case simUnkeyed:
		region, of = "", ""
	}
	if incarnation > 0 && w.r.IntN(2) == 0 {
		of += fmt.Sprint("i", incarnation)
	}
	id := fmt.Sprint("e", len(w.deeds))
	e := detector.Event{
		ID: id, Item: id, Type: "posted", Time: at, Operator: operator(partition, incarnation),
		Sender: detector.Sender(fmt.Sprint("s", of, "-", w.r.IntN(1+w.r.IntN(7)))),
	}
	switch {
	case w.hub > 0 && w.r.Float64() < w.hub:
		e.Sender, e.Recipient = detector.Sender(fmt.Sprint("n", of, "-", id)), "hub"
	case w.r.IntN(8) > 0:
		e.Recipient = detector.Recipient(fmt.Sprint("r", region, "-", w.r.IntN(1+w.r.IntN(6))))
	}
	if w.r.IntN(12) > 0 {
		e.Destination = detector.Place(fmt.Sprint("p", region, "-", w.r.IntN(1+w.r.IntN(20))))
	}
	if w.r.IntN(3) > 0 {
		e.Origin = detector.Place(fmt.Sprint("o", region, "-", w.r.IntN(1+w.r.IntN(2))))
	}
	return e
}
