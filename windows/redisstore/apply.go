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

// Apply implements windows.Store: one pipeline, one script call an update. After an error some of the updates may be
// stored; they answer Already when all are sent again.
func (s *Store) Apply(ctx context.Context, source windows.Source, updates []windows.Update) ([]windows.Result, error) {
	calls := make([]call, len(updates))
	for i := range updates {
		if err := updates[i].Validate(); err != nil {
			return nil, fmt.Errorf("apply %s: %w", source, err)
		}
		calls[i] = s.applyCall(source, &updates[i])
	}
	replies, err := s.run(ctx, s.apply, calls)
	if err != nil {
		return nil, fmt.Errorf("apply %s: %w", source, err)
	}
	results := make([]windows.Result, len(updates))
	for i, reply := range replies {
		if results[i], err = result(reply, calls[i].keys); err != nil {
			return nil, fmt.Errorf("apply %s: %w", source, err)
		}
	}
	return results, nil
}

func (s *Store) applyCall(source windows.Source, u *windows.Update) call {
	keys := make([]string, 0, 1+len(u.Deltas))
	keys = append(keys, s.fenceKey(u.Bucket))
	args := make([]any, 0, 5+10*len(u.Deltas))
	args = append(
		args,
		source.String(),
		strconv.FormatInt(u.Expected, 10),
		strconv.FormatInt(u.New.Offset, 10),
		fenceText(u.New),
		strconv.FormatInt(s.ttl.Milliseconds(), 10),
	)
	for i := range u.Deltas {
		keys = append(keys, s.entityKey(u.Deltas[i].Key, u.Bucket))
		args = appendDelta(args, &u.Deltas[i])
	}
	return call{keys: keys, args: args}
}

// appendDelta adds an entity's part of the arguments of apply.lua.
func appendDelta(args []any, d *windows.Delta) []any {
	seen, set, gone := sortOut(d)
	args = append(args, d.Events, firstText(d.First), len(d.Add), len(seen), len(set)/2, len(gone))
	for _, a := range d.Add {
		args = append(args, a.Field.String(), a.N)
	}
	for _, m := range seen {
		args = append(args, memberField(m.Sub), m.UnixMilli)
	}
	args = append(args, set...)
	return append(args, gone...)
}

// sortOut says what a delta does to fields other than counts: members that keep the later time, fields and values to
// set as they are, fields to remove.
func sortOut(d *windows.Delta) (seen []windows.Member, set, gone []any) {
	seen = d.Seen
	if len(d.Forget) > 0 {
		seen, set, gone = forget(d)
	}
	for _, f := range d.Drop {
		gone = append(gone, f.String())
	}
	switch {
	case d.SetNote && d.Note == "":
		gone = append(gone, fieldNote)
	case d.SetNote:
		set = append(set, fieldNote, d.Note)
	}
	return seen, set, gone
}

// forget sorts out members when some are forgotten: one that was seen again after that has no earlier time to keep.
func forget(d *windows.Delta) (seen []windows.Member, set, gone []any) {
	forgotten := make(map[windows.Sub]bool, len(d.Forget))
	for _, sub := range d.Forget {
		forgotten[sub] = true
	}
	for _, m := range d.Seen {
		if !forgotten[m.Sub] {
			seen = append(seen, m)
			continue
		}
		set = append(set, memberField(m.Sub), m.UnixMilli)
		delete(forgotten, m.Sub)
	}
	for _, sub := range d.Forget {
		if forgotten[sub] {
			gone = append(gone, memberField(sub))
		}
	}
	return seen, set, gone
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
