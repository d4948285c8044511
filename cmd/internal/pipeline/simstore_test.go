package pipeline

import (
	"context"
	"fmt"

	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/memstore"
)

const simTopicName = "shipments"

// simStore is the store that all workers of a history share, with the ledger of what is in it.
type simStore struct {
	*memstore.Store
	ledger    *ledger
	loose     looseFences // nil unless the fences guard nothing
	snapshots []simSnapshot
	faults    int // times that state was lost
	problem   string
}

// simSnapshot puts some buckets back to what they were in an incarnation of the topic.
type simSnapshot struct {
	incarnation int
	putBack     func(holds func(bucket int) bool)
}

func newSimStore(deeds []deed, unfenced bool) *simStore {
	s := &simStore{Store: memstore.New(), ledger: newLedger(deeds)}
	if unfenced {
		s.loose = looseFences{}
	}
	return s
}

func (s *simStore) fences(topic string, partition int) *windows.Fences {
	if s.loose != nil && topic == simTopicName {
		return s.loose.fences(partition)
	}
	f, _ := s.Fences(context.Background(), topic, partition)
	return f
}

// begin writes the first fences, down to a bucket: above 0 it is cut short.
func (s *simStore) begin(source windows.Source, at windows.Fence, lowest int) {
	if s.loose != nil {
		s.loose.begin(source, at)
		return
	}
	s.BeginDownTo(source, at, lowest)
}

func (s *simStore) load(source windows.Source, keys []windows.Key) []windows.Loaded {
	loaded, _ := s.Load(context.Background(), source, keys)
	if s.loose != nil {
		s.loose.load(source, loaded)
	}
	return loaded
}

// apply applies what a worker has asked for, or a part of it; fetched is what the worker has read since it began.
func (s *simStore) apply(source windows.Source, updates []windows.Update, fetched []placed) []windows.Result {
	var results []windows.Result
	if s.loose != nil {
		results = s.loose.apply(s.Store, source, updates)
	} else {
		var err error
		if results, err = s.Apply(context.Background(), source, updates); err != nil {
			s.problem = err.Error()
			return nil
		}
	}
	for i := range updates {
		if results[i].Status == windows.Applied {
			s.moved(&updates[i], &results[i], fetched)
		}
	}
	return results
}

// moved checks an update that was applied: no record is counted twice, no entity holds more than was ever counted.
func (s *simStore) moved(u *windows.Update, r *windows.Result, fetched []placed) {
	if p := s.ledger.applied(u, fetched); p != "" {
		s.problem = p
		return
	}
	for j, total := range r.Events {
		key := u.Deltas[j].Key
		if most := len(s.ledger.of(key, u.Bucket)); total > int64(most) {
			s.problem = fmt.Sprintf("%v has %d events after an update, of at most %d", key, total, most)
		}
	}
}

// remember takes a snapshot of all of the store.
func (s *simStore) remember(incarnation int) {
	store, book := s.Snapshot(), s.ledger.snapshot()
	s.snapshots = append(s.snapshots, simSnapshot{incarnation, func(holds func(int) bool) { store(holds); book(holds) }})
}

// fallBack puts some buckets back to a snapshot. After one from before the topic was made anew there are no others: an epoch
// of theirs may come to mean another topic.
func (s *simStore) fallBack(snapshot, incarnation int, holds func(bucket int) bool) {
	s.faults++
	to := s.snapshots[snapshot]
	to.putBack(holds)
	if to.incarnation < incarnation {
		s.snapshots = nil
	}
}

// lose empties some buckets.
func (s *simStore) lose(holds func(bucket int) bool) {
	s.faults++
	s.Lose(holds)
	s.ledger.lose(holds)
}
