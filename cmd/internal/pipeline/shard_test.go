package pipeline

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// onProcessors runs f on so many processors.
func onProcessors(n int, f func()) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
	f()
}

// TestShards: a worker of any number of shards, on any number of processors, says, stores and learns the same.
func TestShards(t *testing.T) {
	set := smallSet(func(s *detector.Settings) { s.Burst = &detector.CountSettings{Window: 6 * time.Hour, Threshold: 3} })
	var want []string
	var wantSums string
	for _, shards := range []int{0, 1, 2, 3, 16, windows.Buckets} {
		for processors := 1; processors < 4; processors++ {
			onProcessors(processors, func() {
				h := newHarness(t, func(o *Options) { o.Set, o.Shards = set, shards })
				for i := range 30 {
					h.post("A", "B", "A", fmt.Sprint("C", i%7))
				}
				h.settle()
				sums := string(h.worker.gathered().Encode())
				h.stop()
				if h.events("A") != 60 || h.events("B") != 30 || h.events("C3") != 4 {
					t.Errorf("%d shards: %d, %d and %d events stored, want 60, 30 and 4", shards, h.events("A"), h.events("B"), h.events("C3"))
				}
				said := h.sayings()
				if want == nil {
					want, wantSums = said, sums
				}
				if sums != wantSums {
					t.Errorf("%d shards on %d processors learned\n%s, one\n%s", shards, processors, sums, wantSums)
				}
				if !slices.Equal(said, want) || len(said) == 0 {
					t.Errorf("%d shards on %d processors said %q, one %q", shards, processors, said, want)
				}
			})
		}
	}
}

// TestShardOf: every bucket has a shard, each shard about as many buckets as any other, one behind the other.
func TestShardOf(t *testing.T) {
	for _, shards := range []int{1, 3, 16, 100} {
		w := NewWorker(Options{Set: smallSet(nil), Shards: shards})
		of := map[*shard]int{}
		last := -1
		for b := range windows.Buckets {
			s := w.shardOf(b)
			of[s]++
			if at := slices.Index(w.shards, s); at < last {
				t.Errorf("of %d shards: bucket %d is in number %d, the one before in %d", shards, b, at, last)
			} else {
				last = at
			}
		}
		for _, n := range of {
			if fair := windows.Buckets / shards; n < fair || n > fair+1 {
				t.Errorf("one of %d shards has %d buckets", shards, n)
			}
		}
		if len(of) != shards {
			t.Errorf("%d of %d shards have buckets", len(of), shards)
		}
	}
}

// TestPanicInAShard: a record that makes the code panic in whatever goroutine is found out, and those beside it are concluded.
func TestPanicInAShard(t *testing.T) {
	set := smallSet(func(s *detector.Settings) { s.Burst = &detector.CountSettings{Window: 6 * time.Hour, Threshold: 3} })
	for _, shards := range []int{1, 2, 16} {
		w := NewWorker(Options{Set: set, Shards: shards})
		w.profiled(detector.Day(simEpoch), set.NewProfile(detector.Day(simEpoch)))
		w.work = &work{items: make([]item, 100)}
		for i := range w.work.items {
			e := &detector.Event{ID: fmt.Sprint(i), Sender: detector.Sender(fmt.Sprint(i)), Time: simEpoch}
			w.work.items[i] = item{record: &Record{Offset: int64(i) + 1}, event: e}
			w.assign(i, &w.work.items[i])
		}
		w.each(w.find)
		for _, s := range w.shards {
			for _, e := range s.loading {
				w.open(e, windows.NewEntity(e.key))
			}
		}
		broken := w.shards[shards-1]
		broken.gathered = nil // there is nowhere to put what an event teaches
		onProcessors(3, func() { w.judge(w.work.items) })
		panics := 0
		for i := range w.work.items {
			v, at := &w.verdicts[i], w.shardOf(w.keys[i].Bucket())
			if (v.panicked != "") != (at == broken) || at != broken && v.conclusion.Outcome != detector.Counted {
				t.Errorf("%d shards, record %d: panicked with %q, concluded %+v", shards, i, v.panicked, v.conclusion)
			}
			if v.panicked != "" {
				panics++
			}
		}
		if panics == 0 {
			t.Errorf("%d shards: nothing panicked", shards)
		}
	}
}
