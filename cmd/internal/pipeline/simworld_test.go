package pipeline

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

var simEpoch = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// simKit is what the histories that one goroutine plays have in common: what is dear to make and never changes, and
// what is counted.
type simKit struct {
	metrics  *Metrics
	sets     map[simKind]*detector.Set
	profiles map[int64]*detector.Profile
	tally    simTally
	broken   simBroken
	trace    bool // print what happens
}

func newSimKit(broken simBroken) *simKit {
	k := &simKit{sets: map[simKind]*detector.Set{}, profiles: map[int64]*detector.Profile{}, broken: broken}
	for _, kind := range simKinds {
		k.sets[kind] = simSet(kind)
	}
	k.metrics = NewMetrics(prometheus.NewRegistry(), k.sets[simKeyed].Rules())
	return k
}

// profile knows nothing on any day: what a profile says is no matter of exactness.
func (k *simKit) profile(day int64) *detector.Profile {
	if k.profiles[day] == nil {
		k.profiles[day] = k.sets[simKeyed].NewProfile(day)
	}
	return k.profiles[day]
}

// simKind says how the events of a history are spread over its partitions.
type simKind string

const (
	// simKeyed: all of an entity's events are in one partition. Events may come twice, and late and future ones are
	// dead letters.
	simKeyed simKind = "keyed"
	// simShared: a sender's events are in one partition, a recipient and a lane have some in each.
	simShared simKind = "shared"
	// simUnkeyed: every entity has events in each partition. Alerts then depend on who saw what first, but no count.
	simUnkeyed simKind = "unkeyed"
)

var simKinds = [...]simKind{simKeyed, simShared, simUnkeyed}

// simQuiet is how long without a finding ends an incident.
const simQuiet = 8 * time.Hour

// simSet counts in hours kept for a day and days kept for a week, so that histories run over the horizon. Where
// partitions share entities nobody remembers ids: who remembers which depends on the order in which they are read.
func simSet(kind simKind) *detector.Set {
	return smallSet(func(s *detector.Settings) {
		s.Limit = &detector.LimitSettings{Window: 6 * time.Hour, Shipments: 4}
		s.Burst = &detector.CountSettings{Window: 6 * time.Hour, Threshold: 3}
		s.Route = &detector.RouteSettings{Window: 24 * time.Hour, Threshold: 3}
		s.Fanin = &detector.CountSettings{Window: 24 * time.Hour, Threshold: 3}
		s.LaneBurst = &detector.CountSettings{Window: 24 * time.Hour, Threshold: 3}
		s.Alerts.Quiet = simQuiet
		if kind == simKeyed {
			s.DuplicateHorizon = 48 * time.Hour
			s.Admission = detector.Admission{Lateness: 50 * time.Hour, ClockTolerance: 30 * 24 * time.Hour}
		} else {
			// Whoever comes last has to see all there is.
			s.Ladder = windows.Ladder{{Name: 'h', Slide: time.Hour, Keep: 400}, {Name: 'd', Slide: 24 * time.Hour, Keep: 20}}
			s.MaxFields = 500
		}
	})
}

// deed is what a record of the simulated topic stands for.
type deed struct {
	what  deedKind
	event detector.Event // without coordinates; of a shipment or a scan
	keys  []windows.Key  // of the entities that are to count it; none if it is not to be counted
	at    []int          // their buckets
	first *Resubmission  // of a message that could not be read at first, and was repaired and written again
}

type deedKind string

const (
	deedShipment deedKind = "shipment"
	deedScan     deedKind = "scan"    // of a type that is no shipment
	deedGarbage  deedKind = "garbage" // can't be decoded
	deedPanic    deedKind = "panic"   // makes the decoder panic
	deedPoison   deedKind = "poison"  // makes the judging panic
	deedControl  deedKind = "control" // the end of a transaction
)

const decoderPanic, poisonPanic = "a decoder's bug", "there is no such place"

// poisonPlace is a destination at which judging panics.
const poisonPlace = "Bielefeld"

func panicAtPoison(e *detector.Event, c *detector.Conclusion) {
	if e.Destination == poisonPlace && c.Outcome != reasonPoison && c.Outcome != Redelivered {
		panic(poisonPanic)
	}
}

// deedDecoder looks deeds up by the number that a record holds.
type deedDecoder struct{ writer *simWriter }

func deedValue(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

func deedOf(value []byte) int { return int(binary.BigEndian.Uint32(value)) }

func (d deedDecoder) DecodeInto(e *detector.Event, value []byte, at windows.Coordinates, recordTime time.Time) error {
	switch it := &d.writer.deeds[deedOf(value)]; it.what {
	case deedPanic:
		panic(decoderPanic)
	case deedGarbage:
		return &Malformed{Field: "event_time", Err: errGarbage}
	default:
		*e = it.event
		e.At, e.RecordTime = at, recordTime
		return nil
	}
}

var errGarbage = errors.New("event_time is missing")
