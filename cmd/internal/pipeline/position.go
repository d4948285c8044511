package pipeline

import (
	"slices"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// standing is what is known of a partition when it is assigned.
type standing struct {
	fences *windows.Fences
	// cuts is what SetCut noted, nil for nothing.
	cuts *windows.Fences
	// buried are the dead letters among the records to come.
	buried buried
	// first and end bound the log: [first, end).
	first, end int64
	// committed is the group's offset, windows.NoOffset for none.
	committed int64
	// probed is the timestamp of the record at the highest fence, if the log holds one there.
	probed time.Time
	found  bool
}

// offsets are those from the first on, up to the second, which is not among them.
type offsets struct{ from, to int64 }

// without is how many of the offsets are not among others.
func (o offsets) without(others offsets) int64 {
	return o.to - o.from - max(0, min(o.to, others.to)-max(o.from, others.from))
}

// Causes of where a worker starts.
const (
	causeFirst     = "first"      // never read before
	causeResume    = "resume"     // everything is where it should be
	causeLostState = "lost_state" // fences are gone
	causeNewTopic  = "new_topic"  // the topic was deleted and created anew
)

// start is where a worker begins to read, and why.
type start struct {
	source   windows.Source
	position int64
	// begin is the fence for buckets that have none, nil when all have one.
	begin *windows.Fence
	cause string
	// lost is the number of offsets that no log holds any more and that some bucket has not counted, as far as its fence
	// tells: a quiet bucket's may be one checkpoint behind after a crash. Of a bucket without a fence it is all of them.
	lost int64
}

// decide works out the position: the lowest fence or the committed offset, whichever is lower. Starting too early is
// always right, since a bucket does not count again what it holds.
func decide(s standing, atEnd bool) start {
	d := start{source: s.fences.Source, cause: causeResume}
	lowest, highest, present := extent(s.fences)
	switch {
	case present == 0 && s.committed < 0:
		d.cause, d.position = causeFirst, s.first
		if atEnd {
			d.position = s.end
		}
		d.begin = &windows.Fence{Offset: d.position - 1}
		return d
	case present == 0:
		d.cause, d.position = causeLostState, s.first
		d.begin = &windows.Fence{Offset: s.first - 1}
		if !seededEverywhere(s.cuts) {
			d.lost = s.first
		}
		return d
	case otherTopic(s, highest, atEnd):
		d.cause, d.position = causeNewTopic, s.first
		d.source.Epoch++
		d.begin = &windows.Fence{Offset: s.first - 1}
		d.lost = s.first // it began at 0
		return d
	case s.committed < 0 && lowest.Offset == highest.Offset && beginCutShort(s.fences):
		// The fences that are there say where it began.
		d.cause = causeFirst
		d.begin = &windows.Fence{Offset: lowest.Offset}
	case present < windows.Buckets:
		d.cause = causeLostState
		d.begin = &windows.Fence{Offset: s.first - 1}
		lowest.Offset = min(lowest.Offset, s.first-1)
	}
	d.position = lowest.Offset + 1
	d.lost = max(0, s.first-d.position)
	if d.cause == causeLostState && !seededEverywhere(s.cuts) {
		d.lost = s.first
	}
	if s.committed >= 0 {
		d.position = min(d.position, s.committed)
	}
	d.position = max(d.position, s.first)
	return d
}

// extent gives the lowest and the highest fence and how many buckets have one; without any both stand before every
// record.
func extent(f *windows.Fences) (lowest, highest windows.Fence, present int) {
	lowest.Offset, highest.Offset = windows.NoOffset, windows.NoOffset
	for b, fence := range f.At {
		if !f.Present[b] {
			continue
		}
		if present == 0 || fence.Offset < lowest.Offset {
			lowest = fence
		}
		if present == 0 || fence.Offset > highest.Offset {
			highest = fence
		}
		present++
	}
	return lowest, highest, present
}

// seededEverywhere tells that all buckets have what is before the log from files.
func seededEverywhere(cuts *windows.Fences) bool {
	return cuts != nil && !slices.Contains(cuts.Present[:], false)
}

// beginCutShort tells that the missing fences were never written, if those that are there are all the same: Begin writes bucket 0
// last, and no update has moved any of them, not even one that notes what is lost.
func beginCutShort(f *windows.Fences) bool {
	for b, fence := range f.At {
		if f.Present[b] && !fence.Begun {
			return false
		}
	}
	return !f.Present[0]
}

// otherTopic recognises a topic that was deleted and created anew: its log ends before the highest fence, or holds
// another record there. A record that was cut since proves nothing. A fence without a time was written where the log
// held no record, but at the end, where a partition that was never read may start: it names none of those before it.
func otherTopic(s standing, highest windows.Fence, atEnd bool) bool {
	switch {
	case highest.Offset >= s.end && highest.Offset >= 0:
		return true
	case !s.found || atEnd && highest.Time.IsZero():
		return false
	}
	return !s.probed.Equal(highest.Time)
}
