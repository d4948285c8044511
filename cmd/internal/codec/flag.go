package codec

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/parcelsentry/parcelsentry/detector"
)

// flatFlag is a flagged shipment, in the order of its keys.
type flatFlag struct {
	ItemID      string `json:"item_id"`
	EventID     string `json:"event_id"`
	Fingerprint string `json:"fingerprint"`
	Score       figure `json:"score"`
	EventTime   stamp  `json:"event_time"`
}

// AppendFlag appends a flagged shipment, a JSON object without a line end. The same flag always gives the same bytes.
func AppendFlag(b []byte, f *detector.Flag) []byte {
	w := writer(b)
	w.text(`{"item_id":`, f.Item)
	w.text(`,"event_id":`, f.EventID)
	w.text(`,"fingerprint":`, f.Fingerprint)
	w.figure(`,"score":`, f.Score)
	w.stamp(`,"event_time":`, f.EventAt)
	w.raw(`}`)
	return w
}

// ParseFlag reads what AppendFlag wrote. Keys that it does not know are ignored; an object without event_id or
// fingerprint is no flag. The time is in UTC.
func ParseFlag(b []byte) (detector.Flag, error) {
	var flat flatFlag
	if err := json.Unmarshal(b, &flat); err != nil {
		return detector.Flag{}, fmt.Errorf("read a flagged shipment: %w", err)
	}
	if flat.EventID == "" || flat.Fingerprint == "" {
		return detector.Flag{}, errors.New("read a flagged shipment: no event_id or no fingerprint")
	}
	return detector.Flag{
		Item: flat.ItemID, EventID: flat.EventID, Fingerprint: flat.Fingerprint, Score: float64(flat.Score),
		EventAt: flat.EventTime.time(),
	}, nil
}
