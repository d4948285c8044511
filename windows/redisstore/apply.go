package redisstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/parcelsentry/parcelsentry/windows"
)

// The first number of an answer of apply.lua.
const (
	replyRefused = iota
	replyDone
	replyAlready
	replyBroken
	replyDiffers
)

// inCall is about how many buckets and deltas one script call has for a single server: few enough that others get their turn, many
// enough that the call itself costs little.
const inCall = 128

// deltasAtOnce is about how many deltas one pipeline carries: many enough that the way there and back does not count,
// few enough that what goes out takes little memory, and that Redis works while the next ones are put together.
const deltasAtOnce = 512

// Apply implements windows.Store: script calls of an update or, to a single server, of some, in pipelines one after the other. After an error some of
// the updates may be stored; they answer Already when all are sent again.
func (s *Store) Apply(ctx context.Context, source windows.Source, updates []windows.Update) ([]windows.Result, error) {
	for i := range updates {
		if err := updates[i].Validate(); err != nil {
			return nil, fmt.Errorf("apply %s: %w", source, err)
		}
	}
	results := make([]windows.Result, 0, len(updates))
	for len(updates) > 0 {
		n, deltas := 0, 0
		for n < len(updates) && (n == 0 || deltas+len(updates[n].Deltas) <= deltasAtOnce) {
			deltas += 1 + len(updates[n].Deltas)
			n++
		}
		var err error
		if results, err = s.applySome(ctx, source, updates[:n], results); err != nil {
			return nil, fmt.Errorf("apply %s: %w", source, err)
		}
		updates = updates[n:]
	}
	return results, nil
}

// applySome applies updates by one pipeline, and appends the results. An update that meets other versions of its entities
// than those that it was made for is made anew for these, until nobody comes between.
func (s *Store) applySome(ctx context.Context, source windows.Source, updates []windows.Update, results []windows.Result) ([]windows.Result, error) {
	first := len(results)
	results = append(results, make([]windows.Result, len(updates))...)
	all, todo := make([]applying, len(updates)), make([]*applying, len(updates))
	for i := range updates {
		all[i] = newApplying(&updates[i], &results[first+i])
		todo[i] = &all[i]
	}
	for len(todo) > 0 {
		var err error
		if todo, err = s.applyOnce(ctx, source, todo); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// applyOnce sends updates, and gives those that are to be sent again.
func (s *Store) applyOnce(ctx context.Context, source windows.Source, all []*applying) (again []*applying, err error) {
	w := s.memory.take()
	defer s.memory.put(w)
	type sending struct {
		updates []*applying
		keys    int
		end     int // of its words
	}
	var sent []sending // in each call
	for rest := all; len(rest) > 0; {
		n, keys := 1, rest[0].keys()
		for s.single && n < len(rest) && keys+rest[n].keys() <= inCall {
			keys += rest[n].keys()
			n++
		}
		s.addCall(w, source, rest[:n])
		sent = append(sent, sending{rest[:n], keys, len(w.ends)})
		rest = rest[n:]
	}
	texts, from := w.split(), 0
	calls := make([]call, len(sent))
	for i, c := range sent {
		calls[i] = w.call(c.keys, texts[from:c.end])
		from = c.end
	}
	replies, err := s.run(ctx, s.apply, calls)
	if err != nil {
		return nil, err
	}
	from = 0
	for i, reply := range replies {
		if len(reply) != len(sent[i].updates) {
			return nil, fmt.Errorf("an answer of %d parts, not %d", len(reply), len(sent[i].updates))
		}
		keys := texts[from:]
		for j, a := range sent[i].updates {
			answer, _ := reply[j].([]any)
			done, err := a.take(answer, keys[:a.keys()])
			if err != nil {
				return nil, err
			}
			if !done {
				again = append(again, a)
			}
			keys = keys[a.keys():]
		}
		from = sent[i].end
	}
	return again, nil
}

// applying is an update on its way.
type applying struct {
	update *windows.Update
	result *windows.Result
	// entities are what is sent instead of what the deltas came with, after it met other versions.
	entities []sealed
	// ask: what is there has to be known first, as not every delta says what it comes to.
	ask bool
}

// sealed is what an entity is to become if it is of a version.
type sealed struct {
	base   windows.Version // zero for an entity that is not there
	packed []byte          // nothing for one that is to go
}

func newApplying(u *windows.Update, result *windows.Result) applying {
	a := applying{update: u, result: result}
	for i := range u.Deltas {
		a.ask = a.ask || len(u.Deltas[i].Packed) == 0
	}
	return a
}

// keys is how many it has: that of the fences, and one for each entity.
func (a *applying) keys() int { return 1 + len(a.update.Deltas) }

// entity is what entity i is to become: what the delta makes of the one that its writer knew, or of what was there.
func (a *applying) entity(i int) sealed {
	if a.entities != nil {
		return a.entities[i]
	}
	d := &a.update.Deltas[i]
	return sealed{d.Base, d.Packed}
}

// order gives the numbers of the entities as they are sent: those that should be there, then those that are new.
func (a *applying) order(yield func(i int) bool) {
	for _, first := range [...]bool{true, false} {
		for i := range a.update.Deltas {
			if known := a.entity(i).base != (windows.Version{}); known == first && !yield(i) {
				return
			}
		}
	}
}

// onto is what the delta makes of the packed entity that is there, nothing for none.
func onto(d *windows.Delta, held string) (sealed, error) {
	packed, err := windows.Merge([]byte(held), d)
	return sealed{windows.VersionOf([]byte(held)), packed}, err
}

// whatever stands for the versions of an update that asks.
const whatever = "?"

// addCall adds the words of a call for updates.
func (s *Store) addCall(w *words, source windows.Source, all []*applying) {
	for _, a := range all {
		s.addFenceKey(w, a.update.Bucket)
		for i := range a.order {
			s.addEntityKey(w, a.update.Deltas[i].Key, a.update.Bucket)
		}
	}
	w.add(source.String())
	w.number(s.ttl.Milliseconds())
	for _, a := range all {
		w.number(int64(len(a.update.Deltas)))
		for _, fence := range [...]windows.Fence{a.update.Expected, a.update.New} {
			w.bytes = appendFence(w.bytes, fence)
			w.end()
		}
		if a.ask {
			w.bytes = append(w.bytes, whatever...)
		}
		for i := 0; i < len(a.update.Deltas) && !a.ask; i++ {
			if base := a.entity(i).base; base != (windows.Version{}) {
				w.bytes = append(w.bytes, base[:]...)
			}
		}
		w.end()
		for i := range a.order {
			w.bytes = append(w.bytes, a.entity(i).packed...)
			w.end()
		}
	}
}

// take reads an answer of apply.lua. False means that the update has to be sent again, with the entities that it has then.
func (a *applying) take(reply []any, keys []word) (done bool, err error) {
	if len(reply) == 0 {
		return false, fmt.Errorf("an empty answer")
	}
	what, _ := reply[0].(int64)
	switch {
	case len(reply) == 3 && what == replyBroken:
		k, _ := reply[1].(int64)
		return false, brokenKey(keys, k, reply[2])
	case len(reply) == 1 && what == replyRefused:
		a.result.Status = windows.Refused
		return true, nil
	case len(reply) == 1 && what == replyDone:
		a.result.Status = windows.Applied
		a.result.Events = make([]int64, len(a.update.Deltas))
		for i := range a.result.Events {
			a.result.Events[i] = windows.TotalOf(a.entity(i).packed)
		}
		return true, nil
	case len(reply) == len(keys) && what == replyAlready:
		a.result.Status = windows.Already
		a.result.Events = make([]int64, len(a.update.Deltas))
		heads := reply[1:]
		for i := range a.order {
			head, _ := heads[0].(string)
			a.result.Events[i] = windows.TotalOf([]byte(head))
			heads = heads[1:]
		}
		return true, nil
	case len(reply) == len(keys) && what == replyDiffers:
		if err := a.merge(reply[1:], keys[1:]); !errors.Is(err, windows.ErrLost) {
			return false, err
		}
		a.result.Status = windows.Refused
		return true, nil
	}
	return false, fmt.Errorf("an answer that can't be understood: %v", reply)
}

// merge makes the entities anew for what is there, in the order in which they were sent: each is 1 if that is of the expected
// version.
func (a *applying) merge(there []any, keys []word) error {
	entities, n := make([]sealed, len(there)), 0
	for i := range a.order {
		entities[i] = a.entity(i)
		if held, other := there[n].(string); other {
			var err error
			if entities[i], err = onto(&a.update.Deltas[i], held); errors.Is(err, windows.ErrLost) {
				return err
			} else if err != nil {
				return badData(keys[n].String(), err)
			}
		}
		n++
	}
	a.entities, a.ask = entities, false
	return nil
}
