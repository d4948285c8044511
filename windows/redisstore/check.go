package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// ErrPolicyUnknown is what Check returns when a server does not tell how it makes room: some hosted ones, and the
// stand-in of tests. It is a warning to pass on, not a reason to stop.
var ErrPolicyUnknown = errors.New("the server does not tell its maxmemory-policy, which must be noeviction")

// Check connects to every primary and makes sure that it evicts nothing when it is full: an evicted entity would
// count from zero without a sign. A server that would is an *Error that is Fatal; ErrPolicyUnknown is in the chain if
// none would but one does not tell.
func (s *Store) Check(ctx context.Context) error {
	servers, err := s.primaries(ctx)
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	var unknown error
	for _, server := range servers {
		policy, err := policy(ctx, server)
		switch {
		case err != nil:
			return fmt.Errorf("check %s: %w", address(server), explain("", err))
		case policy == "":
			unknown = fmt.Errorf("check %s: %w", address(server), ErrPolicyUnknown)
		case policy != NoEviction:
			return fmt.Errorf("check %s: %w", address(server), &Error{
				Err:    fmt.Errorf("maxmemory-policy is %s, so it throws counts away when it is full", policy),
				Advice: "CONFIG SET maxmemory-policy noeviction, and set it in the server's configuration",
				Fatal:  true,
			})
		}
	}
	return unknown
}

// policy gives the server's maxmemory-policy, "" if it does not tell. Hosted servers often have INFO, not CONFIG.
func policy(ctx context.Context, server redis.UniversalClient) (string, error) {
	if err := server.Ping(ctx).Err(); err != nil {
		return "", err
	}
	info, err := server.Info(ctx, "memory").Result()
	if err != nil && !refusal(err) {
		return "", err
	}
	for line := range strings.Lines(info) {
		if p, ok := strings.CutPrefix(line, "maxmemory_policy:"); ok {
			return strings.TrimSpace(p), nil
		}
	}
	conf, err := server.ConfigGet(ctx, "maxmemory-policy").Result()
	if err != nil && !refusal(err) {
		return "", err
	}
	return conf["maxmemory-policy"], nil
}

// refusal reports whether the server answered, but does not do what it was asked.
func refusal(err error) bool {
	var answer redis.Error
	return errors.As(err, &answer)
}

// primaries gives a client for every server that holds a part of the keys.
func (s *Store) primaries(ctx context.Context) ([]redis.UniversalClient, error) {
	cluster, ok := s.client.(*redis.ClusterClient)
	if !ok {
		return []redis.UniversalClient{s.client}, nil
	}
	var mu sync.Mutex
	var all []redis.UniversalClient
	err := cluster.ForEachMaster(ctx, func(_ context.Context, c *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, c)
		return nil
	})
	return all, explain("", err)
}

func address(server redis.UniversalClient) string {
	if c, ok := server.(*redis.Client); ok {
		return c.Options().Addr
	}
	return "redis"
}
