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
	todo := make([]*applying, len(updates))
	for i := range updates {
		todo[i] = &applying{update: &updates[i], result: &results[first+i], entities: make([]sealed, len(updates[i].Deltas))}
		for j := range updates[i].Deltas {
			todo[i].entities[j] = asBelieved(&updates[i].Deltas[j])
		}
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
	var calls []call
	var sent [][]*applying // in each call
	for rest := all; len(rest) > 0; {
		n, size := 1, 1+len(rest[0].entities)
		for s.single && n < len(rest) && size+1+len(rest[n].entities) <= inCall {
			size += 1 + len(rest[n].entities)
			n++
		}
		calls = append(calls, s.applyCall(source, rest[:n], size))
		sent = append(sent, rest[:n])
		rest = rest[n:]
	}
	replies, err := s.run(ctx, s.apply, calls)
	if err != nil {
		return nil, err
	}
	for i, reply := range replies {
		if len(reply) != len(sent[i]) {
			return nil, fmt.Errorf("an answer of %d parts, not %d", len(reply), len(sent[i]))
		}
		keys := calls[i].keys
		for j, a := range sent[i] {
			own := 1 + len(a.entities)
			answer, _ := reply[j].([]any)
			done, err := a.take(answer, keys[:own])
			if err != nil {
				return nil, err
			}
			if !done {
				again = append(again, a)
			}
			keys = keys[own:]
		}
	}
	return again, nil
}

// applying is an update on its way.
type applying struct {
	update   *windows.Update
	entities []sealed // of each delta
	result   *windows.Result
}

// sealed is what an entity is to become if it is of a version.
type sealed struct {
	base   string // as bytes, none for an entity that is not there
	packed []byte // nothing for one that is to go
}

// unknown is the version of no entity.
const unknown = "?"

// asBelieved is what the delta makes of the entity that its writer knew.
func asBelieved(d *windows.Delta) sealed {
	switch {
	case len(d.Packed) == 0:
		return sealed{base: unknown}
	case d.Base == windows.Version{}:
		return sealed{packed: d.Packed}
	}
	return sealed{string(d.Base[:]), d.Packed}
}

// onto is what the delta makes of the packed entity that is there, nothing for none.
func onto(d *windows.Delta, held string) (sealed, error) {
	packed, err := windows.Merge([]byte(held), d)
	return sealed{held[:min(len(held), len(windows.Version{}))], packed}, err
}

// applyCall makes a call for updates, which have that many keys.
func (s *Store) applyCall(source windows.Source, all []*applying, keys int) call {
	size := 100 * keys
	for _, a := range all {
		for i := range a.entities {
			size += len(a.entities[i].packed)
		}
	}
	var w words
	w.grow(size, 2+4*len(all)+3*keys)
	for _, a := range all {
		w.add(s.fenceKey(a.update.Bucket))
		for i := range a.update.Deltas {
			s.addEntityKey(&w, a.update.Deltas[i].Key, a.update.Bucket)
		}
	}
	w.add(source.String())
	w.number(s.ttl.Milliseconds())
	for _, a := range all {
		w.number(int64(len(a.entities)))
		w.number(a.update.Expected)
		w.number(a.update.New.Offset)
		w.add(fenceText(a.update.New))
		for i := range a.entities {
			w.add(a.entities[i].base)
			w.bytes = append(w.bytes, a.entities[i].packed...)
			w.end()
		}
	}
	return newCall(keys, w.split())
}

// take reads an answer of apply.lua. False means that the update has to be sent again, with the entities that it has then.
func (a *applying) take(reply []any, keys []string) (done bool, err error) {
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
		a.result.Events = make([]int64, len(a.entities))
		for i := range a.entities {
			a.result.Events[i] = windows.TotalOf(a.entities[i].packed)
		}
		return true, nil
	case len(reply) == len(keys) && what == replyAlready:
		a.result.Status = windows.Already
		a.result.Events = make([]int64, len(a.entities))
		for i := range a.entities {
			head, _ := reply[1+i].(string)
			a.result.Events[i] = windows.TotalOf([]byte(head))
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

// merge makes the entities anew for what is there: each is 1 if that is of the expected version.
func (a *applying) merge(there []any, keys []string) error {
	for i := range there {
		held, other := there[i].(string)
		if !other {
			continue
		}
		var err error
		if a.entities[i], err = onto(&a.update.Deltas[i], held); errors.Is(err, windows.ErrLost) {
			return err
		} else if err != nil {
			return badData(keys[i], err)
		}
	}
	return nil
}
