package detector

import (
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

type (
	// Sender identifies who sends: an account or a person, mostly as a pseudonym.
	Sender string
	// Recipient identifies who receives.
	Recipient string
	// Place is where a shipment starts or ends, as finely as its operator says: a post code, a province, an office.
	Place string
)

// A Lane is the way between two places.
type Lane struct {
	Origin, Destination Place
}

// Amount is a number that an event may lack; the zero Amount is absent.
type Amount struct {
	Value float64
	Known bool
}

// Event is one message about a shipment, as detectors see it. Empty strings and the zero Amount mean absent.
type Event struct {
	// ID names the event. If the message had none it is topic/partition/offset.
	ID string
	// Time is when it happened, by the message itself; always set, in UTC, to the millisecond.
	Time time.Time
	// Sender is always set.
	Sender    Sender
	Recipient Recipient
	// Item is the parcel's own number, such as a UPU S10 code.
	Item string
	// Type is posted, accepted, departed, arrived, customs_held, failed, delivered, returned or another word.
	Type                string
	Origin, Destination Place
	WeightG             Amount
	DeclaredValue       Amount
	Currency            string
	Service, Operator   string
	// Attributes holds what else the mapping kept; nil for nothing.
	Attributes map[string]string

	// At is where the message stands. An event from a file stands in a source with the file's name.
	At windows.Coordinates
	// RecordTime is the timestamp that Kafka gave the record, zero where there is none, as in a file. Of a resubmitted
	// message it is that of its first record.
	RecordTime time.Time
	// Resubmitted is nil but for a message that could not be counted where it stood first.
	Resubmitted *Resubmitted
}

// Resubmitted tells that a message could not be counted where it stood first, and was written to the log once more:
// perhaps several times, of which one counts.
type Resubmitted struct {
	// First is where it stood first.
	First windows.Coordinates
	// At is when this copy was written.
	At time.Time
}

// Lane is the event's way.
func (e *Event) Lane() Lane { return Lane{Origin: e.Origin, Destination: e.Destination} }
