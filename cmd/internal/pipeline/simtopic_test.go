package pipeline

import (
	"sort"
	"time"
)

// simLog is one partition of the simulated topic as it is at present.
type simLog struct {
	partition, incarnation int

	records  []Record // all that will ever be in it, ascending by offset
	deeds    []int    // what they stand for, by number
	born     []int    // in which incarnation of the topic they were written
	dead     []string // why they can only become dead letters, "" if they need not
	produced int      // so many are written
	cut      int      // so many of these are gone by retention
	first    int64    // offset of the first record that the log may hold
	begun    int64    // first, when somebody last found neither fences nor a committed offset: nobody misses what was before
}

// end is the offset after the last record written.
func (l *simLog) end() int64 {
	if l.produced == 0 {
		return l.first
	}
	return l.records[l.produced-1].Offset + 1
}

// from is the index of the first record held at an offset or after it.
func (l *simLog) from(offset int64) int {
	return max(l.cut, sort.Search(l.produced, func(i int) bool { return l.records[i].Offset >= offset }))
}

// holds gives the index of the record at an offset; false if the log holds none there.
func (l *simLog) holds(offset int64) (int, bool) {
	i := l.from(offset)
	return i, i < l.produced && l.records[i].Offset == offset
}

// recordTime is what a broker says of the record at an offset.
func (l *simLog) recordTime(offset int64) (time.Time, bool) {
	i, ok := l.holds(offset)
	if !ok {
		return time.Time{}, false
	}
	return l.records[i].Time, true
}

// fetch gives at most so many records from an offset on, and perhaps some before it, as of a compressed batch.
func (l *simLog) fetch(offset int64, before, most int) (b Batch, outside bool) {
	if offset < l.first || offset > l.end() {
		return Batch{}, true
	}
	b = Batch{Next: offset, End: l.end()}
	i := l.from(offset)
	to := min(i+most, l.produced)
	if i == to {
		return b, false
	}
	b.Records = l.records[max(l.cut, i-before):to:to]
	b.Next = l.records[to-1].Offset + 1
	return b, false
}

// produce writes some more records.
func (l *simLog) produce(n int) { l.produced = min(l.produced+n, len(l.records)) }

// retain cuts so many of the oldest records and gives what they stood for.
func (l *simLog) retain(n int) (gone []goneRecord) {
	for ; n > 0 && l.cut < l.produced; n-- {
		gone = append(gone, l.gone(l.cut))
		l.first = l.records[l.cut].Offset + 1
		l.cut++
	}
	return gone
}

// goneRecord is a record that the log does not hold any more.
type goneRecord struct {
	placed
	dead      string
	retention bool // cut by retention, not deleted with its topic
}

func (l *simLog) gone(i int) goneRecord { return goneRecord{l.placed(i), l.dead[i], true} }

func (l *simLog) placed(i int) placed {
	return placed{l.born[i], l.partition, l.records[i].Offset, l.deeds[i]}
}
