package pipeline

import (
	"slices"

	"github.com/parcelsentry/parcelsentry/windows"
)

func (s *simulation) snapshot(int) bool {
	if s.store.loose != nil || len(s.store.snapshots) == 8 {
		return false
	}
	s.store.remember(s.incarnations)
	return true
}

func (s *simulation) fallBack(int) bool {
	n := len(s.store.snapshots)
	if n == 0 || slices.ContainsFunc(s.logs, func(l *simLog) bool { return l.incarnation > 0 && l.cut > 0 }) {
		return false // the record that tells the new topic from the one of the snapshot may be cut
	}
	shards := 1 + s.r.IntN(3)
	shard := s.r.IntN(shards)
	s.hush()
	s.fallen = true
	s.store.fallBack(s.r.IntN(n), s.incarnations, func(b int) bool { return b%shards == shard })
	s.suffer()
	return true
}

// loseBuckets empties a few buckets that have entities, perhaps all of a shard, perhaps the one that Begin writes last.
func (s *simulation) loseBuckets(int) bool {
	if s.store.loose != nil {
		return false
	}
	var d deed
	if d = s.writer.deeds[s.r.IntN(len(s.writer.deeds))]; len(d.at) == 0 {
		return false
	}
	bucket, shards, also := d.at[s.r.IntN(len(d.at))], 1+s.r.IntN(windows.Buckets), s.r.IntN(2)
	if s.r.IntN(2) == 0 {
		shards = windows.Buckets
	}
	s.hush()
	s.age()
	s.store.lose(func(b int) bool { return b%shards == bucket%shards || b == 0 && also == 0 })
	s.suffer()
	return true
}

func (s *simulation) loseAll(int) bool {
	if s.store.loose != nil {
		return false
	}
	s.hush()
	s.age()
	s.store.lose(func(int) bool { return true })
	s.suffer()
	return true
}

func (s *simulation) forgetOffsets(partition int) bool {
	if s.committed[partition] == windows.NoOffset {
		return false
	}
	s.committed[partition] = windows.NoOffset
	return true
}

// suffer notes the entities that lack, perhaps for good, what no log holds any more.
func (s *simulation) suffer() {
	for _, g := range s.gone {
		if g.dead != "" {
			continue
		}
		d := &s.writer.deeds[g.deed]
		for i, key := range d.keys {
			if !s.harmed[key] && !s.store.ledger.holds(d.at[i], g.placed) {
				s.harmed[key] = true
			}
		}
	}
}
