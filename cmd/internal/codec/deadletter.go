package codec

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// ReasonResubmitted is the reason of what is written beside a dead letter when its message has gone back to the input.
const ReasonResubmitted = "resubmitted"

// DeadLetter is a record that was not counted, and why.
type DeadLetter struct {
	// Reason is a word such as malformed, Field the field at fault or empty, Error a sentence for people.
	Reason, Field, Error string
	// At is where the record stands.
	At windows.Coordinates
	// RecordTime is the timestamp that Kafka gave the record, zero where there is none.
	RecordTime time.Time
	// First is where the record's message stood first, FirstTime that record's timestamp: At and RecordTime, unless it
	// was resubmitted. A zero First is At.
	First     windows.Coordinates
	FirstTime time.Time
	// Reached: the event came to its entities, of which some may have counted it.
	Reached bool
	// Key and Value are the record's own. AppendDeadLetter and Headers leave them out. Withheld tells that a letter that
	// was read didn't carry them.
	Key, Value []byte
	Withheld   bool
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

// Names of a dead letter's headers.
const (
	headerReason     = "reason"
	headerField      = "field"
	headerError      = "error"
	headerTopic      = "topic"
	headerEpoch      = "epoch"
	headerPartition  = "partition"
	headerOffset     = "offset"
	headerRecordTime = "record_time"
	headerFirst      = "first"
	headerFirstTime  = "first_time"
	headerReached    = "reached"
)

// Headers are those of a dead letter: always reason, field, error, topic, epoch, partition and offset; record_time where
// there is one; first and first_time of a message that was resubmitted; reached where the event came to its
// entities.
func Headers(d *DeadLetter) []Header {
	h := []Header{
		{headerReason, []byte(d.Reason)},
		{headerField, []byte(d.Field)},
		{headerError, []byte(d.Error)},
		{headerTopic, []byte(d.At.Source.Topic)},
		{headerEpoch, strconv.AppendInt(nil, int64(d.At.Source.Epoch), 10)},
		{headerPartition, strconv.AppendInt(nil, int64(d.At.Source.Partition), 10)},
		{headerOffset, strconv.AppendInt(nil, d.At.Offset, 10)},
	}
	instant := func(name string, t time.Time) {
		if !t.IsZero() {
			h = append(h, Header{name, t.UTC().AppendFormat(nil, millis)})
		}
	}
	instant(headerRecordTime, d.RecordTime)
	if d.First != d.At && d.First != (windows.Coordinates{}) {
		h = append(h, Header{headerFirst, []byte(d.First.String())})
		instant(headerFirstTime, d.FirstTime)
	}
	if d.Reached {
		h = append(h, Header{headerReached, strconv.AppendBool(nil, true)})
	}
	return h
}

// ReadDeadLetter reads a message of the dead-letter topic: what Headers and the sink made of a dead letter, or what
// resubmit wrote. It shares memory with key and value. An error tells that it is none of ours.
func ReadDeadLetter(headers []Header, key, value []byte) (DeadLetter, error) {
	text := map[string]string{}
	for _, h := range headers {
		text[h.Key] = string(h.Value)
	}
	d := DeadLetter{Reason: text[headerReason], Field: text[headerField], Error: text[headerError], Reached: text[headerReached] != ""}
	if d.Reason == "" {
		return d, errors.New("no header tells a reason")
	}
	withheld, err := windows.ParseCoordinates(string(key))
	d.Withheld = err == nil
	source := &d.At.Source
	source.Topic = text[headerTopic]
	if source.Partition, err = strconv.Atoi(text[headerPartition]); err != nil {
		return d, fmt.Errorf("partition: %w", err)
	}
	if d.At.Offset, err = strconv.ParseInt(text[headerOffset], 10, 64); err != nil {
		return d, fmt.Errorf("offset: %w", err)
	}
	if epoch, ok := text[headerEpoch]; ok {
		if source.Epoch, err = strconv.Atoi(epoch); err != nil {
			return d, fmt.Errorf("epoch: %w", err)
		}
	} else if d.Withheld { // of a version that had no such header
		source.Epoch = withheld.Source.Epoch
	}
	// An original may have such a key too, but hardly that of its own place.
	if d.Withheld = d.Withheld && withheld == d.At; !d.Withheld {
		d.Key, d.Value = key, value
	}
	if d.RecordTime, err = recordTime(text, d.Withheld, value); err != nil {
		return d, fmt.Errorf("record time: %w", err)
	}
	d.First, d.FirstTime = d.At, d.RecordTime
	if first, ok := text[headerFirst]; ok {
		if d.First, err = windows.ParseCoordinates(first); err != nil {
			return d, err
		}
		if d.FirstTime, err = instant(text[headerFirstTime]); err != nil {
			return d, fmt.Errorf("first time: %w", err)
		}
	}
	if min(d.At.Offset, d.First.Offset) < 0 || min(d.At.Source.Partition, d.First.Source.Partition) < 0 {
		return d, fmt.Errorf("%v or %v is no place", d.At, d.First)
	}
	return d, nil
}

// recordTime is the record's timestamp by a letter's headers or, of a version that had no such header, its content.
func recordTime(text map[string]string, withheld bool, value []byte) (time.Time, error) {
	if at, ok := text[headerRecordTime]; ok || !withheld {
		return instant(at)
	}
	var flat flatDeadLetter
	err := json.Unmarshal(value, &flat)
	return time.Time(flat.RecordTime), err
}

// instant reads a header's time, zero for none.
func instant(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	return t.UTC(), err
}
