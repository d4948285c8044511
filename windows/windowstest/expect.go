package windowstest

import (
	"context"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// expect loads every entity of the logs and compares it with the logs themselves.
func expect(t *testing.T, store windows.Store, sources []windows.Source, logs [][]shipment) {
	t.Helper()
	var o Oracle
	events := map[windows.Key]int64{}
	firsts := map[windows.Key]windows.First{}
	seen := map[windows.Key]map[string]time.Time{}
	var keys []windows.Key
	for p, log := range logs {
		for offset, s := range log {
			at := windows.Coordinates{Source: sources[p], Offset: int64(offset)}
			for _, side := range s.sides() {
				if events[side.key]++; events[side.key] == 1 {
					keys = append(keys, side.key)
					seen[side.key] = map[string]time.Time{}
				}
				if f := (windows.First{Time: s.time, At: at}); f.Before(firsts[side.key]) {
					firsts[side.key] = f
				}
				o.Add(side.key, items, windows.Sub{}, s.time, s.items)
				o.Add(side.key, others, windows.NewSub(side.other), s.time, 1)
				last, known := seen[side.key][side.other]
				if !known {
					o.Add(side.key, newOne, windows.Sub{}, s.time, 1)
				}
				if !known || s.time.After(last) {
					seen[side.key][side.other] = s.time
				}
			}
		}
	}
	loaded, err := store.Load(context.Background(), sources[0], keys)
	if err != nil {
		t.Fatal(err)
	}
	for i, key := range keys {
		e := loaded[i].Entity
		e.Settle(ladder)
		for _, wrong := range o.Diff(e, ladder) {
			t.Error(wrong)
		}
		if e.Events() != events[key] {
			t.Errorf("%v: %d events, want %d", key, e.Events(), events[key])
		}
		if e.First() != firsts[key] {
			t.Errorf("%v: first %v, want %v", key, e.First(), firsts[key])
		}
		if got, want := e.TallyOf(ever, 0), int64(len(seen[key])); got != want {
			t.Errorf("%v: met %d others in all, want %d", key, got, want)
		}
		if e.Members() != len(seen[key]) {
			t.Errorf("%v: %d members, want %d", key, e.Members(), len(seen[key]))
		}
		for other, want := range seen[key] {
			if got, ok := e.Seen(windows.NewSub(other)); !ok || !got.Equal(want) {
				t.Errorf("%v: saw %s at %v (%v), want %v", key, other, got, ok, want)
			}
		}
	}
}
