package pipeline

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// lostSoFar is what the workers of a kit have named as lost.
func (k *simKit) lostSoFar() float64 { return testutil.ToFloat64(k.metrics.lost) }

// compareLost holds the number of records named as lost against those that are cut from the log and missing in some
// bucket, or that should be dead letters and are none. Never fewer are named. More may be: offsets without a record,
// quiet buckets that are one checkpoint behind, and, after lost state, all that was cut. Where nothing is cut, nothing
// is lost.
func (s *simulation) compareLost() string {
	named, missing, cut := s.kit.lostSoFar()-s.lostBefore, 0, s.incarnations > 0
	for _, l := range s.logs {
		cut = cut || l.first > 0
		for i := range l.cut {
			if l.records[i].Offset >= l.begun && s.missing(l, i) {
				missing++
			}
		}
	}
	switch {
	case named < float64(missing):
		return fmt.Sprintf("%d records are cut and missing, %.0f are named as lost", missing, named)
	case named > 0 && !cut:
		return fmt.Sprintf("%.0f records are named as lost, and the log has all there ever were", named)
	}
	return ""
}

// missing tells that a record which was cut is in no count, or not in all, or is no dead letter.
func (s *simulation) missing(l *simLog, i int) bool {
	c := l.placed(i)
	d := &s.writer.deeds[c.deed]
	switch {
	case l.dead[i] != "":
		return s.said[letterOf(c)] == nil
	case s.kind == simKeyed && s.repeated(c):
		return false
	}
	for _, b := range d.at {
		if !s.store.ledger.holds(b, c) {
			return true
		}
	}
	return false
}

// repeated tells that some other record holds the same event, so that this one may count nothing.
func (s *simulation) repeated(c placed) bool { return s.writer.repeated[c.deed] }
