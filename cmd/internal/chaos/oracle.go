package chaos

import (
	"fmt"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// oracle is what must come of a log: plain lists of times, and no counters.
type oracle struct {
	// times are those of the events of each entity.
	times map[windows.Key][]time.Time
	// letters are the records that must be dead letters, as letterName names them.
	letters map[string]bool
	// lines are the events alone, for a replay.
	lines []pipeline.Record
	// cut is the number of records that were gone before they could be read.
	cut int64
}

// newOracle counts a log. The decoder only tells by which pseudonyms people go.
func newOracle(log []record, d pipeline.Decoder) (*oracle, error) {
	o := &oracle{times: map[windows.Key][]time.Time{}, letters: map[string]bool{}}
	for i := range log {
		r := &log[i]
		switch r.fate {
		case counted:
			var e detector.Event
			if err := d.DecodeInto(&e, r.value, windows.Coordinates{Offset: r.offset}, r.time); err != nil {
				return nil, fmt.Errorf("the log's record %d/%d: %w", r.partition, r.offset, err)
			}
			o.lines = append(o.lines, pipeline.Record{Value: r.value, Time: r.time})
			o.add(windows.NewKey(detector.KindSender, string(e.Sender)), r.shipment.Time)
			o.add(windows.NewKey(detector.KindRecipient, string(e.Recipient)), r.shipment.Time)
			o.add(windows.NewKey(detector.KindLane, r.shipment.Origin, r.shipment.Destination), r.shipment.Time)
		case malformed, future, poison:
			o.letters[letterName(r.fate, r.partition, r.offset)] = true
		case gone:
			o.cut++
		}
	}
	return o, nil
}

func (o *oracle) add(key windows.Key, at time.Time) { o.times[key] = append(o.times[key], at) }

func letterName(reason string, partition int32, offset int64) string {
	return fmt.Sprintf("%s at %d/%d", reason, partition, offset)
}

// difference is how far what is stored of an entity is from what must be.
type difference struct {
	lost, twice int64
	what        string // in words, "" if there is none
}

// compare holds an entity against its list of times. used are the resolutions at which parcels of its kind are counted. A
// nil entity is one that is not stored.
func compare(e *windows.Entity, times []time.Time, used windows.Ladder) difference {
	var d difference
	if e == nil {
		return difference{lost: int64(len(times)), what: "is not in Redis"}
	}
	d.note("events", e.Events()-int64(len(times)))
	for _, r := range used {
		d.panes(e, times, r)
	}
	return d
}

func (d *difference) note(what string, excess int64) {
	if excess == 0 {
		return
	}
	d.lost, d.twice = max(d.lost, -excess), max(d.twice, excess)
	d.what += fmt.Sprintf("%s: %+d; ", what, excess)
}

// panes compares each pane that is kept, counted from the newest event, and the parcels by place.
func (d *difference) panes(e *windows.Entity, times []time.Time, r windows.Resolution) {
	excess := map[int64]int64{}
	newest := int64(0)
	for i, at := range times {
		if p := r.Pane(at); i == 0 || p > newest {
			newest = p
		}
	}
	all := int64(0)
	for _, at := range times {
		if p := r.Pane(at); p > newest-r.Keep {
			excess[p]--
			all++
		}
	}
	for _, p := range e.Panes(measureItems, r, windows.Sub{}) {
		excess[p.Pane] += p.N
	}
	var lost, twice int64
	for _, n := range excess {
		lost, twice = lost+max(0, -n), twice+max(0, n)
	}
	d.note(fmt.Sprintf("panes %c", r.Name), twice)
	d.note(fmt.Sprintf("panes %c", r.Name), -lost)
	placed, places := int64(0), false
	for _, panes := range e.Subs(measurePlaces, r) {
		for _, p := range panes {
			placed, places = placed+p.N, true
		}
	}
	if places {
		d.note(fmt.Sprintf("places %c", r.Name), placed-all)
	}
}

// What detectors count, as it stands in Redis.
const (
	measureItems  windows.Measure = 'i' // parcels
	measurePlaces windows.Measure = 'o' // parcels by destination
)
