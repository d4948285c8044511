package pipeline

import (
	"context"
	"crypto/sha256"
	"maps"
	"sync"
	"weak"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// StoredProfiles are Profiles that all workers share through a store. It is safe for concurrent use.
type StoredProfiles struct {
	set   *detector.Set
	store windows.Profiles

	mu sync.Mutex
	// known are the profiles that somebody holds, by their artefacts: the workers of a process share one, as reading it takes a
	// tenth of a second and some MiB.
	known map[[sha256.Size]byte]weak.Pointer[detector.Profile]
}

// NewStoredProfiles gives the profiles of a store.
func NewStoredProfiles(set *detector.Set, store windows.Profiles) *StoredProfiles {
	return &StoredProfiles{set: set, store: store, known: map[[sha256.Size]byte]weak.Pointer[detector.Profile]{}}
}

// Teach implements Profiles.
func (p *StoredProfiles) Teach(ctx context.Context, sums *detector.Sums) error {
	return p.store.Contribute(ctx, sums.Encode())
}

// For implements Profiles.
func (p *StoredProfiles) For(ctx context.Context, day int64) (*detector.Profile, error) {
	artefact, err := p.store.Decide(ctx, day, func(previous []byte, contributions [][]byte) ([]byte, error) {
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
		return p.set.NextProfile(before, day, taught).Encode(), nil
	})
	if err != nil {
		return nil, err
	}
	return p.read(day, artefact)
}

func (p *StoredProfiles) read(day int64, artefact []byte) (*detector.Profile, error) {
	if artefact == nil {
		return p.set.NewProfile(day), nil
	}
	name := sha256.Sum256(artefact)
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.known[name].Value(); known != nil {
		return known, nil
	}
	read, err := p.set.ReadProfile(artefact)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(p.known, func(_ [sha256.Size]byte, k weak.Pointer[detector.Profile]) bool { return k.Value() == nil })
	p.known[name] = weak.Make(read)
	return read, nil
}
