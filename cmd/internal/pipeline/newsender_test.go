package pipeline

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// TestNewSenderOnLane: a worker dies when the sender's bucket holds its events and the lane's does not. The next one
// counts them on the lane as the first would have: the sender was new on lane P > X, and known two days later on Q > X.
func TestNewSenderOnLane(t *testing.T) {
	lanes := map[string]int64{"P": 1, "Q": 0} // new senders
	for _, cut := range []bool{false, true} {
		options := func(o *Options) {
			o.Set = smallSet(func(s *detector.Settings) {
				s.Structuring = &detector.CountSettings{Window: 24 * time.Hour, Threshold: 4}
			})
			o.Decoder = originDecoder{}
		}
		h := newHarness(t, options)
		h.add("A P", "A Q")
		h.settle()
		h.pass(time.Hour)
		if cut {
			q := h.take(opApply)
			for _, u := range q.updates {
				if u.Bucket != senderKey("A").Bucket() {
					continue
				}
				if _, err := h.store.Apply(t.Context(), q.source, []windows.Update{u}); err != nil {
					t.Fatal(err)
				}
			}
			h.start(options)
			h.settle()
			h.pass(time.Hour)
		}
		h.settle()
		if got := testutil.ToFloat64(h.metrics.abstained.WithLabelValues("structuring")); got != 1 {
			t.Errorf("cut %v: structuring abstained %v times, want once: the sender is known on Q > X", cut, got)
		}
		for origin, want := range lanes {
			loaded, err := h.store.Load(t.Context(), windows.Source{}, []windows.Key{windows.NewKey(detector.KindLane, origin, "X")})
			if err != nil {
				t.Fatal(err)
			}
			entity := loaded[0].Entity
			entity.Settle(h.worker.options.Set.Ladder())
			days := windows.Resolution{Name: 'd', Slide: 24 * time.Hour, Keep: 7}
			newest, _ := entity.Newest(days)
			if got := entity.Sum('n', days, windows.Sub{}, newest-6, newest); entity.Events() != 1 || got != want {
				t.Errorf("cut %v: lane %s > X has %d events and %d new senders, want 1 and %d", cut, origin, entity.Events(), got, want)
			}
		}
	}
}

// originDecoder makes "sender origin" a parcel to X, two days after the one before.
type originDecoder struct{}

func (originDecoder) DecodeInto(e *detector.Event, value []byte, at windows.Coordinates, recordTime time.Time) error {
	sender, origin, _ := strings.Cut(string(value), " ")
	*e = detector.Event{
		ID: at.String(), Sender: detector.Sender(sender), Origin: detector.Place(origin), Destination: "X",
		Time: recordTime.Add(time.Duration(at.Offset) * 48 * time.Hour), At: at, RecordTime: recordTime,
	}
	return nil
}
