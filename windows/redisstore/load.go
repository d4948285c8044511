package redisstore

import (
	"context"
	"fmt"

	"github.com/parcelsentry/parcelsentry/windows"
)

// Load implements windows.Store: one pipeline, one script call a bucket, so that entities and fence are read at one
// moment. Two plain commands would keep their order only until a slot moves to another node: go-redis sends those
// that are redirected again, after the others.
func (s *Store) Load(ctx context.Context, source windows.Source, keys []windows.Key) ([]windows.Loaded, error) {
	var calls []call
	at := map[int]int{}                // the call of a bucket
	place := make([][2]int, len(keys)) // the call of a key, and where in it
	for i, key := range keys {
		b := key.Bucket()
		c, ok := at[b]
		if !ok {
			c = len(calls)
			at[b] = c
			calls = append(calls, call{keys: []string{s.fenceKey(b)}, args: []any{source.String()}})
		}
		place[i] = [2]int{c, len(calls[c].keys)}
		calls[c].keys = append(calls[c].keys, s.entityKey(key, b))
	}
	replies, err := s.run(ctx, s.load, calls)
	if err != nil {
		return nil, fmt.Errorf("load %d entities: %w", len(keys), err)
	}
	loaded := make([]windows.Loaded, len(keys))
	for i, key := range keys {
		c, k := place[i][0], place[i][1]
		if loaded[i], err = readLoaded(key, replies[c], k, calls[c].keys); err != nil {
			return nil, fmt.Errorf("load %d entities: %w", len(keys), err)
		}
	}
	return loaded, nil
}

// readLoaded reads entity k of an answer of load.lua.
func readLoaded(key windows.Key, reply []any, k int, keys []string) (windows.Loaded, error) {
	if len(reply) == 3 {
		if i, broken := reply[0].(int64); broken && i == 0 {
			n, _ := reply[1].(int64)
			return windows.Loaded{}, brokenKey(keys, n, reply[2])
		}
	}
	var l windows.Loaded
	if len(reply) != len(keys) {
		return l, fmt.Errorf("an answer of %d parts, not %d", len(reply), len(keys))
	}
	if fence, _ := reply[0].(string); fence != "" {
		var err error
		if l.Fence, err = parseFence(fence); err != nil {
			return l, badData(keys[0], err)
		}
		l.Present = true
	}
	values, _ := reply[k].([]any)
	fields := make([]string, len(values))
	for i := range values {
		fields[i], _ = values[i].(string)
	}
	var err error
	if l.Entity, err = restore(key, fields); err != nil {
		return l, badData(keys[k], err)
	}
	return l, nil
}
