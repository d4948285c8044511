package windows_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
	"pgregory.net/rapid"
)

// model is an entity that keeps every event in a list and looks at all of them for each answer; and a store that is
// a few maps.
type model struct {
	entity *windows.Entity
	now    time.Time

	events  []counted
	tallies map[int64]int64
	members map[windows.Sub]int64
	firsts  []windows.First
	note    string

	stored stored
}

type counted struct {
	m   windows.Measure
	sub windows.Sub
	t   time.Time
	n   int64
}

type stored struct {
	counts  map[windows.Field]int64
	members map[windows.Sub]int64
	first   windows.First
	note    string
	events  int64
}

var (
	short    = windows.Ladder{{Name: 'h', Slide: time.Hour, Keep: 5}, {Name: 'd', Slide: 24 * time.Hour, Keep: 3}}
	measures = []windows.Measure{'i', 'o'}
	subs     = []windows.Sub{{}, windows.NewSub("a"), windows.NewSub("b"), windows.NewSub("c"), windows.NewMark("d"), windows.NewMark("e")}
)

func TestEntityAgainstLists(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{
			entity:  windows.NewEntity(windows.NewKey("sender", "S-1")),
			now:     at(0),
			tallies: map[int64]int64{},
			members: map[windows.Sub]int64{},
			stored:  stored{counts: map[windows.Field]int64{}, members: map[windows.Sub]int64{}},
		}
		t.Repeat(map[string]func(*rapid.T){
			"add":    m.add,
			"tally":  m.tally,
			"fold":   m.fold,
			"saw":    m.saw,
			"forget": m.forget,
			"event":  m.event,
			"note":   m.setNote,
			"store":  func(*rapid.T) { m.store() },
			"reload": func(*rapid.T) { m.store(); m.entity = m.load() },
			"":       m.check,
		})
		m.store()
		m.entity = m.load()
		m.check(t)
	})
}

// when draws a time: mostly onward, often late, at times beyond every horizon, now and then far ahead.
func (m *model) when(t *rapid.T) time.Time {
	minutes := rapid.OneOf(
		rapid.IntRange(-90, 90), rapid.IntRange(-8*60, 0), rapid.IntRange(-5*24*60, 0), rapid.IntRange(0, 2*24*60),
	).Draw(t, "minutes")
	at := m.now.Add(time.Duration(minutes) * time.Minute)
	if at.After(m.now) {
		m.now = at
	}
	return at
}

func (m *model) add(t *rapid.T) {
	c := counted{
		rapid.SampledFrom(measures).Draw(t, "measure"), rapid.SampledFrom(subs).Draw(t, "sub"),
		m.when(t), rapid.Int64Range(1, 4).Draw(t, "n"),
	}
	for _, r := range short {
		newest, any := m.newest(r)
		want := !any || r.Pane(c.t) > newest-r.Keep
		if got := m.entity.Add(c.m, r, c.sub, c.t, c.n); got != want {
			t.Fatalf("add at %v with the newest pane %d: %v, want %v", c.t, newest, got, want)
		}
	}
	m.events = append(m.events, c)
}

func (m *model) newest(r windows.Resolution) (int64, bool) {
	var newest int64
	for i, c := range m.events {
		if p := r.Pane(c.t); i == 0 || p > newest {
			newest = p
		}
	}
	return newest, len(m.events) > 0
}

func (m *model) tally(t *rapid.T) {
	slot := rapid.Int64Range(0, 3).Draw(t, "slot")
	m.entity.Tally('t', slot, 1)
	m.tallies[slot]++
}

func (m *model) fold(t *rapid.T) {
	measure := rapid.SampledFrom(measures).Draw(t, "measure")
	sub := rapid.SampledFrom(subs[1:]).Draw(t, "sub")
	m.entity.Fold(measure, sub)
	for i, c := range m.events {
		if c.m == measure && c.sub == sub {
			m.events[i].sub = windows.Others
		}
	}
}

func (m *model) saw(t *rapid.T) {
	sub, at := rapid.SampledFrom(subs[1:]).Draw(t, "sub"), m.when(t)
	m.entity.Saw(sub, at)
	if last, ok := m.members[sub]; !ok || at.UnixMilli() > last {
		m.members[sub] = at.UnixMilli()
	}
}

func (m *model) forget(t *rapid.T) {
	before := m.now.Add(-time.Duration(rapid.IntRange(0, 600).Draw(t, "minutes")) * time.Minute)
	m.entity.ForgetMarks(before, len(subs))
	maps.DeleteFunc(m.members, func(s windows.Sub, ms int64) bool { return s.IsMark() && ms < before.UnixMilli() })
}

func (m *model) event(t *rapid.T) {
	f := windows.First{Time: m.when(t), At: windows.Coordinates{Offset: int64(len(m.firsts))}}
	m.entity.CountEvent(f)
	m.firsts = append(m.firsts, f)
}

func (m *model) setNote(t *rapid.T) {
	m.note = rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "note")
	m.entity.SetNote(m.note)
}

// store takes the delta and adds it to the maps.
func (m *model) store() {
	d := m.entity.TakeDelta()
	for _, a := range d.Add {
		m.stored.counts[a.Field] += a.N
	}
	for _, f := range d.Drop {
		delete(m.stored.counts, f)
	}
	for _, sub := range d.Forget {
		delete(m.stored.members, sub)
	}
	for _, s := range d.Seen {
		if last, ok := m.stored.members[s.Sub]; !ok || s.UnixMilli > last {
			m.stored.members[s.Sub] = s.UnixMilli
		}
	}
	if d.First.Before(m.stored.first) {
		m.stored.first = d.First
	}
	if d.SetNote {
		m.stored.note = d.Note
	}
	m.stored.events += d.Events
}

func (m *model) load() *windows.Entity {
	e := windows.NewEntity(m.entity.Key)
	for f, n := range m.stored.counts {
		if n != 0 {
			e.RestoreCount(f, n)
		}
	}
	for sub, ms := range m.stored.members {
		e.RestoreMember(sub, time.UnixMilli(ms))
	}
	e.RestoreFirst(m.stored.first)
	e.RestoreNote(m.stored.note)
	e.RestoreEvents(m.stored.events)
	e.Settle(short)
	return e
}

func (m *model) check(t *rapid.T) {
	m.checkCounts(t)
	m.checkWindows(t)
	if got, want := m.entity.Fields(), len(m.entity.Counts())+m.entity.Members(); got != want {
		t.Fatalf("%d fields, but %d counts and members", got, want)
	}
	members := map[windows.Sub]int64{}
	for _, s := range m.entity.AllMembers() {
		members[s.Sub] = s.UnixMilli
	}
	if !maps.Equal(members, m.members) {
		t.Fatalf("members %v, want %v", members, m.members)
	}
	if m.entity.Events() != int64(len(m.firsts)) || m.entity.Note() != m.note {
		t.Fatalf("%d events and note %q, want %d and %q", m.entity.Events(), m.entity.Note(), len(m.firsts), m.note)
	}
	var first windows.First
	if len(m.firsts) > 0 {
		first = slices.MinFunc(m.firsts, func(a, b windows.First) int {
			if a.Before(b) {
				return -1
			}
			return 1
		})
	}
	if got := m.entity.First(); got.At != first.At || !got.Time.Equal(first.Time) {
		t.Fatalf("the first is %v, want %v", got, first)
	}
}

func (m *model) checkCounts(t *rapid.T) {
	want := map[windows.Field]int64{}
	for _, r := range short {
		newest, _ := m.newest(r)
		for _, c := range m.events {
			if p := r.Pane(c.t); p > newest-r.Keep {
				want[windows.Field{Series: windows.Series{Measure: c.m, Resolution: r.Name, Sub: c.sub}, Pane: p}] += c.n
			}
		}
	}
	for slot, n := range m.tallies {
		want[windows.Field{Series: windows.Series{Measure: 't', Resolution: windows.AllTime}, Pane: slot}] = n
		if got := m.entity.TallyOf('t', slot); got != n {
			t.Fatalf("tally %d is %d, want %d", slot, got, n)
		}
	}
	got := map[windows.Field]int64{}
	for _, c := range m.entity.Counts() {
		if _, twice := got[c.Field]; twice {
			t.Fatalf("count %s comes twice", c.Field)
		}
		got[c.Field] = c.N
	}
	if !maps.Equal(got, want) {
		t.Fatalf("counts %s, want %s", text(got), text(want))
	}
}

// checkWindows sums up windows by panes, and by the list between two instants.
func (m *model) checkWindows(t *rapid.T) {
	for _, size := range []time.Duration{time.Hour, 3 * time.Hour, 24 * time.Hour, 48 * time.Hour} {
		r, ok := short.Finest(size)
		newest, any := m.newest(r)
		if !ok || !any {
			continue
		}
		panes := windows.Window{Size: size, Slide: r.Slide}.Panes()
		for last := newest - r.Keep + panes; last <= newest; last++ {
			from, to := r.Start(last-panes+1), r.Start(last+1)
			for _, sub := range append([]windows.Sub{windows.Others}, subs...) {
				var want int64
				for _, c := range m.events {
					if c.m == 'i' && c.sub == sub && !c.t.Before(from) && c.t.Before(to) {
						want += c.n
					}
				}
				if got := m.entity.Sum('i', r, sub, last-panes+1, last); got != want {
					t.Fatalf("[%v, %v) of %q holds %d, want %d", from, to, sub, got, want)
				}
			}
		}
	}
}

func text(counts map[windows.Field]int64) string {
	var all []string
	for f, n := range counts {
		all = append(all, fmt.Sprintf("%s=%d", f, n))
	}
	slices.Sort(all)
	return fmt.Sprint(all)
}

func BenchmarkEntityAdd(b *testing.B) {
	for _, c := range []struct {
		name string
		hour func(i int) int
	}{
		{"same pane", func(int) int { return 0 }},
		{"late within the horizon", func(i int) int { return -(i % 50) }},
		{"an hour on each", func(i int) int { return i }},
	} {
		b.Run(c.name, func(b *testing.B) {
			e := windows.NewEntity(windows.NewKey("sender", "S-1"))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				t := at(c.hour(i))
				e.Add('i', hours, windows.Sub{}, t, 1)
				e.Add('i', days, windows.Sub{}, t, 1)
				if i%100 == 0 {
					e.TakeDelta()
				}
			}
		})
	}
}
