package pipeline

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// textDecoder reads "id sender place unix-ms type".
type textDecoder struct{}

func (textDecoder) DecodeInto(e *detector.Event, value []byte, at windows.Coordinates, recordTime time.Time) error {
	part := strings.Fields(string(value))
	if len(part) == 1 && part[0] == "panic" {
		panic(decoderPanic)
	}
	if len(part) != 5 {
		return &Malformed{Field: "event_time", Err: errors.New("event_time is missing")}
	}
	ms, err := strconv.ParseInt(part[3], 10, 64)
	if err != nil {
		return &Malformed{Field: "event_time", Err: err}
	}
	*e = detector.Event{
		ID: part[0], Item: part[0], Sender: detector.Sender(part[1]), Destination: detector.Place(part[2]),
		Time: time.UnixMilli(ms).UTC(), Type: part[4], At: at, RecordTime: recordTime,
	}
	return nil
}
