package app

import (
	"context"
	"fmt"
	"strings"

	"github.com/parcelsentry/parcelsentry/config"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/redisstore"
)

// Inspect gives an entity as it stands in the Redis that a configuration names, and the resolutions of its counts. The id is
// as in an alert, pseudonyms included.
func Inspect(ctx context.Context, c *config.Config, kind windows.Kind, id string) (*windows.Entity, windows.Ladder, error) {
	set, err := NewSet(c)
	if err != nil {
		return nil, nil, err
	}
	client, err := newRedis(&c.Redis)
	if err != nil {
		return nil, nil, err
	}
	defer client.Close()
	key := windows.NewKey(kind, id)
	if origin, destination, ok := strings.Cut(id, detector.LaneArrow); ok && kind == detector.KindLane {
		key = windows.NewKey(kind, origin, destination)
	}
	loaded, err := redisstore.New(client, storeOptions(c, set)).Load(ctx, windows.Source{}, []windows.Key{key})
	if err != nil {
		return nil, nil, err
	}
	entity := loaded[0].Entity
	if entity.Events() == 0 {
		return nil, nil, fmt.Errorf("nothing is counted of the %s %q: ids stand here as alerts name them, people as pseudonyms, and under the "+
			"same resolutions and rules as the service has", kind, id)
	}
	entity.Settle(set.Ladder())
	return entity, set.Ladder(), nil
}
