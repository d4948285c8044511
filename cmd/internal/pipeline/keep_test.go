package pipeline

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// TestKept: what judging needs of an event comes back, with others behind it; the rest is gone.
func TestKept(t *testing.T) {
	w := &Worker{source: windows.Source{Topic: "shipments", Epoch: 2, Partition: 3}}
	text := rapid.StringN(-1, -1, 40)
	amount := rapid.Custom(func(t *rapid.T) detector.Amount {
		if rapid.Bool().Draw(t, "known") {
			return detector.Amount{Value: rapid.Float64().Draw(t, "amount"), Known: true}
		}
		return detector.Amount{}
	})
	at := rapid.Custom(func(t *rapid.T) time.Time {
		return time.UnixMilli(rapid.Int64Range(-1e12, 4e12).Draw(t, "time")).UTC()
	})
	event := rapid.Custom(func(t *rapid.T) detector.Event {
		e := detector.Event{
			ID: text.Draw(t, "id"), Time: at.Draw(t, "event time"), Sender: detector.Sender(text.Draw(t, "sender")),
			Recipient: detector.Recipient(text.Draw(t, "recipient")), Item: text.Draw(t, "item"),
			Origin: detector.Place(text.Draw(t, "origin")), Destination: detector.Place(text.Draw(t, "destination")),
			WeightG: amount.Draw(t, "weight"), DeclaredValue: amount.Draw(t, "value"),
			At: windows.Coordinates{Source: w.source, Offset: rapid.Int64().Draw(t, "offset")},
		}
		if rapid.Bool().Draw(t, "from Kafka") {
			e.RecordTime = at.Draw(t, "record time")
		}
		if rapid.Bool().Draw(t, "again") {
			e.Resubmitted = &detector.Resubmitted{
				First: windows.Coordinates{Source: windows.Source{Topic: "shipments", Partition: 3}, Offset: 7}, At: at.Draw(t, "again at"),
			}
		}
		return e
	})
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOfN(event, 1, 4).Draw(t, "events")
		var b []byte
		var places []int
		for i := range events {
			full := events[i]
			full.Type, full.Currency, full.Service, full.Operator = "posted", "EUR", "parcel", "op"
			places = append(places, len(b))
			b = appendKept(b, &full)
		}
		for i := range events {
			if got := w.event(b[places[i]:]); !reflect.DeepEqual(*got, events[i]) {
				t.Fatalf("got %+v, want %+v", *got, events[i])
			}
		}
	})
}
