package detector

import "github.com/parcelsentry/parcelsentry/windows"

// Warm reads where an event of the subject will be counted and changes nothing. Entities lie anywhere in memory, and the
// processor waits for each place that it has not seen for long; whoever reads those of some events at once, before the
// first is counted, waits for about as long as for one. The number that it gives means nothing.
func (s *Set) Warm(subject *Subject) int64 {
	entity := subject.Entity
	seen, _ := entity.Seen(windows.Sub{})
	n := int64(seen.Nanosecond())
	if counts := s.counted(entity.Key.Kind); len(counts) > 0 {
		newest, _ := entity.Newest(counts[0].Resolution)
		n += newest
		if panes := entity.Panes(counts[0].Measure, counts[0].Resolution, windows.Sub{}); len(panes) > 0 {
			n += panes[len(panes)-1].N
		}
	}
	return n
}
