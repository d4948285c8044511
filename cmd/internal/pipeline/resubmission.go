package pipeline

import (
	"fmt"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// Names of the headers that make a Resubmission.
const (
	headerFirst     = "parcelsentry-first"
	headerFirstTime = "parcelsentry-first-time"
)

// Resubmission tells where the message of a record stood first, when it became a dead letter. The record is then taken
// as that one would have been: an event without an id of its own is named by it, too late or future it is by its time,
// and however often it is written to the log again, it counts once.
type Resubmission struct {
	First windows.Coordinates
	// Time is the timestamp of the first record, zero if it had none.
	Time time.Time
}

// Headers are those that a record needs to be taken so.
func (s *Resubmission) Headers() []Header {
	h := []Header{{headerFirst, []byte(s.First.String())}}
	if !s.Time.IsZero() {
		h = append(h, Header{headerFirstTime, s.Time.UTC().AppendFormat(nil, time.RFC3339Nano)})
	}
	return h
}

// Resubmission reads what Headers gives, nil if the record stands in the log for the first time. An error is a
// *Malformed.
func (r *Record) Resubmission() (*Resubmission, error) {
	first, ok := r.Header(headerFirst)
	if !ok {
		return nil, nil
	}
	var s Resubmission
	var err error
	if s.First, err = windows.ParseCoordinates(string(first)); err != nil {
		return nil, &Malformed{Field: headerFirst, Err: fmt.Errorf("header %s: %w", headerFirst, err)}
	}
	at, ok := r.Header(headerFirstTime)
	if !ok {
		return &s, nil
	}
	if s.Time, err = time.Parse(time.RFC3339Nano, string(at)); err != nil {
		return nil, &Malformed{Field: headerFirstTime, Err: fmt.Errorf("header %s: %.40q is no time", headerFirstTime, at)}
	}
	s.Time = s.Time.UTC()
	return &s, nil
}
