package pipeline

import (
	"cmp"
	"flag"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

var (
	histories = flag.Int("histories", 5000, "simulated histories of TestSimulation")
	traced    = flag.Bool("steps", false, "print every step of a history")
	firstSeed = flag.Uint64("seed", 1, "seed of the first history; the seed that a failure names repeats it with -histories 1")
)

// TestSimulation drives workers through random histories: every operation of every worker is a step that a seeded
// scheduler may delay, do in part, do without an answer, or never do, and between any two steps anything of simFaults
// may happen. In the end every count must equal a plain count of the log, and what was said must be what a single
// undisturbed reader would say.
func TestSimulation(t *testing.T) {
	n := *histories
	if testing.Short() {
		n = min(n, 300) // under the race detector a history takes ten times as long
	}
	// Little is alive and much is thrown away.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	result := simulate(*firstSeed, n, simBroken{}, t.Logf)
	t.Log(&result.tally)
	for _, f := range result.failed[:min(len(result.failed), 5)] {
		t.Errorf("%s\nagain: go test ./cmd/internal/pipeline -run 'TestSimulation$' -histories 1 -seed %d -steps", f.problem, f.seed)
	}
	if len(result.failed) > 0 {
		t.Errorf("%d of %d histories wrong", len(result.failed), n)
	}
	for _, cause := range []string{rewindRefused, rewindForeign, rewindPoison, rewindOutOfRange, causeLostState, causeNewTopic} {
		t.Logf("%10.0f rewinds: %s", result.rewinds[cause], cause)
		if result.rewinds[cause] == 0 && n >= 1000 {
			t.Errorf("no history met a rewind by %s: the simulation is too kind", cause)
		}
	}
}

type simResult struct {
	tally   simTally
	rewinds map[string]float64
	failed  []simFailure
}

type simFailure struct {
	seed    uint64
	problem string
}

// simulate plays histories on two goroutines, each from a seed of its own, and tells now and then how far it is.
func simulate(first uint64, n int, broken simBroken, logf func(string, ...any)) simResult {
	var (
		mu       sync.Mutex
		result   = simResult{rewinds: map[string]float64{}}
		wg       sync.WaitGroup
		began    = time.Now()
		lastTold = began
		played   int
	)
	seeds := make(chan uint64)
	for range 2 {
		wg.Go(func() {
			kit := newSimKit(broken)
			kit.trace = *traced
			for seed := range seeds {
				problem := newSimulation(seed, kit).run()
				kit.tally.histories++
				mu.Lock()
				if problem != "" && len(result.failed) < 5 {
					logf("seed %d: %s", seed, problem)
				}
				if problem != "" {
					result.failed = append(result.failed, simFailure{seed, fmt.Sprintf("seed %d: %s", seed, problem)})
				}
				if played++; time.Since(lastTold) > 10*time.Second {
					lastTold = time.Now()
					logf("%d of %d histories, %d wrong, %.0f a second", played, n, len(result.failed), float64(played)/time.Since(began).Seconds())
				}
				mu.Unlock()
			}
			mu.Lock()
			defer mu.Unlock()
			result.tally.add(&kit.tally)
			for _, cause := range []string{rewindRefused, rewindForeign, rewindPoison, rewindOutOfRange, causeLostState, causeNewTopic} {
				result.rewinds[cause] += testutil.ToFloat64(kit.metrics.rewinds.WithLabelValues(cause))
			}
		})
	}
	for i := range n {
		seeds <- first + uint64(i)
	}
	close(seeds)
	wg.Wait()
	slices.SortFunc(result.failed, func(a, b simFailure) int { return cmp.Compare(a.seed, b.seed) })
	return result
}
