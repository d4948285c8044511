package pipeline

import "strconv"

const (
	// stepEvaluate is what a worker is doing between the completions of its requests: counting, judging.
	stepEvaluate = "evaluate"
	// stepDecode is what comes after a fetch, beside that.
	stepDecode = "decode"
)

// Unwatched is an Activity that nobody is told of.
type Unwatched struct{}

// Begin implements Activity.
func (Unwatched) Begin(string) {}

// End implements Activity.
func (Unwatched) End(string) {}

// Failed implements Activity.
func (Unwatched) Failed(string, error) {}

// Moved implements Activity.
func (Unwatched) Moved(bool) {}

// mark is where a worker stands: one that works comes to another mark sooner or later.
type mark struct {
	session                              int
	phase                                phase
	fetched, processed, applied, commits int64
	acked                                counts
}

func (w *Worker) mark() mark {
	return mark{w.session, w.phase, w.fetch.next, w.processed.Offset, w.applied.Offset, w.committed, w.acked()}
}

// left tells whether there is work that should go on by itself: not of records that may come, but of those that are here.
func (w *Worker) left() bool {
	switch w.phase {
	case phaseStanding, phaseStopping:
		return true
	case phaseRunning:
		return w.fetch.ready != nil || w.work != nil || w.processed.Offset > w.applied.Offset || w.flight != nil ||
			w.acked() != w.said() || len(w.foreign) > 0 || w.applied.Offset >= w.committed
	}
	return false
}

// rested tells that the worker is between two steps.
func (r *runner) rested() {
	r.io.Activity.End(stepEvaluate)
	switch m := r.worker.mark(); {
	case !r.worker.left():
		r.io.Activity.Moved(false)
	case m != r.mark:
		r.io.Activity.Moved(true)
		r.mark = m
	}
}

// Where names the record that the worker has in hand, "" before the first. Any goroutine may ask.
func (w *Worker) Where() string {
	offset := w.decoding.Load()
	if offset == 0 {
		offset = w.inHand.Load()
	}
	if offset > 0 {
		return "record " + strconv.FormatInt(offset-1, 10)
	}
	return ""
}
