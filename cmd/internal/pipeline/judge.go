package pipeline

import (
	"fmt"
	"time"

	"github.com/parcelsentry/parcelsentry/detector"
)

// verdict is what comes of a record of the slice in hand, as far as its entities say it.
type verdict struct {
	conclusion detector.Conclusion
	profile    *detector.Profile
	since      time.Time             // when the sender was first seen
	again      []detector.Conclusion // of entities that had counted the event before
	panicked   string                // how, if the code did
}

// foreseen is how many of the records come before the first whose day's profile is not known.
func (w *Worker) foreseen(items []item) int {
	for i := range items {
		if items[i].claims > 0 && w.inForce(items[i].event) == nil {
			return i
		}
	}
	return len(items)
}

// judge has the records of a slice counted and judged, by profiles that are known. Entities come kind by kind, as the others look at
// when the sender was first seen, and hold back where it spoke.
func (w *Worker) judge(items []item) {
	if len(w.verdicts) < len(items) {
		w.verdicts = append(w.verdicts, make([]verdict, len(items)-len(w.verdicts))...)
	}
	for i := range items {
		v := &w.verdicts[i]
		v.since, v.panicked = time.Time{}, ""
		clear(v.again)
		v.again = v.again[:0]
		if items[i].claims > 0 {
			v.profile = w.inForce(items[i].event)
			w.options.Set.Begin(&v.conclusion, items[i].event)
		}
	}
	from := w.work.done
	for kind := range kinds {
		w.each(func(s *shard) {
			c := &s.claims[kind]
			begin := c.done
			for c.done < len(c.all) && c.all[c.done].item < from+len(items) {
				if (c.done-begin)%ahead == 0 {
					w.warm(s, c.all[c.done:min(c.done+ahead, len(c.all))])
				}
				one := &c.all[c.done]
				w.countOne(s, one, &items[one.item-from], &w.verdicts[one.item-from])
				c.done++
			}
		})
	}
}

// ahead is how many entities are read before the first of them counts: more reads than the processor can have under way at once,
// few enough to be in its cache still when their turn comes.
const ahead = 16

// warm makes the processor fetch what counting for these will need.
func (w *Worker) warm(s *shard, some []claim) {
	for i := range some {
		s.warmed += w.options.Set.Warm(some[i].entry.subject)
	}
}

// countOne lets the entity of a claim count the record's event and judge it.
func (w *Worker) countOne(s *shard, c *claim, it *item, v *verdict) {
	if v.panicked != "" {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			v.panicked = fmt.Sprint(p)
		}
	}()
	w.inHand.Store(it.record.Offset + 1)
	e := c.entry
	entity := e.subject.Entity
	sender := entity.Key.Kind == detector.KindSender
	if sender {
		v.since = entity.First().Time
	}
	switch c.is {
	case toCount:
		w.options.Set.ObserveOne(&v.conclusion, it.event, e.subject, v.since, v.profile, s.gathered)
		if sender {
			v.since = entity.First().Time
		}
		if events := entity.Events(); events > e.stored {
			e.stored = events
			if !w.options.Alone {
				w.doubt(s, it, e)
			}
		}
	case toRecheck:
		// The life that counted it may have ended after its counts were stored and before they were looked at beside those of
		// other partitions.
		v.again = append(v.again, w.options.Set.Recheck(it.event, e.subject, v.profile))
	case toLookAt:
		return
	}
	e.subject.Release()
	s.queue(e)
}
