package pipeline

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/memstore"
)

// stubDecoder makes an event of a sender's number without a look at the value, so that a benchmark measures the worker.
type stubDecoder struct{ senders []detector.Sender }

func (d stubDecoder) DecodeInto(e *detector.Event, _ []byte, at windows.Coordinates, recordTime time.Time) error {
	*e = detector.Event{
		ID: "e", Item: "i", Sender: d.senders[at.Offset%int64(len(d.senders))], Destination: "Hanoi",
		Time: recordTime, Type: "posted", At: at, RecordTime: recordTime,
	}
	return nil
}

// BenchmarkWorker is what an event costs from fetch to applied delta, in memory. Few senders are always found in the
// working set; many are loaded each time.
func BenchmarkWorker(b *testing.B) {
	for _, senders := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("senders=%d", senders), func(b *testing.B) {
			d := stubDecoder{make([]detector.Sender, senders)}
			for i := range d.senders {
				d.senders[i] = detector.Sender("S-" + strconv.Itoa(i))
			}
			set := smallSet(func(s *detector.Settings) { s.Limit.Shipments = 1_000_000_000 })
			w := NewWorker(Options{
				Set: set, Decoder: d, Topic: "shipments", Metrics: NewMetrics(prometheus.NewRegistry(), set.Rules()),
				Limits: Limits{FlushEvents: 20_000, FlushInterval: time.Hour, MaxUnflushed: 200_000, WorkingSet: 20_000 * 1300},
			})
			b.ReportAllocs()
			drive(b, w, int64(b.N))
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// drive carries the worker through n records, three hours to 100,000 of them.
func drive(b *testing.B, w *Worker, n int64) {
	ctx, store := b.Context(), memstore.New()
	var batches [3][1000]Record // one in work, one ready, one being fetched
	fetches := 0
	pending := w.start(simEpoch)
	for w.applied.Offset < n-1 {
		if len(pending) == 0 {
			b.Fatalf("the worker wants nothing at %d of %d", w.applied.Offset, n)
		}
		q := pending[0]
		pending = pending[1:]
		c := completion{session: q.session, op: q.op}
		var err error
		switch q.op {
		case opStand:
			c.standing = standing{end: n, committed: windows.NoOffset}
			c.standing.fences, err = store.Fences(ctx, "shipments", 0)
		case opBegin:
			err = store.Begin(ctx, q.source, q.fence)
		case opFetch:
			records := batches[fetches%len(batches)][:]
			fetches++
			for i := range records {
				offset := q.offset + int64(i)
				records[i] = Record{Offset: offset, Time: simEpoch.Add(time.Duration(offset) * 100 * time.Millisecond)}
			}
			end := min(q.offset+int64(len(records)), n)
			c.batch = Batch{Records: records[:end-q.offset], Next: end, End: n, Done: end == n}
			w.decode(q.source, &c.batch)
		case opProfile:
			if c.day = q.day; !q.known {
				c.profile = w.options.Set.NewProfile(q.day)
			}
		case opLoad:
			c.loaded, err = store.Load(ctx, q.source, q.keys)
		case opApply:
			c.results, err = store.Apply(ctx, q.source, q.updates)
		}
		if err != nil {
			b.Fatal(err)
		}
		pending = append(pending, w.complete(c, simEpoch)...)
	}
}

// BenchmarkWorkingSetHit is the path of an entity that is in memory, in no order that the last uses foretell.
func BenchmarkWorkingSetHit(b *testing.B) {
	s := newWorkingSet(1 << 30)
	keys := make([]windows.Key, 100_000)
	hashes := make([]uint64, len(keys))
	for i := range keys {
		keys[i] = senderKey("S-" + strconv.Itoa(i))
		hashes[i] = keys[i].Hash()
		s.add(&entry{key: keys[i], hash: hashes[i]})
	}
	r := rand.New(rand.NewPCG(5, 6))
	b.ReportAllocs()
	for b.Loop() {
		at := r.IntN(len(keys))
		if s.get(&keys[at], hashes[at]) == nil {
			b.Fatal("not found")
		}
	}
}
