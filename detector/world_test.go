package detector

import (
	"github.com/parcelsentry/parcelsentry/windows"
)

// world keeps every entity in memory, and a profile that each new day makes of what the days before taught.
type world struct {
	set      *Set
	subjects map[windows.Key]*Subject
	profile  *Profile
	sums     *Sums
}

func newWorld(set *Set) *world {
	return &world{set: set, subjects: map[windows.Key]*Subject{}, sums: NewSums()}
}

// observe counts and judges an event; events of past days are judged by the newest profile.
func (w *world) observe(e *Event) Conclusion {
	switch day := Day(e.Time); {
	case w.profile == nil:
		w.profile = w.set.NewProfile(day)
	case day > w.profile.Day:
		w.profile = w.set.NextProfile(w.profile, day, w.sums)
		w.sums = NewSums()
	}
	return w.set.Observe(e, w.subjectsOf(e), w.profile, w.sums)
}

// subjectsOf gives the event's entities, made where they are new.
func (w *world) subjectsOf(e *Event) Subjects {
	var subjects Subjects
	for _, key := range w.set.Keys(e) {
		if w.subjects[key] == nil {
			w.subjects[key] = &Subject{Entity: windows.NewEntity(key)}
		}
		subjects.Set(w.subjects[key])
	}
	return subjects
}
