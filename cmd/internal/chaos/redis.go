package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisServer is a redis-server process, which can be ended and started again with the same data and port.
type redisServer struct {
	servers *servers
	name    string
	address string
	dir     string
	conf    string
	busPort int // of a node of a cluster
	process *child
	client  *redis.Client // the harness's own way to it
}

// newRedis makes a server ready to start, by deploy/servers/redis.conf and more lines.
func (s *servers) newRedis(dir, name string, lines ...string) (*redisServer, error) {
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	r := &redisServer{servers: s, name: name, address: fmt.Sprintf("%s:%d", host, ports[0]), dir: filepath.Join(dir, name), busPort: ports[1]}
	all := []string{fmt.Sprintf("port %d", ports[0]), fmt.Sprintf("dir %q", r.dir), "appendfsync everysec"}
	for _, line := range lines {
		if line == "cluster-enabled yes" {
			all = append(all, fmt.Sprintf("cluster-port %d", ports[1]))
		}
	}
	if r.conf, err = s.configure(r.dir, "redis.conf", append(all, lines...)...); err != nil {
		return nil, err
	}
	r.client = redis.NewClient(&redis.Options{Addr: r.address, DialTimeout: time.Second, ReadTimeout: 10 * time.Second})
	return r, nil
}

// start starts it, or starts it again, and waits until it has loaded its data.
func (r *redisServer) start(ctx context.Context) error {
	p, err := r.servers.children.launch(r.name, r.dir, filepath.Join(r.dir, "out.log"), "redis-server", r.conf)
	if err != nil {
		return err
	}
	r.process = p
	return await(ctx, p, func(ctx context.Context) error { return r.client.Ping(ctx).Err() })
}

// forget removes what it keeps on disk; it must not run.
func (r *redisServer) forget() error {
	for _, name := range []string{"appendonlydir", "dump.rdb"} {
		if err := os.RemoveAll(filepath.Join(r.dir, name)); err != nil {
			return err
		}
	}
	return nil
}

func (r *redisServer) close() {
	if r.process != nil {
		r.process.kill()
	}
	_ = r.client.Close()
}

// inSync tells whether a replica has its primary's data and follows it.
func inSync(replica *redisServer) func(context.Context) error {
	return func(ctx context.Context) error {
		info, err := replica.client.Info(ctx, "replication").Result()
		if err == nil && !strings.Contains(info, "master_link_status:up") {
			err = errors.New("the replica is not in sync")
		}
		return err
	}
}

// bucketSlot is the cluster's slot of a bucket: the CRC-16 of its hash tag, by the polynomial 0x1021.
func bucketSlot(bucket int) int {
	crc := uint16(0)
	for _, b := range []byte(strconv.Itoa(bucket)) {
		crc ^= uint16(b) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return int(crc) % slots
}

// silence is a log for go-redis, which would print that a server is away: here that is as planned.
type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}
