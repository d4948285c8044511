package pipeline

import (
	"fmt"
)

// describe tells what was done, for a trace.
func describe(q *request, c *answer) string {
	switch q.op {
	case opStand:
		lowest, highest, present := extent(c.standing.fences)
		return fmt.Sprintf("%s: log [%d, %d), committed %d, epoch %d, %d fences [%d, %d], probed %v", q.op, c.standing.first, c.standing.end,
			c.standing.committed, c.standing.fences.Source.Epoch, present, lowest.Offset, highest.Offset, c.standing.found)
	case opFetch:
		return fmt.Sprintf("%s from %d: outside %v, %d records to %d", q.op, q.offset, c.outside, len(c.batch.Records), c.batch.Next)
	case opApply:
		text := fmt.Sprintf("%s of %v:", q.op, q.source)
		for i, u := range q.updates {
			if len(u.Deltas) > 0 && i < len(c.results) {
				text += fmt.Sprintf(" %d: %d-%d %v %v,", u.Bucket, u.Expected.Offset, u.New.Offset, c.results[i].Status, c.results[i].Events)
			}
		}
		return fmt.Sprintf("%s %d in all", text, len(q.updates))
	case opBegin:
		return fmt.Sprintf("%s of %v at %d", q.op, q.source, q.fence.Offset)
	case opCommit:
		return fmt.Sprintf("%s of %d", q.op, q.offset)
	case opLoad:
		return fmt.Sprintf("%s of %v", q.op, q.keys)
	}
	return string(q.op)
}
