package pipeline

import (
	"math/rand/v2"
)

// simFault is something that may befall the system at any step.
type simFault struct {
	name   string
	chance float64 // of a step, in a history that knows this fault
	// happen does it to a partition; false if there is nothing to do it to.
	happen func(s *simulation, partition int) bool
}

// simFaults are all faults but those of a single request, which simMood has.
func simFaults() []simFault {
	return []simFault{
		{"worker killed", .01, (*simulation).kill},
		{"worker replaced while it goes on", .015, (*simulation).replace},
		{"worker stopped in order", .01, (*simulation).stop},
		{"member left, partitions given back", .005, (*simulation).rebalance},
		{"snapshot", .012, (*simulation).snapshot},
		{"shard fell back to a snapshot", .008, (*simulation).fallBack},
		{"buckets lost", .004, (*simulation).loseBuckets},
		{"all state lost", .004, (*simulation).loseAll},
		{"retention", .01, (*simulation).retain},
		{"topic made anew", .004, (*simulation).recreate},
		{"log cut back", .003, (*simulation).cutBack},
		{"partition added", .003, (*simulation).addPartition},
		{"committed offsets forgotten", .004, (*simulation).forgetOffsets},
	}
}

// simMood is how often what goes wrong in a history.
type simMood struct {
	fails, part, unanswered, commitLost float64 // of a request carried out
	faults                              []simFault
}

// newSimMood leaves each fault out of half of the histories, so that the others are seen undisturbed by it and longer
// at work.
func newSimMood(r *rand.Rand) simMood {
	some := func(most float64) float64 {
		if r.IntN(2) == 0 {
			return 0
		}
		return most * r.Float64()
	}
	m := simMood{fails: some(.1), part: some(.5), unanswered: some(.3), commitLost: some(.3)}
	for _, f := range simFaults() {
		if f.chance *= some(2); f.chance > 0 {
			m.faults = append(m.faults, f)
		}
	}
	return m
}

// draw gives the fault of this step, nil for none.
func (m *simMood) draw(r *rand.Rand) *simFault {
	x := r.Float64()
	for i := range m.faults {
		if x -= m.faults[i].chance; x < 0 {
			return &m.faults[i]
		}
	}
	return nil
}
