package windowstest

import (
	"fmt"
	"testing"

	"github.com/parcelsentry/parcelsentry/windows"
)

// Run is the contract of windows.Store. open gives a store over an empty name space of its own and cleans up after
// the test; it is called for every part of the suite.
func Run(t *testing.T, open func(*testing.T) windows.Store) {
	t.Helper()
	for _, part := range []struct {
		name string
		run  func(*testing.T, *bench)
	}{
		{"nothing is there at first", nothing},
		{"begin fills gaps only", beginFillsGaps},
		{"begin ends with bucket 0", beginEndsWithBucket0},
		{"the highest epoch wins", epochs},
		{"sources don't mix", sourcesDontMix},
		{"a missing fence is refused", missingFence},
		{"a fence that is not as expected is refused", unexpectedFence},
		{"a repeat is not counted twice", repeat},
		{"a zombie changes nothing", zombie},
		{"a fence of another writer is refused", otherWriter},
		{"each update stands alone", eachAlone},
		{"a checkpoint moves the fence only", checkpoint},
		{"no store takes these updates", invalid},
		{"load tells the fence of the asking source", loadFence},
		{"counts add up", counts},
		{"large counts add up exactly", largeCounts},
		{"drop beats what is held and added", drop},
		{"members keep the later time", members},
		{"forgotten, then seen earlier", forgottenThenSeen},
		{"the earliest event is first in any order", first},
		{"a note is set, replaced, removed", note},
		{"events total over sources", eventsTotal},
		{"what is loaded is a copy", copies},
		{"every part of a delta at once", everything},
		{"unusual ids", ids},
		{"many entities and fields at once", many},
		{"deltas of several partitions commute", commute},
		{"a packed entity stands for the version that it was made for", versions},
		{"an entity that has lost events takes no delta of what it was", lostEvents},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, newBench(open(t))) })
	}
	t.Run("cut between every two updates", func(t *testing.T) { crashes(t, open) })
	seeds := 6
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("storm %d", seed), func(t *testing.T) { Storm(t, open(t), uint64(seed), nil) })
	}
}
