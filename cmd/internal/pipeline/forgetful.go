package pipeline

import (
	"context"
	"slices"

	"github.com/parcelsentry/parcelsentry/windows"
)

// Forgetful is a store that keeps no incidents: for a seed, of which nobody is told.
type Forgetful struct{ windows.Store }

// Apply implements windows.Store.
func (s Forgetful) Apply(ctx context.Context, source windows.Source, updates []windows.Update) ([]windows.Result, error) {
	updates = slices.Clone(updates)
	for i := range updates {
		updates[i].Deltas = slices.Clone(updates[i].Deltas)
		for j := range updates[i].Deltas {
			if d := &updates[i].Deltas[j]; d.SetNote {
				d.SetNote, d.Packed = false, nil // which has the note
			}
		}
	}
	return s.Store.Apply(ctx, source, updates)
}
