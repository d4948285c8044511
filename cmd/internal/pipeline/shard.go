package pipeline

import (
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// shard is the part of a worker's entities that lies in a range of buckets. A finding is a function of one entity's own events, so
// several goroutines can work at once, each on a shard: what is counted and concluded is the same.
type shard struct {
	set      *workingSet
	claims   [kinds]claims
	loading  []*entry
	changed  []*entry // in the order of their first change since the last flush
	spare    []*entry // room for them
	doubting []*entry // with doubts about events of the work in hand
	hold     *hold
	gathered *detector.Sums // what the events taught since the last time that it was handed over

	hits   int   // entities of the batch in hand that were in memory
	warmed int64 // so that the reads of warm are for something
}

// kinds is how many kinds of entities there are.
const kinds = 3

var _ [kinds]windows.Kind = detector.Kinds()

// claims are those of the batch in hand on the entities of a kind, in the order of the records.
type claims struct {
	all  []claim
	done int // of them
}

// claim is that of a record on an entity.
type claim struct {
	item  int // the record's number in the batch
	key   int // among the worker's keys
	hash  uint64
	entry *entry
	is    relation
}

type relation uint8

const (
	// toCount: the entity has not counted the event yet.
	toCount relation = iota
	// toRecheck: it has, and may not have been judged since in sight of what other partitions counted.
	toRecheck
	// toLookAt: it is the event's sender, and only others count, which look at when it was first seen.
	toLookAt
)

func newShard(capacity int64) *shard {
	return &shard{set: newWorkingSet(capacity), hold: newHold(), gathered: detector.NewSums()}
}

// shardOf gives the shard of a bucket.
func (w *Worker) shardOf(bucket int) *shard { return w.shards[bucket*len(w.shards)/windows.Buckets] }

// each does something to every shard, to several at once where there are processors for it, and returns when all is done: to the rest
// of the worker it is one step, in one goroutine.
func (w *Worker) each(do func(*shard)) {
	goroutines := min(len(w.shards), runtime.GOMAXPROCS(0))
	if goroutines == 1 {
		for _, s := range w.shards {
			do(s)
		}
		return
	}
	var next atomic.Int64
	turns := func() {
		for i := next.Add(1); i <= int64(len(w.shards)); i = next.Add(1) {
			do(w.shards[i-1])
		}
	}
	var others sync.WaitGroup
	for range goroutines - 1 {
		others.Go(turns)
	}
	turns()
	others.Wait()
}

// find looks in memory for the entities that records claim, and notes those that are to be loaded.
func (w *Worker) find(s *shard) {
	for k := range s.claims {
		all := s.claims[k].all
		for i := range all {
			c := &all[i]
			c.entry = w.entry(s, &w.keys[c.key], c.hash)
		}
	}
}

// entry gives the entity from memory, or one that is to be loaded.
func (w *Worker) entry(s *shard, key *windows.Key, hash uint64) *entry {
	e := s.set.get(key, hash)
	if e != nil {
		if e.subject != nil {
			s.hits++
		}
		return e
	}
	// The id is part of a string that holds all texts of its event; what stays must not keep that.
	e = &entry{key: windows.Key{Kind: key.Kind, ID: strings.Clone(key.ID)}, hash: hash, bucket: windows.BucketOf(hash)}
	if entity := s.set.unpack(e); entity != nil {
		w.open(e, entity)
		s.hits++
	} else {
		s.loading = append(s.loading, e)
	}
	s.set.add(e)
	return e
}

// queue puts the entry on the list for the next flush.
func (s *shard) queue(e *entry) {
	s.set.resize(e)
	if !e.queued && e.subject.Dirty() {
		s.set.mark(e, true, e.flying)
		s.changed = append(s.changed, e)
	}
}
