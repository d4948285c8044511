package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/parcelsentry/parcelsentry/config"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/redisstore"
)

// Profiles are the recorded population profiles in the Redis that a configuration names.
type Profiles struct {
	set    *detector.Set
	client redis.UniversalClient
	layout string
	store  windows.Profiles
}

// OpenProfiles connects when it is first used. The caller closes it.
func OpenProfiles(c *config.Config) (*Profiles, error) {
	set, err := NewSet(c)
	if err != nil {
		return nil, err
	}
	client, err := newRedis(&c.Redis)
	if err != nil {
		return nil, err
	}
	layout := redisstore.Layout(set.Layout()...)
	return &Profiles{set: set, client: client, layout: layout, store: redisstore.NewProfiles(client, layout)}, nil
}

// Close ends the connections.
func (p *Profiles) Close() error { return p.client.Close() }

// Recorded gives the profile of every day that has one, ascending.
func (p *Profiles) Recorded(ctx context.Context) ([]windows.DayProfile, error) {
	return p.store.Recorded(ctx)
}

// importBytes is about what is put into Redis in one step: enough to be quick, little enough not to hold up a service.
const importBytes = 8 << 20

// Import puts profiles in for the days that have none; all of them must be ones that this program reads. A day that has
// another profile ends it with an error that says what to do. What was put in by then may be put in again.
func (p *Profiles) Import(ctx context.Context, all []windows.DayProfile) error {
	for _, d := range all {
		if d.Artefact == nil {
			continue
		}
		if _, err := p.set.ReadProfile(d.Artefact); err != nil {
			return fmt.Errorf("%s: %w", d.Date(), err)
		}
	}
	for len(all) > 0 {
		n, size := 0, 0
		for n < len(all) && (n == 0 || size+len(all[n].Artefact) <= importBytes) {
			size += len(all[n].Artefact)
			n++
		}
		if err := p.store.Record(ctx, all[:n]); err != nil {
			return p.explain(err)
		}
		all = all[n:]
	}
	return nil
}

func (p *Profiles) explain(err error) error {
	var decided *windows.DecidedError
	if !errors.As(err, &decided) {
		return err
	}
	return fmt.Errorf("%s has another profile in Redis already, and alerts may name it: import before the service judges "+
		"its first event, or make it forget what it learned by deleting the keys ps:%s:profile:{profile}:*",
		windows.DayProfile{Day: decided.Day}.Date(), p.layout)
}
