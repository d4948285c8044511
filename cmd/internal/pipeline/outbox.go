package pipeline

import "time"

// Outputs leave in two streams, each in order and with one write under way: alerts, which somebody waits for, must not wait for
// flagged shipments, of which there are a hundred times as many.
const (
	alerts = iota
	others // flagged shipments and dead letters
	streams
)

// counts are numbers of outputs, by stream.
type counts [streams]uint64

// outbox is a stream of outputs that are said and not acknowledged.
type outbox struct {
	waiting      []Output
	writing      []Output // under way
	writingBytes int64    // of these
	spare        []Output // room for more
	bytes        int64    // of all that are not acknowledged
	said, acked  uint64
	unheard      time.Time // where said is above acked: since when nothing was acknowledged
}

// writtenAtOnce bounds the outputs of one write, some 20 MB of alerts, so that over a slow line, too, one ends long
// before it is taken for a call that hangs.
const writtenAtOnce = 10_000

// next takes out what is to be written next, nothing while a write is under way.
func (b *outbox) next() []Output {
	if len(b.writing) > 0 || len(b.waiting) == 0 {
		return nil
	}
	n := min(len(b.waiting), writtenAtOnce)
	b.writing = b.waiting[:n:n]
	if n == len(b.waiting) {
		b.waiting, b.spare = b.spare, b.waiting[:0]
	} else {
		b.waiting = b.waiting[n:]
	}
	for i := range b.writing {
		b.writingBytes += b.writing[i].size()
	}
	return b.writing
}

// acknowledge ends the write.
func (b *outbox) acknowledge(now time.Time) {
	b.acked += uint64(len(b.writing))
	b.bytes -= b.writingBytes
	clear(b.writing)
	b.writing, b.writingBytes, b.unheard = nil, 0, now
}

func (w *Worker) say(o Output) {
	b := &w.outboxes[others]
	if o.Alert != nil {
		b = &w.outboxes[alerts]
	}
	if b.said == b.acked {
		b.unheard = w.now
	}
	b.waiting = append(b.waiting, o)
	b.bytes += o.size()
	b.said++
}

func (w *Worker) nextWrite() {
	if all := w.outboxes[alerts].next(); all != nil {
		w.ask(request{op: opAlert, outputs: all})
	}
	if all := w.outboxes[others].next(); all != nil {
		w.ask(request{op: opWrite, outputs: all})
	}
}

// said counts the outputs so far.
func (w *Worker) said() (n counts) {
	for i := range w.outboxes {
		n[i] = w.outboxes[i].said
	}
	return n
}

// acked counts those of them that are acknowledged.
func (w *Worker) acked() (n counts) {
	for i := range w.outboxes {
		n[i] = w.outboxes[i].acked
	}
	return n
}

// heard tells whether the first n outputs are acknowledged.
func (w *Worker) heard(n counts) bool {
	for i := range w.outboxes {
		if w.outboxes[i].acked < n[i] {
			return false
		}
	}
	return true
}

// unacknowledged counts the outputs that wait for an acknowledgement, in bytes too.
func (w *Worker) unacknowledged() (n int, bytes int64) {
	for i := range w.outboxes {
		n += int(w.outboxes[i].said - w.outboxes[i].acked)
		bytes += w.outboxes[i].bytes
	}
	return n, bytes
}

// unheard is for how long the stream that has waited longest has waited for an acknowledgement; 0 if none waits.
func (w *Worker) unheard() (longest time.Duration) {
	for i := range w.outboxes {
		if b := &w.outboxes[i]; b.acked < b.said {
			longest = max(longest, w.now.Sub(b.unheard))
		}
	}
	return longest
}
