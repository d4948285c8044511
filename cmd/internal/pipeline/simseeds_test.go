package pipeline

import "testing"

// simSeed is a history that found a bug, or one that finds it when it is made again: seeds mean other histories
// whenever what is drawn changes. Each bug has a test of its own as well.
type simSeed struct {
	seed  uint64
	found string
}

func simSeeds() []simSeed {
	return []simSeed{
		{101, "fences that name no record were taken for ones of a topic made anew: its first records were never counted (TestNewTopicBehindAFenceWithoutRecord)"},
		{572, "the same, of another partition than the first"},
		{413, "a flag's score was that of another entity, which a repeat did not see (TestFlagScore)"},
		{2149, "the committed offset of a deleted topic told that dead letters of the new one were out, as the fences were lost (TestDeadLettersAfterLostState)"},
		{587, "what retention took of a topic made anew was not named as lost (TestNewTopicCutAlready)"},
		{45, "fences lost after a checkpoint and before the first commit were taken for a Begin cut short (TestDecide)"},
		{12745, "a record that had made the code panic was read again, and its recipient, which had passed it, was judged for it (TestPoisonIsBuriedOnce)"},
		{80905, "a record that was named as lost was counted all the same by a worker that had been replaced, and its copy beside it (TestLateUpdateAfterLostState)"},
		{497673, "fences lost after a checkpoint that noted what is lost were taken for a Begin cut short, and a record was not named (TestDecide)"},
	}
}

// TestSimulationSeeds repeats the histories that found a bug.
func TestSimulationSeeds(t *testing.T) {
	for _, s := range simSeeds() {
		for _, f := range simulate(s.seed, 1, simBroken{}, t.Logf).failed {
			t.Errorf("%s\nagain: %s", f.problem, s.found)
		}
	}
}
