package pipeline

import (
	"slices"
	"time"

	"github.com/parcelsentry/parcelsentry/detector"
)

// maxProfiles bounds the days whose profiles are in memory: events are mostly of one or two.
const maxProfiles = 64

// inForce is the profile in force on the event's day, nil if it must be asked for first.
func (w *Worker) inForce(e *detector.Event) *detector.Profile {
	day := detector.Day(e.Time)
	if w.today.profile == nil || w.today.day != day {
		p := w.profiles[day]
		if p == nil {
			return nil
		}
		w.today.day, w.today.profile = day, p
	}
	return w.today.profile
}

// askProfile asks for the profile of the event's day.
func (w *Worker) askProfile(e *detector.Event) {
	if !w.profiling {
		w.teach(request{op: opProfile, day: detector.Day(e.Time)})
	}
}

// profileAge tells how old the profile is that the event was judged by, if it was. One wrong clock that decides a day
// far ahead stops all profiles before it: this shows it.
func (w *Worker) profileAge(e *detector.Event) {
	if p := w.profiles[detector.Day(e.Time)]; p != nil {
		w.metrics.profileAge.Set(e.Time.Sub(time.Unix(p.Day*24*60*60, 0)).Seconds())
	}
}

// teach hands over what was gathered.
func (w *Worker) teach(r request) {
	w.profiling, w.lastTaught = true, w.now
	r.sums = w.gathered()
	w.ask(r)
}

// gathered takes what the events taught since the last call.
func (w *Worker) gathered() *detector.Sums {
	sums := w.shards[0].gathered
	for _, s := range w.shards[1:] {
		sums.Add(s.gathered, 1)
	}
	for _, s := range w.shards {
		s.gathered = detector.NewSums()
	}
	return sums
}

func (w *Worker) profiled(day int64, p *detector.Profile) {
	w.profiling = false
	if p == nil {
		return
	}
	if len(w.profiles) >= maxProfiles {
		clear(w.profiles)
	}
	w.profiles[day] = p
}

// nextTeach stores what the events taught now and then, and at the end: a crash may lose it, as it need not be exact.
func (w *Worker) nextTeach() {
	if w.profiling || !slices.ContainsFunc(w.shards, func(s *shard) bool { return !s.gathered.IsEmpty() }) {
		return
	}
	every := w.options.Limits.CheckpointInterval
	if w.phase == phaseStopping || every > 0 && w.now.Sub(w.lastTaught) >= every {
		w.teach(request{op: opProfile, known: true})
	}
}
