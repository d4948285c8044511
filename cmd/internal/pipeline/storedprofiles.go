package pipeline

import (
	"context"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// StoredProfiles are Profiles that all workers share through a store. It is safe for concurrent use.
type StoredProfiles struct {
	Set   *detector.Set
	Store windows.Profiles
}

// Teach implements Profiles.
func (p StoredProfiles) Teach(ctx context.Context, sums *detector.Sums) error {
	return p.Store.Contribute(ctx, sums.Encode())
}

// For implements Profiles.
func (p StoredProfiles) For(ctx context.Context, day int64) (*detector.Profile, error) {
	artefact, err := p.Store.Decide(ctx, day, func(previous []byte, contributions [][]byte) ([]byte, error) {
		before, err := p.read(day, previous)
		if err != nil {
			return nil, err
		}
		taught := detector.NewSums()
		for _, c := range contributions {
			sums, err := detector.ReadSums(c)
			if err != nil {
				return nil, err
			}
			taught.Add(sums, 1)
		}
		return p.Set.NextProfile(before, day, taught).Encode(), nil
	})
	if err != nil {
		return nil, err
	}
	return p.read(day, artefact)
}

func (p StoredProfiles) read(day int64, artefact []byte) (*detector.Profile, error) {
	if artefact == nil {
		return p.Set.NewProfile(day), nil
	}
	return p.Set.ReadProfile(artefact)
}
