package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/parcelsentry/parcelsentry/cmd/internal/testbed"
)

// A state is the Redis that a run counts in, or the masters of a Redis Cluster.
type state struct {
	servers []*testbed.Redis // those that the harness has started
	clients []*redis.Client  // one a master
	pids    []int
	empty   int64 // bytes in use before there was anything in it
}

// newState starts a Redis, or a cluster of so many masters, or takes the Redis that is given.
func (h *harness) newState(ctx context.Context, dir string, masters int) (s *state, err error) {
	s = &state{}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if h.Redis != "" {
		s.clients = append(s.clients, redis.NewClient(&redis.Options{Addr: h.Redis}))
		if n, err := s.keys(ctx); err != nil || n > 0 {
			return s, fmt.Errorf("%w: the Redis at %s must be there and empty: it has %d keys, error %v", testbed.ErrCannotRun, h.Redis, n, err)
		}
	} else if err := s.start(ctx, h.servers, dir, masters); err != nil {
		return s, err
	}
	for _, c := range s.clients {
		pid, err := info(ctx, c, "server", "process_id")
		if err != nil {
			return s, err
		}
		s.pids = append(s.pids, int(pid))
	}
	s.empty, err = s.sum(ctx, "memory", "used_memory")
	return s, err
}

func (s *state) start(ctx context.Context, servers *testbed.Servers, dir string, masters int) error {
	var lines []string
	if masters > 0 {
		lines = testbed.ClusterNode()
	}
	for i := range max(masters, 1) {
		one, err := servers.NewRedis(dir, fmt.Sprintf("redis-%d", i+1), lines...)
		if err != nil {
			return err
		}
		s.servers, s.clients = append(s.servers, one), append(s.clients, one.Client)
		if err := one.Start(ctx); err != nil {
			return fmt.Errorf("%w, see %s", err, filepath.Join(dir, one.Name))
		}
	}
	if masters > 0 {
		return testbed.Join(ctx, s.servers)
	}
	return nil
}

func (s *state) addresses() []string {
	var all []string
	for _, c := range s.clients {
		all = append(all, c.Options().Addr)
	}
	return all
}

// keys is how many there are.
func (s *state) keys(ctx context.Context) (int64, error) {
	total := int64(0)
	for _, c := range s.clients {
		n, err := c.DBSize(ctx).Result()
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// sum adds up a number that each master tells of itself.
func (s *state) sum(ctx context.Context, section, name string) (int64, error) {
	total := int64(0)
	for _, c := range s.clients {
		n, err := info(ctx, c, section, name)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// info gives a number that Redis tells of itself.
func info(ctx context.Context, c *redis.Client, section, name string) (int64, error) {
	text, err := c.Info(ctx, section).Result()
	if err != nil {
		return 0, err
	}
	return parseInfo(text, name)
}

func parseInfo(text, name string) (int64, error) {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		}
	}
	return 0, fmt.Errorf("redis does not tell its %s", name)
}

// close ends what was started, and removes its data.
func (s *state) close() {
	for _, one := range s.servers {
		one.Close()
		_ = one.Forget()
	}
	if len(s.servers) == 0 {
		for _, c := range s.clients {
			_ = c.Close()
		}
	}
}
