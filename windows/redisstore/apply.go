package redisstore

import (
	"context"
	"fmt"
	"strconv"

	"github.com/parcelsentry/parcelsentry/windows"
)

// The first number of an answer of apply.lua.
const (
	replyRefused = iota
	replyApplied
	replyAlready
	replyBroken
)

// deltasAtOnce is about how many deltas one pipeline carries: many enough that the way there and back does not count,
// few enough that what goes out takes little memory, and that Redis works while the next ones are put together.
const deltasAtOnce = 512

// Apply implements windows.Store: one script call an update, in pipelines one after the other. After an error some of
// the updates may be stored; they answer Already when all are sent again.
func (s *Store) Apply(ctx context.Context, source windows.Source, updates []windows.Update) ([]windows.Result, error) {
	for i := range updates {
		if err := updates[i].Validate(); err != nil {
			return nil, fmt.Errorf("apply %s: %w", source, err)
		}
	}
	results := make([]windows.Result, 0, len(updates))
	for len(updates) > 0 {
		n, deltas := 0, 0
		for n < len(updates) && (n == 0 || deltas+len(updates[n].Deltas) <= deltasAtOnce) {
			deltas += len(updates[n].Deltas)
			n++
		}
		var err error
		if results, err = s.applySome(ctx, source, updates[:n], results); err != nil {
			return nil, fmt.Errorf("apply %s: %w", source, err)
		}
		updates = updates[n:]
	}
	return results, nil
}

// applySome applies updates by one pipeline, and appends the results.
func (s *Store) applySome(ctx context.Context, source windows.Source, updates []windows.Update, results []windows.Result) ([]windows.Result, error) {
	calls := make([]call, len(updates))
	for i := range updates {
		calls[i] = s.applyCall(source, &updates[i])
	}
	replies, err := s.run(ctx, s.apply, calls)
	if err != nil {
		return nil, err
	}
	for i, reply := range replies {
		r, err := result(reply, calls[i].keys)
		if err != nil {
			return nil, err
		}
		results = append(results, r)
	}
	return results, nil
}

func (s *Store) applyCall(source windows.Source, u *windows.Update) call {
	var w words
	w.grow(200*len(u.Deltas), 24*len(u.Deltas))
	w.add(s.fenceKey(u.Bucket))
	for i := range u.Deltas {
		s.addEntityKey(&w, u.Deltas[i].Key, u.Bucket)
	}
	w.add(source.String())
	w.number(u.Expected)
	w.number(u.New.Offset)
	w.add(fenceText(u.New))
	w.number(s.ttl.Milliseconds())
	for i := range u.Deltas {
		addDelta(&w, &u.Deltas[i])
	}
	return newCall(1+len(u.Deltas), w.split())
}

// addDelta adds an entity's part of the arguments of apply.lua.
func addDelta(w *words, d *windows.Delta) {
	seen, again, forgotten := forget(d)
	addShape(w, d, len(seen), len(again), len(forgotten))
	w.add(fieldEvents)
	w.number(d.Events)
	for _, a := range d.Add {
		if a.N != 0 {
			addField(w, a.Field)
			w.number(a.N)
		}
	}
	if !d.First.IsZero() {
		w.add(fieldFirst)
		w.add(firstText(d.First))
	}
	for _, members := range [][]windows.Member{seen, again} {
		for _, m := range members {
			addMember(w, m.Sub)
			w.number(m.UnixMilli)
		}
	}
	if d.SetNote && d.Note != "" {
		w.add(fieldNote)
		w.add(d.Note)
	}
	for _, f := range d.Drop {
		addField(w, f)
	}
	for _, sub := range forgotten {
		addMember(w, sub)
	}
	if d.SetNote && d.Note == "" {
		w.add(fieldNote)
	}
}

// addShape adds how many sums, firsts, seen and set pairs and fields that are gone a delta has.
func addShape(w *words, d *windows.Delta, seen, set, gone int) {
	sums, firsts := 1, 0
	for _, a := range d.Add {
		if a.N != 0 {
			sums++
		}
	}
	if !d.First.IsZero() {
		firsts = 1
	}
	gone += len(d.Drop)
	switch {
	case d.SetNote && d.Note == "":
		gone++
	case d.SetNote:
		set++
	}
	for i, n := range [...]int{sums, firsts, seen, set, gone} {
		if i > 0 {
			w.bytes = append(w.bytes, ' ')
		}
		w.bytes = strconv.AppendInt(w.bytes, int64(n), 10)
	}
	w.end()
}

func addField(w *words, f windows.Field) {
	w.bytes = f.Append(w.bytes)
	w.end()
}

func addMember(w *words, sub windows.Sub) {
	w.bytes = append(w.bytes, memberMark...)
	w.bytes = append(w.bytes, sub[:]...)
	w.end()
}

// forget sorts out members: those that keep the later time; those that are set because they were forgotten in between,
// so that there is no earlier time to keep; those that are gone.
func forget(d *windows.Delta) (seen, again []windows.Member, gone []windows.Sub) {
	if len(d.Forget) == 0 {
		return d.Seen, nil, nil
	}
	forgotten := make(map[windows.Sub]bool, len(d.Forget))
	for _, sub := range d.Forget {
		forgotten[sub] = true
	}
	for _, m := range d.Seen {
		if !forgotten[m.Sub] {
			seen = append(seen, m)
			continue
		}
		again = append(again, m)
		delete(forgotten, m.Sub)
	}
	for _, sub := range d.Forget {
		if forgotten[sub] {
			gone = append(gone, sub)
		}
	}
	return seen, again, gone
}

// result reads an answer of apply.lua.
func result(reply []any, keys []string) (windows.Result, error) {
	n := make([]int64, len(reply))
	for i := range reply {
		n[i], _ = reply[i].(int64)
	}
	switch {
	case len(n) == 3 && n[0] == replyBroken:
		return windows.Result{}, brokenKey(keys, n[1], reply[2])
	case len(n) == 1 && n[0] == replyRefused:
		return windows.Result{Status: windows.Refused}, nil
	case len(n) == len(keys) && n[0] == replyApplied:
		return windows.Result{Status: windows.Applied, Events: n[1:]}, nil
	case len(n) == len(keys) && n[0] == replyAlready:
		return windows.Result{Status: windows.Already, Events: n[1:]}, nil
	}
	return windows.Result{}, fmt.Errorf("an answer that can't be understood: %v", reply)
}
