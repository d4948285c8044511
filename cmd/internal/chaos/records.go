package chaos

import "time"

// recordScenarios are about what the log holds, and what it holds no more.
var recordScenarios = []Scenario{
	{
		Name: "poison", Story: "records that make the code panic, when decoded or when judged", Short: true,
		setup: setup{wrongs: wrongs{poison: 600}},
		play:  func(r *Run) error { return r.pourWrong(poison) },
	},
	{
		Name: "clocks", Story: "producers whose clocks are years ahead",
		setup: setup{wrongs: wrongs{future: 7}},
		play:  func(r *Run) error { return r.pourWrong(future) },
	},
	{
		Name: "beyond-the-log", Story: "FLUSHALL when the log does not hold any more what was counted: lost, and named",
		setup: setup{forgets: true, saysMore: true},
		play:  playBeyondTheLog,
	},
}

// pourWrong writes the log; its records of a fate are the faults.
func (r *Run) pourWrong(fate string) error {
	err := r.pour(usualPour).wait()
	n := 0
	for i := range r.written {
		if r.written[i].fate == fate {
			n++
		}
	}
	r.faultsWere(n)
	return err
}

// playBeyondTheLog lets the service count a part of the log, cuts some of that from each partition, and takes Redis' state.
func playBeyondTheLog(r *Run) error {
	if err := r.write(r.some(5000), 3*time.Second); err != nil {
		return err
	}
	if err := r.awaitCounted(r.ctx); err != nil {
		return err
	}
	end := r.ends()
	before := map[int32]int64{}
	for p := range int32(r.partitions) {
		before[p] = r.random.Int64N(end[p] + 1)
	}
	if err := r.kafka.Cut(r.ctx, r.input().Name, before); err != nil {
		return err
	}
	cut := 0
	for i := range r.written {
		if w := &r.written[i]; w.offset < before[w.partition] {
			w.fate = gone
			cut++
		}
	}
	if err := r.servers[0].Client.FlushAll(r.ctx).Err(); err != nil {
		return err
	}
	r.fault("FLUSHALL, and %d records are not in the log any more", cut)
	return r.pour(usualPour / 2).wait()
}
