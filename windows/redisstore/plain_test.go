package redisstore_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// plain is a store for one source and one bucket that shares nothing with the real ones but the names: the model that FuzzStore
// holds them against.
type plain struct {
	fence    windows.Fence
	entities map[windows.Key]*plainEntity
}

type plainEntity struct {
	counts  map[windows.Field]int64
	members map[windows.Sub]int64
	first   windows.First
	note    string
	events  int64
}

func newPlain(at windows.Fence) *plain {
	return &plain{fence: at, entities: map[windows.Key]*plainEntity{}}
}

func (p *plain) entity(key windows.Key) *plainEntity {
	if p.entities[key] == nil {
		p.entities[key] = &plainEntity{counts: map[windows.Field]int64{}, members: map[windows.Sub]int64{}}
	}
	return p.entities[key]
}

func (p *plain) apply(u windows.Update) windows.Result {
	r := windows.Result{Status: windows.Applied}
	switch inMillis(p.fence) {
	case inMillis(u.New):
		r.Status = windows.Already
	case inMillis(u.Expected):
		p.fence = u.New
	default:
		return windows.Result{}
	}
	for i := range u.Deltas {
		e := p.entity(u.Deltas[i].Key)
		if r.Status == windows.Applied {
			e.add(&u.Deltas[i])
		}
		r.Events = append(r.Events, e.events)
	}
	return r
}

// inMillis is a fence as stores keep it.
func inMillis(f windows.Fence) windows.Fence {
	if !f.Time.IsZero() {
		f.Time = time.UnixMilli(f.Time.UnixMilli()).UTC()
	}
	return f
}

func (e *plainEntity) add(d *windows.Delta) {
	for _, c := range d.Add {
		e.counts[c.Field] += c.N
	}
	for _, f := range d.Drop {
		delete(e.counts, f)
	}
	for _, sub := range d.Forget {
		delete(e.members, sub)
	}
	for _, m := range d.Seen {
		if last, ok := e.members[m.Sub]; !ok || m.UnixMilli > last {
			e.members[m.Sub] = m.UnixMilli
		}
	}
	if d.First.Before(e.first) {
		e.first = d.First
	}
	if d.SetNote {
		e.note = d.Note
	}
	e.events += d.Events
}

// canonical is what canonical gives for the entity as a store has it.
func (p *plain) canonical(key windows.Key) string {
	e := p.entity(key)
	var counts []windows.FieldCount
	for f, n := range e.counts {
		if n != 0 {
			counts = append(counts, windows.FieldCount{Field: f, N: n})
		}
	}
	slices.SortFunc(counts, func(a, b windows.FieldCount) int { return strings.Compare(a.Field.String(), b.Field.String()) })
	var members []windows.Member
	for sub, ms := range e.members {
		members = append(members, windows.Member{Sub: sub, UnixMilli: ms})
	}
	slices.SortFunc(members, func(a, b windows.Member) int {
		return cmp.Or(cmp.Compare(a.UnixMilli, b.UnixMilli), slices.Compare(a.Sub[:], b.Sub[:]))
	})
	f := inMillis(p.fence)
	return fmt.Sprintf("fence %d %v %d %v true\ncounts %v\nmembers %v\nfirst %v %v\nnote %q\nevents %d",
		f.Offset, f.Time, f.Writer, f.Begun, counts, members, e.first.Time, e.first.At, e.note, e.events)
}
