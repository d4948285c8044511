package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// compare holds the store and what was said, at the end, against a plain reading of the logs.
func (s *simulation) compare() string {
	if p := s.compareLedger(); p != "" {
		return p
	}
	if p := s.compareLetters(); p != "" {
		return p
	}
	if p := s.compareLost(); p != "" {
		return p
	}
	o := &oracle{s: s, history: s.records(), want: map[saying]*said{}}
	keys, in := s.entities()
	if n := len(s.store.Keys()); n != len(keys) {
		return fmt.Sprintf("%d entities in the store, %d in the log", n, len(keys))
	}
	loaded, _ := s.store.Load(context.Background(), windows.Source{}, keys)
	for i, key := range keys {
		entity := loaded[i].Entity
		entity.Settle(s.set.Ladder())
		plain := o.read(key, in[key])
		if p := s.compareEntity(entity, &plain); p != "" {
			return p
		}
	}
	if p := s.compareSaid(o); p != "" {
		return p
	}
	return s.compareIncidents(o)
}

// entities gives everything that the store should hold counts of, and the records that these are made of.
func (s *simulation) entities() (keys []windows.Key, in map[windows.Key][]placed) {
	in = map[windows.Key][]placed{}
	for i := range s.writer.deeds {
		d := &s.writer.deeds[i]
		for n, key := range d.keys {
			if _, known := in[key]; known {
				continue
			}
			in[key] = s.store.ledger.of(key, d.at[n])
			if len(in[key]) > 0 {
				keys = append(keys, key)
			}
		}
	}
	return keys, in
}

// compareLedger looks each record that a log holds up in its buckets.
func (s *simulation) compareLedger() string {
	for _, l := range s.logs {
		for i := l.cut; i < l.produced; i++ {
			c := l.placed(i)
			if l.dead[i] != "" {
				continue
			}
			for _, b := range s.writer.deeds[c.deed].at {
				if !s.store.ledger.holds(b, c) {
					return fmt.Sprintf("record %d of partition %d is not counted in bucket %d", c.offset, c.partition, b)
				}
			}
		}
	}
	return ""
}

// compareLetters looks up the dead letter of each record that a log holds and that can be nothing else.
func (s *simulation) compareLetters() string {
	for _, l := range s.logs {
		for i := l.cut; i < l.produced; i++ {
			if l.dead[i] == "" {
				continue
			}
			c := l.placed(i)
			switch got := s.said[letterOf(c)]; {
			case got == nil:
				return fmt.Sprintf("record %d of partition %d is no dead letter: %s", c.offset, c.partition, l.dead[i])
			case got.letter.Reason != l.dead[i]:
				return fmt.Sprintf("record %d of partition %d is a dead letter for %s, not %s", c.offset, c.partition, got.letter.Reason, l.dead[i])
			}
		}
	}
	return ""
}

// compareEntity counts the times of an entity by pane and looks each pane up, and the other way round.
func (s *simulation) compareEntity(e *windows.Entity, plain *plainCounts) string {
	if plain.twice != "" {
		return fmt.Sprintf("%v: %s counts twice, resubmitted", e.Key, plain.twice)
	}
	if plain.subject == nil && s.kind == simKeyed {
		return "" // two incarnations of the topic: what came twice or too late depends on who was read first
	}
	if e.Events() != plain.total() {
		return fmt.Sprintf("%v: %d events in the store, %d in the log", e.Key, e.Events(), plain.total())
	}
	if plain.again {
		return ""
	}
	for _, r := range s.set.Ladder() {
		if p := comparePanes(e, r, plain.times); p != "" {
			return p
		}
	}
	if plain.subject == nil || s.harmed[e.Key] || e.Key.Kind == detector.KindLane {
		return ""
	}
	return compareState(e, plain.subject)
}

func comparePanes(e *windows.Entity, r windows.Resolution, times []time.Time) string {
	got := e.Panes('i', r, windows.Sub{})
	if len(times) == 0 {
		return ""
	}
	newest := r.Pane(slices.MaxFunc(times, time.Time.Compare))
	want := map[int64]int64{}
	for _, t := range times {
		if p := r.Pane(t); p > newest-r.Keep {
			want[p]++
		}
	}
	panes := 0
	for _, p := range got {
		if p.N != want[p.Pane] {
			return fmt.Sprintf("%v: items by %c: %d in pane %d in the store, %d in the log", e.Key, r.Name, p.N, p.Pane, want[p.Pane])
		}
		panes++
	}
	if panes != len(want) {
		return fmt.Sprintf("%v: items by %c in %d panes in the store, %d in the log", e.Key, r.Name, panes, len(want))
	}
	return ""
}

// compareState holds everything about an entity against what an undisturbed reader made of it.
func compareState(e *windows.Entity, want *detector.Subject) string {
	want.TakeDelta()
	if got, want := fmt.Sprint(e.Counts()), fmt.Sprint(want.Entity.Counts()); got != want {
		return fmt.Sprintf("%v: counts differ:\n got %s\nwant %s", e.Key, got, want)
	}
	if got, want := e.AllMembers(), want.Entity.AllMembers(); !slices.Equal(got, want) {
		return fmt.Sprintf("%v: members differ:\n got %v\nwant %v", e.Key, got, want)
	}
	got, first := e.First(), want.Entity.First()
	got.At.Source.Epoch = 0
	if !got.Time.Equal(first.Time) || got.At != first.At {
		return fmt.Sprintf("%v: first seen %v, want %v", e.Key, got, first)
	}
	return ""
}
