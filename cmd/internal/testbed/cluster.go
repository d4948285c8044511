package testbed

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Slots is how many a Redis Cluster has.
const Slots = 16384

// ClusterNode are the lines of configuration that make a server fit for Join.
func ClusterNode() []string {
	return []string{"cluster-enabled yes", "cluster-announce-ip " + Host, "cluster-node-timeout 5000"}
}

// Join makes a Redis Cluster of servers that run and know nobody yet, each a primary with as many slots as the others, and waits
// until all agree.
func Join(ctx context.Context, servers []*Redis) error {
	for i, s := range servers {
		if err := s.Client.ClusterAddSlotsRange(ctx, Slots*i/len(servers), Slots*(i+1)/len(servers)-1).Err(); err != nil {
			return err
		}
		if i > 0 {
			_, port, _ := strings.Cut(s.Address, ":")
			if err := servers[0].Client.Do(ctx, "CLUSTER", "MEET", Host, port, s.BusPort).Err(); err != nil {
				return err
			}
		}
	}
	for _, s := range servers {
		if err := Await(ctx, s.Process, func(ctx context.Context) error { return clusterReady(ctx, s.Client, len(servers)) }); err != nil {
			return err
		}
	}
	return nil
}

func clusterReady(ctx context.Context, c *redis.Client, nodes int) error {
	info, err := c.ClusterInfo(ctx).Result()
	if err == nil && !(strings.Contains(info, "cluster_state:ok") && strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d\r", nodes))) {
		err = errors.New("the cluster is not ready")
	}
	return err
}
