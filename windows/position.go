package windows

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Source is a partition of a topic. Epoch counts how often a topic of that name was created anew; offsets of
// different epochs don't compare.
type Source struct {
	Topic     string
	Epoch     int
	Partition int
}

// String gives topic/epoch/partition.
func (s Source) String() string {
	return s.Topic + "/" + strconv.Itoa(s.Epoch) + "/" + strconv.Itoa(s.Partition)
}

// ParseSource reads what String gives. A topic holds no slash.
func ParseSource(text string) (Source, error) {
	part := strings.Split(text, "/")
	if len(part) != 3 {
		return Source{}, fmt.Errorf("source %q is not topic/epoch/partition", text)
	}
	epoch, err := strconv.Atoi(part[1])
	if err != nil {
		return Source{}, fmt.Errorf("source %q: the epoch is no number", text)
	}
	partition, err := strconv.Atoi(part[2])
	if err != nil {
		return Source{}, fmt.Errorf("source %q: the partition is no number", text)
	}
	return Source{Topic: part[0], Epoch: epoch, Partition: partition}, nil
}

// Coordinates say where an event stands: its source and its offset there.
type Coordinates struct {
	Source Source
	Offset int64
}

// String gives topic/epoch/partition/offset.
func (c Coordinates) String() string {
	return c.Source.String() + "/" + strconv.FormatInt(c.Offset, 10)
}

// ParseCoordinates reads what String gives.
func ParseCoordinates(text string) (Coordinates, error) {
	at := strings.LastIndexByte(text, '/')
	if at < 0 {
		return Coordinates{}, fmt.Errorf("coordinates %q are not topic/epoch/partition/offset", text)
	}
	source, err := ParseSource(text[:at])
	if err != nil {
		return Coordinates{}, err
	}
	offset, err := strconv.ParseInt(text[at+1:], 10, 64)
	if err != nil {
		return Coordinates{}, fmt.Errorf("coordinates %q: the offset is no number", text)
	}
	return Coordinates{Source: source, Offset: offset}, nil
}

// First is the earliest event that an entity has counted. The zero First means that there was none.
type First struct {
	Time time.Time
	At   Coordinates
}

// IsZero reports whether there was no event.
func (f First) IsZero() bool { return f.Time.IsZero() }

// millis is the first with its time as stores keep times.
func (f First) millis() First {
	if !f.IsZero() {
		f.Time = time.UnixMilli(f.Time.UnixMilli()).UTC()
	}
	return f
}

// Before orders firsts by time, then by coordinates, so that the earliest of a set does not depend on their order.
// Nothing is before the zero First but any other First.
func (f First) Before(g First) bool {
	switch {
	case f.IsZero() || g.IsZero():
		return !f.IsZero()
	case !f.Time.Equal(g.Time):
		return f.Time.Before(g.Time)
	}
	return f.At.String() < g.At.String()
}
