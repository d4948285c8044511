package pipeline

import (
	"context"

	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/memstore"
)

// looseFences remember the last offset that each bucket was sent, and guard nothing.
type looseFences map[windows.Source]*windows.Fences

func (l looseFences) of(source windows.Source) *windows.Fences {
	if l[source] == nil {
		l[source] = &windows.Fences{Source: source}
	}
	return l[source]
}

func (l looseFences) fences(partition int) *windows.Fences {
	f := windows.Fences{Source: windows.Source{Topic: simTopicName, Partition: partition}}
	for source, fences := range l {
		if source.Topic == simTopicName && source.Partition == partition && source.Epoch >= f.Source.Epoch {
			f = *fences
		}
	}
	return &f
}

func (l looseFences) begin(source windows.Source, at windows.Fence) {
	f := l.of(source)
	for b := range f.At {
		if !f.Present[b] {
			f.At[b], f.Present[b] = at, true
		}
	}
}

func (l looseFences) load(source windows.Source, loaded []windows.Loaded) {
	f := l.of(source)
	for i := range loaded {
		b := loaded[i].Entity.Key.Bucket()
		loaded[i].Fence, loaded[i].Present = f.At[b], f.Present[b]
	}
}

// apply stores every update through a source of its own, whose fences are always where they are expected.
func (l looseFences) apply(store *memstore.Store, source windows.Source, updates []windows.Update) []windows.Result {
	ctx, aside := context.Background(), windows.Source{Topic: "loose"}
	behind, f := l.of(aside), l.of(source)
	if !behind.Present[0] {
		l.begin(aside, windows.Fence{Offset: windows.NoOffset})
		_ = store.Begin(ctx, aside, windows.Fence{Offset: windows.NoOffset})
	}
	var all []windows.Result
	for _, u := range updates {
		f.At[u.Bucket] = u.New
		u.Expected = behind.At[u.Bucket]
		u.New.Offset = u.Expected.Offset + 1
		behind.At[u.Bucket] = u.New
		results, err := store.Apply(ctx, aside, []windows.Update{u})
		if err != nil {
			panic(err)
		}
		all = append(all, results...)
	}
	return all
}
