package chaos

import (
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/parcelsentry/parcelsentry/cmd/internal/testbed"
)

// startCluster starts three primaries that share the slots.
func (r *Run) startCluster() ([]string, error) {
	const primaries = 3
	var addresses []string
	for i := range primaries {
		s, err := r.addRedis(fmt.Sprintf("redis-%d", i+1), append(testbed.ClusterNode(), r.scenario.setup.redis...)...)
		if err != nil {
			return nil, err
		}
		addresses = append(addresses, s.Address)
	}
	if err := testbed.Join(r.ctx, r.servers); err != nil {
		return nil, err
	}
	r.client = redis.NewClusterClient(&redis.ClusterOptions{Addrs: addresses})
	return addresses, nil
}

// migrate moves a slot with all its keys to another primary, as an operator's tools do.
func (r *Run) migrate(slot int, from, to *testbed.Redis) error {
	source, err := from.Client.Do(r.ctx, "CLUSTER", "MYID").Text()
	if err != nil {
		return err
	}
	target, err := to.Client.Do(r.ctx, "CLUSTER", "MYID").Text()
	if err != nil {
		return err
	}
	if err := to.Client.Do(r.ctx, "CLUSTER", "SETSLOT", slot, "IMPORTING", source).Err(); err != nil {
		return err
	}
	if err := from.Client.Do(r.ctx, "CLUSTER", "SETSLOT", slot, "MIGRATING", target).Err(); err != nil {
		return err
	}
	_, port, _ := strings.Cut(to.Address, ":")
	for {
		const piece, patience = 5, 5000 // a few at a time: the slot is in two places for a while
		keys, err := from.Client.ClusterGetKeysInSlot(r.ctx, slot, piece).Result()
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			break
		}
		move := []any{"MIGRATE", testbed.Host, port, "", 0, patience, "KEYS"}
		for _, k := range keys {
			move = append(move, k)
		}
		if err := from.Client.Do(r.ctx, move...).Err(); err != nil {
			return err
		}
	}
	for _, s := range []*testbed.Redis{to, from} {
		if err := s.Client.Do(r.ctx, "CLUSTER", "SETSLOT", slot, "NODE", target).Err(); err != nil {
			return err
		}
	}
	return nil
}

// owner gives the primary that has a slot.
func (r *Run) owner(slot int) (*testbed.Redis, error) {
	for _, s := range r.servers {
		shards, err := s.Client.ClusterShards(r.ctx).Result()
		if err != nil {
			return nil, err
		}
		id, err := s.Client.Do(r.ctx, "CLUSTER", "MYID").Text()
		if err != nil {
			return nil, err
		}
		for _, shard := range shards {
			for _, has := range shard.Slots {
				if int64(slot) >= has.Start && int64(slot) <= has.End && len(shard.Nodes) > 0 && shard.Nodes[0].ID == id {
					return s, nil
				}
			}
		}
	}
	return nil, fmt.Errorf("nobody has slot %d", slot)
}
