package windowstest

import (
	"fmt"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// Oracle counts by keeping everything: a list of times for each key, measure and second key, and a look at all of
// them for each question. It shares no code with what it checks but the names. The zero Oracle is empty and ready;
// it is for one goroutine.
type Oracle struct {
	lists map[list][]stamp
}

type list struct {
	key     windows.Key
	measure windows.Measure
	sub     windows.Sub
}

type stamp struct {
	t time.Time
	n int64
}

// Add notes n at t. The zero Sub stands for the whole entity.
func (o *Oracle) Add(key windows.Key, m windows.Measure, sub windows.Sub, t time.Time, n int64) {
	if o.lists == nil {
		o.lists = map[list][]stamp{}
	}
	l := list{key, m, sub}
	o.lists[l] = append(o.lists[l], stamp{t, n})
}

// Between sums up what was noted in [from, to).
func (o *Oracle) Between(key windows.Key, m windows.Measure, sub windows.Sub, from, to time.Time) int64 {
	var sum int64
	for _, s := range o.lists[list{key, m, sub}] {
		if !s.t.Before(from) && s.t.Before(to) {
			sum += s.n
		}
	}
	return sum
}

// Count sums up what was noted in a pane of a resolution.
func (o *Oracle) Count(key windows.Key, m windows.Measure, sub windows.Sub, r windows.Resolution, pane int64) int64 {
	from := time.Unix(0, 0).Add(time.Duration(pane) * r.Slide)
	return o.Between(key, m, sub, from, from.Add(r.Slide))
}

// Newest gives the latest time noted for a key; false if there is none.
func (o *Oracle) Newest(key windows.Key) (time.Time, bool) {
	var newest time.Time
	found := false
	for l, stamps := range o.lists {
		for _, s := range stamps {
			if l.key == key && (!found || s.t.After(newest)) {
				newest, found = s.t, true
			}
		}
	}
	return newest, found
}

// Diff compares all panes that the ladder keeps as of the key's newest with those of an entity, and names each
// difference: counts that are wrong, missing, or should not be there. Tallies are not compared.
func (o *Oracle) Diff(e *windows.Entity, l windows.Ladder) []string {
	newest, any := o.Newest(e.Key)
	wrong := []string{}
	for _, r := range l {
		want := map[windows.Field]int64{}
		for id, stamps := range o.lists {
			if id.key != e.Key || !any {
				continue
			}
			series := windows.Series{Measure: id.measure, Resolution: r.Name, Sub: id.sub}
			for _, s := range stamps {
				pane := r.Pane(s.t)
				if n := o.Count(e.Key, id.measure, id.sub, r, pane); n != 0 && pane > r.Pane(newest)-r.Keep {
					want[windows.Field{Series: series, Pane: pane}] = n
				}
			}
		}
		for _, c := range e.Counts() {
			if c.Field.Resolution != r.Name {
				continue
			}
			if c.N != want[c.Field] {
				wrong = append(wrong, fmt.Sprintf("%s %s: count %s is %d, want %d", e.Key.Kind, e.Key.ID, c.Field, c.N, want[c.Field]))
			}
			delete(want, c.Field)
		}
		for f, n := range want {
			wrong = append(wrong, fmt.Sprintf("%s %s: count %s is missing, want %d", e.Key.Kind, e.Key.ID, f, n))
		}
	}
	return wrong
}
