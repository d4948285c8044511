package pipeline

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/memstore"
)

// TestSpreadIncident: twenty senders in four partitions feed one recipient, a parcel each. No worker sees more than
// five of them come, and in whatever order the workers take their steps, somebody tells of the recipient.
func TestSpreadIncident(t *testing.T) {
	const interleavings = 500
	for seed := range uint64(interleavings) {
		if told := playSpread(t, seed); !slices.Contains(told, "recipient R") {
			t.Fatalf("seed %d: nobody told of the recipient, only of %v", seed, told)
		}
	}
}

// TestSpreadIncidentNeedsSharing shows that the test above can fail: five senders are no incident.
func TestSpreadIncidentNeedsSharing(t *testing.T) {
	set := spreadSet()
	subject, _ := detector.NewSubject(windows.NewEntity(windows.NewKey(detector.KindRecipient, "R")))
	d := spreadDecoder{}
	for i := range spreadSenders / spreadPartitions {
		var e detector.Event
		_ = d.DecodeInto(&e, nil, windows.Coordinates{Offset: int64(i)}, simEpoch)
		c := set.Observe(&e, detector.Subjects{Recipient: subject}, set.NewProfile(detector.Day(simEpoch)), detector.NewSums())
		if len(c.Alerts) > 0 {
			t.Fatalf("sender %d of one partition already makes an alert", i+1)
		}
	}
}

const (
	spreadSenders    = 20
	spreadPartitions = 4
)

func spreadSet() *detector.Set {
	return smallSet(func(s *detector.Settings) {
		s.Ladder = windows.Ladder{{Name: 'h', Slide: time.Hour, Keep: 50}, {Name: 'd', Slide: 24 * time.Hour, Keep: 7}}
		s.Fanin = &detector.CountSettings{Window: 48 * time.Hour, Threshold: 4}
	})
}

// spreadDecoder makes a parcel from a sender of its own to recipient R of each record.
type spreadDecoder struct{}

func (spreadDecoder) DecodeInto(e *detector.Event, _ []byte, at windows.Coordinates, recordTime time.Time) error {
	*e = detector.Event{
		ID: at.String(), Item: at.String(), Sender: detector.Sender(fmt.Sprintf("S%d-%d", at.Source.Partition, at.Offset)),
		Recipient: "R", Time: recordTime, At: at, RecordTime: recordTime,
	}
	return nil
}

// playSpread lets four workers over one store take their steps in the order that the seed gives, until all have read
// their part, and gives whom alerts were about.
func playSpread(t *testing.T, seed uint64) []string {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 0))
	store := memstore.New()
	set := spreadSet()
	workers := make([]*Worker, spreadPartitions)
	pending := make([][]request, spreadPartitions)
	for i := range workers {
		workers[i] = NewWorker(Options{
			Set: set, Decoder: spreadDecoder{}, Topic: "shipments", Partition: i,
			Metrics: NewMetrics(prometheus.NewRegistry(), set.Rules()),
			Limits:  Limits{FlushEvents: 1 + random.IntN(4), MaxUnflushed: 100, WorkingSet: 1 << 20},
		})
		pending[i] = workers[i].start(simEpoch)
	}
	var told []string
	for step := 0; slices.ContainsFunc(workers, func(w *Worker) bool { return !w.done() }); step++ {
		if step > 100_000 {
			t.Fatalf("seed %d: the workers do not come to an end", seed)
		}
		i := random.IntN(len(workers))
		if len(pending[i]) == 0 {
			continue
		}
		n := random.IntN(len(pending[i]))
		q := pending[i][n]
		pending[i] = slices.Delete(pending[i], n, n+1)
		c, outputs := doSpread(t, set, store, i, q)
		for _, o := range outputs {
			if o.Alert != nil {
				told = append(told, string(o.Alert.Entity.Kind)+" "+o.Alert.Entity.ID)
			}
		}
		workers[i].decode(q.source, &c.batch)
		pending[i] = append(pending[i], workers[i].complete(c, simEpoch)...)
	}
	return told
}

// doSpread does what a worker asks for. A log holds five records, a fetch gives one or two.
func doSpread(t *testing.T, set *detector.Set, store *memstore.Store, partition int, q request) (completion, []Output) {
	t.Helper()
	const each = spreadSenders / spreadPartitions
	ctx := t.Context()
	c := completion{session: q.session, op: q.op}
	var err error
	switch q.op {
	case opStand:
		c.standing = standing{end: each, committed: windows.NoOffset}
		c.standing.fences, err = store.Fences(ctx, "shipments", partition)
	case opBegin:
		err = store.Begin(ctx, q.source, q.fence)
	case opProfile:
		if c.day = q.day; !q.known {
			c.profile = set.NewProfile(q.day)
		}
	case opFetch:
		c.batch = Batch{Next: q.offset, End: each}
		for range 1 + q.offset%2 {
			if c.batch.Next < each {
				at := simEpoch.Add(time.Duration(c.batch.Next) * time.Minute)
				c.batch.Records = append(c.batch.Records, Record{Offset: c.batch.Next, Time: at})
				c.batch.Next++
			}
		}
		c.batch.Done = c.batch.Next == each
	case opLoad:
		c.loaded, err = store.Load(ctx, q.source, q.keys)
	case opAlert, opWrite:
		return c, q.outputs
	case opApply:
		c.results, err = store.Apply(ctx, q.source, q.updates)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c, nil
}
