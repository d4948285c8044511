package app_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/kafkaio"
	"github.com/parcelsentry/parcelsentry/detector"
)

// TestSharedIncidents: incidents of recipients and lanes, each spread over four partitions, are found by members that
// come and go as by a replay of the log in one partition. The hours of the log come one after the other, as in life: of
// partitions that are days apart nobody sees the whole.
func TestSharedIncidents(t *testing.T) {
	b := newBench(t)
	all := b.sharedShipments()
	store := b.store()
	total := 0
	produce := func(until time.Time) {
		n, _ := slices.BinarySearchFunc(all[total:], until, func(m kafkaio.Message, t time.Time) int { return m.Time.Compare(t) })
		if n > 0 {
			b.produce(all[total : total+n])
			total += n
			b.await(store, int64(total))
		}
	}

	first := b.start()
	now := sharedStart.Add(sharedQuiet)
	produce(now)
	var second, third func()
	for hour := range 48 {
		switch hour {
		case 12:
			second = b.start()
			third = b.start()
		case 30:
			first()
		}
		now = now.Add(time.Hour)
		produce(now)
	}
	b.awaitEverywhere(store, int64(len(all)))
	second()
	third()

	said, replayed := b.verify(store)
	found := sharedIncidents(said)
	want := sharedIncidents(replayed)
	t.Logf("%d incidents of recipients and lanes in the replay, %d found", len(want), len(found))
	if len(want) < 6 {
		t.Error("the log has too few, so this test shows little")
	}
	for _, i := range want {
		if !slices.ContainsFunc(found, i.overlaps) {
			t.Errorf("nobody told of %s from %v", i.entity, i.from)
		}
	}
	for _, i := range found {
		if !slices.ContainsFunc(want, i.overlaps) {
			t.Errorf("the replay has no incident of %s from %v", i.entity, i.from)
		}
	}
}

// sharedIncident is what alerts of one fingerprint say of a recipient or a lane.
type sharedIncident struct {
	entity     detector.EntityRef
	from, till time.Time
}

func (i sharedIncident) overlaps(o sharedIncident) bool {
	return i.entity == o.entity && i.from.Before(o.till) && o.from.Before(i.till)
}

func sharedIncidents(alerts []detector.Alert) []sharedIncident {
	by := map[string]sharedIncident{}
	for i := range alerts {
		a := &alerts[i]
		if a.Entity.Kind == detector.KindSender || a.Activity == detector.Close {
			continue
		}
		s, ok := by[a.Fingerprint]
		if !ok || a.EventAt.Before(s.from) {
			s.from = a.EventAt
		}
		if a.QuietUntil.After(s.till) {
			s.till = a.QuietUntil
		}
		s.entity = a.Entity
		by[a.Fingerprint] = s
	}
	var all []sharedIncident
	for _, s := range by {
		all = append(all, s)
	}
	return all
}

var sharedStart = time.Date(2026, 2, 2, 0, 0, 0, 0, time.UTC)

// sharedQuiet is how long nothing happens but the usual.
const sharedQuiet = 4 * 24 * time.Hour

// sharedShipments are two days of incidents after four ordinary ones.
func (b *bench) sharedShipments() []kafkaio.Message {
	r := rand.New(rand.NewPCG(11, 0))
	var all []kafkaio.Message
	places := "-" + b.config.Kafka.Group // of this test alone, as they have no pseudonyms
	add := func(at time.Duration, sender, recipient, from, to string) {
		when := sharedStart.Add(at).Truncate(time.Second)
		all = append(all, kafkaio.Message{
			Topic: b.config.Kafka.Topics.Shipments, Key: []byte(sender), Time: when,
			Value: fmt.Appendf(nil, `{"event_id":"e%d","event_time":%q,"sender_id":%q,"recipient_id":%q,"origin":%q,"destination":%q}`,
				len(all), when.Format(time.RFC3339), sender, recipient, from+places, to+places),
		})
	}
	within := func(d time.Duration) time.Duration { return time.Duration(r.Int64N(int64(d))) }
	for n := range 1200 {
		s := r.IntN(150)
		add(within(sharedQuiet+48*time.Hour), fmt.Sprint("s", s), fmt.Sprint("r", n), fmt.Sprint("P", s), fmt.Sprint("Q", s%7))
	}
	for n := range 12 { // a burst, so that a sender has something to tell
		add(sharedQuiet+20*time.Hour+within(time.Hour), "burst", fmt.Sprint("b", n), "P9", fmt.Sprint("Q", n))
	}
	for i := range 5 {
		from := sharedQuiet + within(30*time.Hour)
		// New senders to one recipient, each from a place of its own: were they on lanes that others use, too, some lane would
		// be right above its threshold, and whether it is told then depends on who came first.
		for n := range 30 {
			add(from+within(12*time.Hour), fmt.Sprintf("f%d-%d", i, n), fmt.Sprint("hub", i), fmt.Sprint("P", n), fmt.Sprint("H", i))
		}
		from = sharedQuiet + within(30*time.Hour)
		for n := range 60 { // new senders on one lane
			add(from+within(12*time.Hour), fmt.Sprintf("n%d-%d", i, n), fmt.Sprintf("n%d-%d", i, n), fmt.Sprint("P", i), fmt.Sprint("Q", i+10))
		}
	}
	slices.SortStableFunc(all, func(a, b kafkaio.Message) int { return a.Time.Compare(b.Time) })
	return all
}
