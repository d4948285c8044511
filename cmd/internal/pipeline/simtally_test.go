package pipeline

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// simTally counts what histories had.
type simTally struct {
	histories, steps int
	faults           map[string]int
}

func (t *simTally) count(fault string) {
	if t.faults == nil {
		t.faults = map[string]int{}
	}
	t.faults[fault]++
}

func (t *simTally) add(o *simTally) {
	t.histories += o.histories
	t.steps += o.steps
	for fault, n := range o.faults {
		t.count(fault)
		t.faults[fault] += n - 1
	}
}

func (t *simTally) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d histories, %d operations", t.histories, t.steps)
	for _, fault := range slices.Sorted(maps.Keys(t.faults)) {
		fmt.Fprintf(&b, "\n%10d %s", t.faults[fault], fault)
	}
	return b.String()
}
