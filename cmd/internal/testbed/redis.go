package testbed

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/redis/go-redis/v9"
)

// Redis is a redis-server process, which can be ended and started again with the same data and port.
type Redis struct {
	Name    string
	Address string
	Dir     string
	// BusPort is that of a node of a cluster.
	BusPort int
	// Process is nil before the first Start.
	Process *Process
	// Client is the harness's own way to it.
	Client *redis.Client

	servers *Servers
	conf    string
}

// NewRedis makes a server ready to start, by deploy/servers/redis.conf and more lines. Its data folder stands in dir.
func (s *Servers) NewRedis(dir, name string, lines ...string) (*Redis, error) {
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	r := &Redis{servers: s, Name: name, Address: fmt.Sprintf("%s:%d", Host, ports[0]), Dir: filepath.Join(dir, name), BusPort: ports[1]}
	all := []string{fmt.Sprintf("port %d", ports[0]), fmt.Sprintf("dir %q", r.Dir), "appendfsync everysec"}
	for _, line := range lines {
		if line == "cluster-enabled yes" {
			all = append(all, fmt.Sprintf("cluster-port %d", ports[1]))
		}
	}
	if r.conf, err = s.configure(r.Dir, "redis.conf", append(all, lines...)...); err != nil {
		return nil, err
	}
	r.Client = redis.NewClient(&redis.Options{Addr: r.Address, DialTimeout: time.Second, ReadTimeout: 10 * time.Second})
	return r, nil
}

// Start starts it, or starts it again, and waits until it has loaded its data.
func (r *Redis) Start(ctx context.Context) error {
	p, err := r.servers.Processes.Launch(nil, r.Name, r.Dir, filepath.Join(r.Dir, "out.log"), "redis-server", r.conf)
	if err != nil {
		return err
	}
	r.Process = p
	return Await(ctx, p, func(ctx context.Context) error { return r.Client.Ping(ctx).Err() })
}

// Forget removes what it keeps on disk; it must not run.
func (r *Redis) Forget() error {
	for _, name := range []string{"appendonlydir", "dump.rdb"} {
		if err := os.RemoveAll(filepath.Join(r.Dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// Close kills it.
func (r *Redis) Close() {
	if r.Process != nil {
		r.Process.Kill()
	}
	_ = r.Client.Close()
}

// Silence is a log for go-redis, which would print that a server is away: in a harness that is as planned.
type Silence struct{}

// Printf prints nothing.
func (Silence) Printf(context.Context, string, ...any) {}
