package pipeline

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// SeedPrefix begins the names of sources that are files and no topics: no topic's name may have a colon.
const SeedPrefix = "seed:"

// cutTopic names the source whose fence is the cut: the event time, in Unix milliseconds, before which a bucket was
// filled from files. It stands beside the bucket's other fences. A bucket that is lost loses it with the counts, and
// then counts everything that the topic still holds.
const cutTopic = SeedPrefix + "until"

// IsSeed tells that a source is of files, or the cut.
func IsSeed(s windows.Source) bool { return strings.HasPrefix(s.Topic, SeedPrefix) }

// IsCut tells that a source is the cut.
func IsCut(s windows.Source) bool { return s.Topic == cutTopic }

// SetCut notes in every bucket of a store that what happened before an instant is counted there from files, so that
// workers which read a topic skip it. It can be set once; another cut than the one that is there is an error.
func SetCut(ctx context.Context, store windows.Store, at time.Time) error {
	if err := checkCut(ctx, store, at); err != nil {
		return err
	}
	source := windows.Source{Topic: cutTopic}
	if err := store.Begin(ctx, source, windows.Fence{Offset: at.UnixMilli()}); err != nil {
		return err
	}
	return checkCut(ctx, store, at) // somebody else may have set another meanwhile
}

func checkCut(ctx context.Context, store windows.Store, at time.Time) error {
	cuts, err := store.Fences(ctx, cutTopic, 0)
	if err != nil {
		return err
	}
	for b, cut := range cuts.At {
		if cuts.Present[b] && cut.Offset != at.UnixMilli() {
			return fmt.Errorf("it was seeded until %s already, and can't be until %s",
				time.UnixMilli(cut.Offset).UTC().Format(timeFormat), at.UTC().Format(timeFormat))
		}
	}
	return nil
}

// seeded tells that a bucket holds the event from a file.
func (w *Worker) seeded(bucket int, e *detector.Event) bool {
	return w.options.Until.IsZero() && w.cuts != nil && w.cuts.Present[bucket] && e.Time.UnixMilli() < w.cuts.At[bucket].Offset
}
