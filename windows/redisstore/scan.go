package redisstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/redis/go-redis/v9"
)

// scanPage is how many keys a server looks at for one page of Scan: a millisecond of its time.
const scanPage = 1000

// Scan calls fn with every entity of a kind, in no order, and stops at its first error. An entity that is stored all
// the while comes at least once; it may come twice when a server rehashes meanwhile. It reads each key of the
// servers, so it is for inspection, not for the way of an event.
func (s *Store) Scan(ctx context.Context, kind windows.Kind, fn func(*windows.Entity) error) error {
	servers, err := s.primaries(ctx)
	if err != nil {
		return fmt.Errorf("scan %s: %w", kind, err)
	}
	for _, server := range servers {
		for cursor := uint64(0); ; {
			keys, next, err := server.Scan(ctx, cursor, s.kindPrefix(kind)+"{*}:*", scanPage).Result()
			if err != nil {
				return fmt.Errorf("scan %s: %w", kind, explain("", err))
			}
			if err := s.page(ctx, server, kind, keys, fn); err != nil {
				return fmt.Errorf("scan %s: %w", kind, err)
			}
			if cursor = next; cursor == 0 {
				break
			}
		}
	}
	return nil
}

func (s *Store) page(
	ctx context.Context, server redis.UniversalClient, kind windows.Kind, keys []string, fn func(*windows.Entity) error,
) error {
	entities := make([]*redis.StringCmd, len(keys))
	_, err := server.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, name := range keys {
			entities[i] = p.Get(ctx, name)
		}
		return nil
	})
	for i, name := range keys {
		packed, err := entities[i].Bytes()
		if errors.Is(err, redis.Nil) {
			continue // at its end since the page was made
		}
		if err != nil {
			return explain(name, err)
		}
		key, ok := s.parseKey(kind, name)
		if !ok {
			continue // not ours
		}
		e, err := windows.Unpack(key, packed)
		if err != nil {
			return badData(name, err)
		}
		if err := fn(e); err != nil {
			return err
		}
	}
	if errors.Is(err, redis.Nil) {
		return nil
	}
	return explain("", err)
}
