package chaos

import (
	"context"
	"fmt"
	"slices"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// verifyCounts compares every entity.
func (r *Run) verifyCounts(ctx context.Context, o *oracle, set *detector.Set) error {
	stored := map[windows.Key]*windows.Entity{}
	for _, kind := range []windows.Kind{detector.KindSender, detector.KindRecipient, detector.KindLane} {
		err := r.store.Scan(ctx, kind, func(e *windows.Entity) error {
			e.Settle(set.Ladder())
			stored[e.Key] = e
			return nil
		})
		if err != nil {
			return err
		}
	}
	c := counts(o, stored, set.Ladder())
	r.result.Lost, r.result.Twice = c.lost+o.cut, c.twice
	if c.lost > 0 {
		r.result.problem("%d events are lost", c.lost)
	}
	if c.twice > 0 {
		r.result.problem("%d events are counted twice", c.twice)
	}
	r.result.Problems = append(r.result.Problems, c.examples...)
	return nil
}

// comparison sums up the differences of all entities, by the kind that is worst.
type comparison struct {
	lost, twice int64
	examples    []string
}

func counts(o *oracle, stored map[windows.Key]*windows.Entity, ladder windows.Ladder) comparison {
	used := map[windows.Kind]windows.Ladder{}
	for key, e := range stored {
		for _, res := range ladder {
			if len(e.Panes(measureItems, res, windows.Sub{})) > 0 && !slices.Contains(used[key.Kind], res) {
				used[key.Kind] = append(used[key.Kind], res)
			}
		}
	}
	const examples = 5
	var c comparison
	lost, twice := map[windows.Kind]int64{}, map[windows.Kind]int64{}
	note := func(key windows.Key, d difference) {
		lost[key.Kind] += d.lost
		twice[key.Kind] += d.twice
		c.lost, c.twice = max(c.lost, lost[key.Kind]), max(c.twice, twice[key.Kind])
		if d.what != "" && len(c.examples) < examples {
			c.examples = append(c.examples, fmt.Sprintf("%s %s: %s", key.Kind, key.ID, d.what))
		}
	}
	for key, times := range o.times {
		note(key, compare(stored[key], times, used[key.Kind]))
	}
	for key, e := range stored {
		if _, known := o.times[key]; !known {
			note(key, difference{twice: e.Events(), what: "was never in the log"})
		}
	}
	return c
}

// verifyNamed compares the number of records that were gone before they could be counted with what the service says.
func (r *Run) verifyNamed() {
	for _, m := range r.members {
		r.result.Named += int64(m.metric("parcelsentry_lost_records_total"))
	}
	if r.result.Named != r.result.cut {
		r.result.problem("the log lost %d records before they were read, the service names %d", r.result.cut, r.result.Named)
	}
}
