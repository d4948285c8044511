package chaos

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/parcelsentry/parcelsentry/cmd/internal/testbed"
	"github.com/parcelsentry/parcelsentry/windows"
)

// storageScenarios are what happens to Redis and on the way to it.
var storageScenarios = []Scenario{
	{
		Name: "replies", Story: "a proxy swallows, delays and cuts replies, sends requests twice and others too late", Short: true,
		setup: setup{proxy: true, redisTimeout: "500ms"},
		play: func(r *Run) error {
			r.proxy.play(usualTricks)
			if err := r.pour(usualPour).wait(); err != nil {
				return err
			}
			r.proxy.play(tricks{})
			all, by := r.proxy.tricksPlayed()
			r.tell("the proxy played %v", by)
			r.faultsWere(all)
			return nil
		},
	},
	{
		Name: "redis-restart-aof", Story: "Redis is killed and comes back with its append-only file", Short: true,
		setup: setup{redis: []string{"appendfsync always"}},
		play: func(r *Run) error {
			return r.meanwhile(500*time.Millisecond, 2*time.Second, func() error { return r.restartRedis(false) })
		},
	},
	{
		Name: "redis-restart-empty", Story: "Redis is killed and comes back with nothing: all state is lost",
		setup: setup{redis: []string{"appendonly no"}, forgets: true},
		play: func(r *Run) error {
			return r.meanwhile(1500*time.Millisecond, 4*time.Second, func() error { return r.restartRedis(true) })
		},
	},
	{
		Name: "redis-restart-snapshot", Story: "Redis is killed and comes back with a snapshot from earlier: acknowledged writes are lost",
		setup: setup{redis: []string{"appendonly no"}, forgets: true},
		play: func(r *Run) error {
			return r.meanwhile(500*time.Millisecond, 2*time.Second, func() error {
				if err := r.servers[0].Client.Do(r.ctx, "SAVE").Err(); err != nil {
					return err
				}
				r.tell("a snapshot is saved")
				if err := r.wait(time.Second, 2*time.Second); err != nil {
					return err
				}
				return r.restartRedis(false)
			})
		},
	},
	{
		Name: "failover", Story: "the primary dies, and a replica takes over that has lagged behind", Short: true,
		setup: setup{proxy: true, forgets: true, pour: 2 * usualPour}, play: playFailover,
	},
	{
		Name: "flushall", Story: "FLUSHALL in the middle, at full load", Short: true,
		setup: setup{forgets: true},
		play:  func(r *Run) error { return r.meanwhile(1500*time.Millisecond, 4*time.Second, r.flushAll) },
	},
	{
		Name: "cluster", Story: "Redis Cluster of three primaries; slots move from one to another",
		setup: setup{cluster: true}, play: playCluster,
	},
	{
		Name: "oom", Story: "Redis is full and refuses (noeviction), and gets more memory after a while",
		play: func(r *Run) error {
			return r.meanwhile(500*time.Millisecond, 2*time.Second, func() error {
				return r.refusing("maxmemory is reached", []string{"maxmemory", "1mb"}, []string{"maxmemory", "0"})
			})
		},
	},
	{
		Name: "evicting", Story: "a Redis that would evict keys is refused at the start, and taken when it is mended",
		setup: setup{members: -1, redis: []string{"maxmemory-policy allkeys-lru", "maxmemory 512mb"}}, play: playEvicting,
	},
	{
		Name: "read-only", Story: "Redis becomes a replica without a primary, then has too few replicas; every write is refused",
		play: func(r *Run) error { return r.meanwhile(300*time.Millisecond, 2*time.Second, r.refuseWrites) },
	},
	{
		Name: "disk-full", Story: "Redis can't save to its disk and refuses to write",
		setup: setup{redis: []string{"appendonly no", "enable-protected-configs yes"}}, play: playDiskFull,
	},
}

// usualTricks are about as many as let work go on: a flush is hundreds of requests.
var usualTricks = tricks{swallow: 1500, cut: 1500, slow: 400, late: 6000, stale: 6000, repeat: 10}

// flushAll takes all state.
func (r *Run) flushAll() error {
	if err := r.servers[0].Client.FlushAll(r.ctx).Err(); err != nil {
		return err
	}
	r.fault("FLUSHALL")
	return nil
}

// refuseWrites lets Redis refuse them for a while, in one of two ways.
func (r *Run) refuseWrites() error {
	if r.random.IntN(2) == 0 {
		return r.refusing("too few replicas", []string{"min-replicas-to-write", "1"}, []string{"min-replicas-to-write", "0"})
	}
	return r.readOnly()
}

// restartRedis kills the server and starts it again after a moment, with what it keeps on disk or with nothing.
func (r *Run) restartRedis(empty bool) error {
	s := r.servers[0]
	s.Process.Kill()
	r.tell("redis is killed")
	if empty {
		if err := s.Forget(); err != nil {
			return err
		}
	}
	if err := r.wait(0, 1500*time.Millisecond); err != nil {
		return err
	}
	if err := s.Start(r.ctx); err != nil {
		return err
	}
	r.fault("redis was killed and is back")
	return nil
}

// playFailover kills the primary and lets the replica take over, to which nothing has come for a while; then the other
// way round.
func playFailover(r *Run) error {
	primary := r.servers[0]
	replica, err := r.addRedis("replica")
	if err != nil {
		return err
	}
	follow := func(s, whom *testbed.Redis) error {
		h, port, _ := strings.Cut(whom.Address, ":")
		return s.Client.ReplicaOf(r.ctx, h, port).Err()
	}
	return r.meanwhile(500*time.Millisecond, time.Second, func() error {
		if err := follow(replica, primary); err != nil {
			return err
		}
		if err := r.await(r.ctx, inSync(replica)); err != nil {
			return err
		}
		if err := r.wait(500*time.Millisecond, time.Second); err != nil {
			return err
		}
		// A port that nobody listens at: what the replica has it keeps, and nothing is added.
		if err := replica.Client.ReplicaOf(r.ctx, testbed.Host, "1").Err(); err != nil {
			return err
		}
		r.tell("replication has stopped")
		if err := r.wait(500*time.Millisecond, 2*time.Second); err != nil {
			return err
		}
		primary.Process.Kill()
		if err := replica.Client.ReplicaOf(r.ctx, "NO", "ONE").Err(); err != nil {
			return err
		}
		r.proxy.turn(replica.Address)
		r.client = replica.Client
		if r.store, err = r.storeIn(r.client); err != nil {
			return err
		}
		r.fault("%s is killed, %s takes over", primary.Name, replica.Name)
		primary, replica = replica, primary
		if err := replica.Forget(); err != nil {
			return err
		}
		return replica.Start(r.ctx)
	})
}

// playCluster moves slots while the log is written: each of them with a bucket in it.
func playCluster(r *Run) error {
	return r.meanwhile(50*time.Millisecond, 200*time.Millisecond, func() error {
		slot := bucketSlot(r.random.IntN(windows.Buckets))
		from, err := r.owner(slot)
		if err != nil {
			return err
		}
		to := from
		for to == from {
			to = r.servers[r.random.IntN(len(r.servers))]
		}
		if err := r.migrate(slot, from, to); err != nil {
			return fmt.Errorf("move slot %d: %w", slot, err)
		}
		r.fault("slot %d has moved from %s to %s", slot, from.Name, to.Name)
		return nil
	})
}

// refusing changes a setting that makes Redis refuse writes, for a while.
func (r *Run) refusing(why string, set, reset []string) error {
	c := r.servers[0].Client
	if err := c.ConfigSet(r.ctx, set[0], set[1]).Err(); err != nil {
		return err
	}
	r.tell("redis refuses: %s", why)
	if err := r.wait(time.Second, 3*time.Second); err != nil {
		return err
	}
	if err := c.ConfigSet(r.ctx, reset[0], reset[1]).Err(); err != nil {
		return err
	}
	r.fault("redis refused for a while: %s", why)
	return nil
}

// readOnly makes the server a replica whose primary is away, which keeps its data and takes no writes.
func (r *Run) readOnly() error {
	c := r.servers[0].Client
	if err := c.ReplicaOf(r.ctx, testbed.Host, "1").Err(); err != nil {
		return err
	}
	if err := r.wait(time.Second, 3*time.Second); err != nil {
		return err
	}
	if err := c.ReplicaOf(r.ctx, "NO", "ONE").Err(); err != nil {
		return err
	}
	r.fault("redis was a replica for a while")
	return nil
}

// playEvicting expects a member to end at once, and to say why.
func playEvicting(r *Run) error {
	log := r.pour(usualPour)
	m, err := r.add()
	if err != nil {
		return err
	}
	r.expected[m] = true
	select {
	case <-m.Ended:
	case <-time.After(testbed.StartTimeout):
		r.wrong("a member runs on a Redis that evicts")
	}
	if !m.Running() && m.Status() != 1 {
		r.wrong("it ended with status %d", m.Status())
	}
	if !m.logged("maxmemory-policy is allkeys-lru") || !m.logged("CONFIG SET maxmemory-policy noeviction") {
		r.wrong("it does not say why it ended")
	}
	r.fault("%s was refused", m.Name)
	if err := r.servers[0].Client.ConfigSet(r.ctx, "maxmemory-policy", "noeviction").Err(); err != nil {
		return err
	}
	for range 2 {
		if _, err := r.add(); err != nil {
			return err
		}
	}
	return log.wait()
}

// playDiskFull takes the folder away that snapshots go to: a save fails, and Redis then refuses to write.
func playDiskFull(r *Run) error {
	c := r.servers[0].Client
	snapshots := filepath.Join(r.servers[0].Dir, "snapshots")
	return r.meanwhile(500*time.Millisecond, 2*time.Second, func() error {
		if err := os.MkdirAll(snapshots, 0o700); err != nil {
			return err
		}
		for _, set := range [][2]string{{"dir", snapshots}, {"save", "3600 100000000"}} {
			if err := c.ConfigSet(r.ctx, set[0], set[1]).Err(); err != nil {
				return err
			}
		}
		if err := os.RemoveAll(snapshots); err != nil {
			return err
		}
		if err := c.BgSave(r.ctx).Err(); err != nil {
			return err
		}
		if err := r.await(r.ctx, func(ctx context.Context) error { return redisRefuses(ctx, c, "MISCONF") }); err != nil {
			return err
		}
		if err := r.wait(time.Second, 3*time.Second); err != nil {
			return err
		}
		if err := os.MkdirAll(snapshots, 0o700); err != nil {
			return err
		}
		if err := c.ConfigSet(r.ctx, "dir", snapshots).Err(); err != nil {
			return err
		}
		if err := c.Do(r.ctx, "SAVE").Err(); err != nil {
			return err
		}
		r.fault("redis could not save for a while")
		return nil
	})
}

// redisRefuses tells whether a server answers a write with an error that begins so.
func redisRefuses(ctx context.Context, c *redis.Client, how string) error {
	if err := c.Set(ctx, "chaos", "1", 0).Err(); !redis.HasErrorPrefix(err, how) {
		return fmt.Errorf("redis does not refuse with %s, but says: %v", how, err)
	}
	return nil
}
