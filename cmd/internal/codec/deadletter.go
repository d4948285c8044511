package codec

import (
	"strconv"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// DeadLetter is a record that was not counted, and why.
type DeadLetter struct {
	// Reason is a word such as malformed, Field the field at fault or empty, Error a sentence for people.
	Reason, Field, Error string
	// At is where the record stands.
	At windows.Coordinates
	// RecordTime is the timestamp that Kafka gave the record, zero where there is none.
	RecordTime time.Time
	// Key and Value are the record's own. AppendDeadLetter and Headers leave them out.
	Key, Value []byte
}

// flatDeadLetter is a dead letter without its payload, in the order of its keys.
type flatDeadLetter struct {
	Reason     string `json:"reason"`
	Field      string `json:"field"`
	Error      string `json:"error"`
	Topic      string `json:"topic"`
	Partition  int    `json:"partition"`
	Offset     int64  `json:"offset"`
	RecordTime stamp  `json:"record_time"`
}

// AppendDeadLetter appends what stands for a record whose content is withheld: why and where, a JSON object without a
// line end. The record time is null where there is none.
func AppendDeadLetter(b []byte, d *DeadLetter) []byte {
	return appendJSON(b, &flatDeadLetter{
		Reason: d.Reason, Field: d.Field, Error: d.Error, Topic: d.At.Source.Topic, Partition: d.At.Source.Partition,
		Offset: d.At.Offset, RecordTime: stamp(d.RecordTime),
	})
}

// Header is a header of a Kafka message.
type Header struct {
	Key   string
	Value []byte
}

// Headers are those of a dead letter, always all six of them: reason, field, error, topic, partition and offset.
func Headers(d *DeadLetter) []Header {
	return []Header{
		{"reason", []byte(d.Reason)},
		{"field", []byte(d.Field)},
		{"error", []byte(d.Error)},
		{"topic", []byte(d.At.Source.Topic)},
		{"partition", strconv.AppendInt(nil, int64(d.At.Source.Partition), 10)},
		{"offset", strconv.AppendInt(nil, d.At.Offset, 10)},
	}
}
