package pipeline

import (
	"slices"
	"testing"

	"github.com/parcelsentry/parcelsentry/windows"
)

// simBroken is a protection that is taken out, to see that histories notice.
type simBroken struct {
	name string
	// from is the seed from which on histories are played: one of the next 25 notices. 0 is 1.
	from uint64
	// unfenced: the store takes everything.
	unfenced bool
	// answer spoils an answer before the worker gets it, worker the worker after each step.
	answer func(*Worker, *completion)
	worker func(*Worker)
}

// simBrokenAll takes out one protection each.
func simBrokenAll() []simBroken {
	return []simBroken{
		{name: "Apply does not look at the fence", unfenced: true},
		{name: "loads are not held against the fence", from: 951, answer: believeLoads},
		{name: "the position is the committed offset", from: 126, worker: fromCommitted},
		{name: "the position is the lowest fence, gone ones apart", from: 126, answer: overlookGaps},
		{name: "a refused update is taken for applied", from: 76, answer: ignoreRefusals},
		{name: "commits do not wait for applied updates", worker: commitProcessed},
		{name: "updates do not wait for alerts", from: 5226, worker: func(w *Worker) { applyUnsaid(w, alerts) }},
		{name: "updates do not wait for flags and dead letters", worker: func(w *Worker) { applyUnsaid(w, others) }},
		{name: "another topic is not recognised", answer: sameTopic},
		{name: "nobody looks again at what others count too", from: 11201, answer: hideOthers},
		{name: "dead letters are out as far as the committed offset says", from: 4826, worker: trustCommitted},
		{name: "where a resubmitted record stood first is not read", answer: dropHeaders},
	}
}

func believeLoads(w *Worker, c *completion) {
	for i := range c.loaded {
		l := &c.loaded[i]
		l.Present, l.Fence = true, w.expected[l.Entity.Key.Bucket()]
	}
}

// fromCommitted begins at the committed offset as soon as the worker has one.
func fromCommitted(w *Worker) {
	if w.phase == phaseRunning && w.fetch.next < w.told && w.processed.Offset == w.fetch.next-1 {
		w.fetch.next, w.processed.Offset = w.told, w.told-1
	}
}

// overlookGaps has buckets without a fence stand where the others do.
func overlookGaps(_ *Worker, c *completion) {
	if c.op != opStand {
		return
	}
	_, highest, present := extent(c.standing.fences)
	for b := range c.standing.fences.Present {
		if present > 0 && !c.standing.fences.Present[b] {
			c.standing.fences.At[b], c.standing.fences.Present[b] = highest, true
		}
	}
}

func ignoreRefusals(w *Worker, c *completion) {
	for i := range c.results {
		if r := &c.results[i]; r.Status == windows.Refused && w.flight != nil && i < len(w.flight.updates) {
			r.Status, r.Events = windows.Already, make([]int64, len(w.flight.updates[i].Deltas))
		}
	}
}

// commitProcessed asks for a commit of all that is read, applied or not.
func commitProcessed(w *Worker) {
	if w.phase == phaseRunning && w.applied.Offset < w.processed.Offset && !w.committing {
		w.committing, w.committed = true, w.processed.Offset+1
		w.ask(request{op: opCommit, offset: w.committed})
	}
}

func applyUnsaid(w *Worker, stream int) {
	if w.flight != nil {
		w.flight.barrier[stream] = 0
	}
	w.commitAfter[stream] = 0
}

func sameTopic(_ *Worker, c *completion) {
	if c.op == opStand {
		c.standing.found = false
		_, highest, _ := extent(c.standing.fences)
		c.standing.end = max(c.standing.end, highest.Offset+1)
	}
}

func dropHeaders(_ *Worker, c *completion) {
	c.batch.Records = slices.Clone(c.batch.Records)
	for i := range c.batch.Records {
		c.batch.Records[i].Headers = nil
	}
}

func trustCommitted(w *Worker) { w.told = max(w.told, w.committed) }

// hideOthers has totals look as if nobody else counted the same entities.
func hideOthers(w *Worker, c *completion) {
	if w.flight == nil || len(c.results) != len(w.flight.updates) {
		return
	}
	w.aboard(func(_ *shard, e *entry, update, delta int) {
		if events := c.results[update].Events; delta < len(events) {
			events[delta] = e.stored - w.uncounted(e)
		}
	})
}

// TestSimulationNeeds shows that the simulation can fail: with any one protection taken out, histories notice.
func TestSimulationNeeds(t *testing.T) {
	for _, broken := range simBrokenAll() {
		t.Run(broken.name, func(t *testing.T) {
			const portion, most = 25, 4000
			from := max(broken.from, 1)
			for first := from; first < from+most; first += portion {
				result := simulate(first, portion, broken, func(string, ...any) {})
				if len(result.failed) > 0 {
					t.Logf("%d of histories %d to %d are wrong; the first: %.300s", len(result.failed), first, first+portion-1, result.failed[0].problem)
					return
				}
			}
			t.Errorf("%d histories did not notice", most)
		})
	}
}
