package redisstore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/parcelsentry/parcelsentry/windows"
)

// Load implements windows.Store. It reads the fence of a bucket after its entities, or at one moment with them.
func (s *Store) Load(ctx context.Context, source windows.Source, keys []windows.Key) ([]windows.Loaded, error) {
	load := s.loadByScript
	if s.single {
		load = s.loadInOrder
	}
	loaded, err := load(ctx, source, keys)
	if err != nil {
		return nil, fmt.Errorf("load %d entities: %w", len(keys), err)
	}
	return loaded, nil
}

// keysAtOnce is how many entities one command reads: enough that the command itself costs little, few enough that others get
// their turn in between.
const keysAtOnce = 256

// loadInOrder reads by plain commands, which a single server carries out in the order of the pipeline, also when the
// client sends all of it again. A script call a bucket would cost several times as much: most have one entity. Something else
// than an entity at a key looks like nothing here; Apply will tell.
func (s *Store) loadInOrder(ctx context.Context, source windows.Source, keys []windows.Key) ([]windows.Loaded, error) {
	w := s.memory.take()
	defer s.memory.put(w)
	buckets, fences := make([]int, len(keys)), w.fences
	for i, key := range keys {
		buckets[i] = key.Bucket()
		s.addEntityKey(w, key, buckets[i])
		fences.want(buckets[i])
	}
	for _, b := range fences.buckets {
		s.addFenceKey(w, b)
	}
	w.add(source.String())
	texts := w.split()
	names, fenceNames, field := texts[:len(keys)], texts[len(keys):len(texts)-1], texts[len(texts)-1:]
	entities := make([]*redis.SliceCmd, 0, 1+len(keys)/keysAtOnce)
	_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for some := range slices.Chunk(names, keysAtOnce) {
			mget := redis.NewSliceCmd(ctx, w.command(some, "mget")...)
			entities = append(entities, mget)
			if err := p.Process(ctx, mget); err != nil {
				return err
			}
		}
		for i := range fenceNames {
			hget := redis.NewStringCmd(ctx, w.command(field, "hget", &fenceNames[i])...)
			fences.reads = append(fences.reads, hget)
			if err := p.Process(ctx, hget); err != nil {
				return err
			}
		}
		return nil
	})
	loaded := make([]windows.Loaded, len(keys))
	var (
		bytes []byte        // of one entity after the other
		stood string        // what the last fence was read from: many buckets have the same one
		last  windows.Fence // that fence
	)
	for i, key := range keys {
		l := &loaded[i]
		some, err := entities[i/keysAtOnce].Result()
		if err != nil {
			return nil, explain("", err)
		}
		packed, _ := some[i%keysAtOnce].(string)
		bytes = append(bytes[:0], packed...)
		if l.Entity, err = windows.Unpack(key, bytes); err != nil {
			return nil, badData(names[i].String(), err)
		}
		fence, err := fences.of(buckets[i])
		if errors.Is(err, redis.Nil) {
			continue
		}
		if err != nil {
			return nil, explain(s.fenceKey(buckets[i]), err)
		}
		if fence == "" || fence != stood {
			if last, err = parseFence(fence); err != nil {
				return nil, badData(s.fenceKey(buckets[i]), err)
			}
			stood = fence
		}
		l.Fence, l.Present = last, true
	}
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, explain("", err)
	}
	return loaded, nil
}

// fenceReads are the fences of buckets that are read, each once.
type fenceReads struct {
	at      [windows.Buckets]int // where in buckets, from 1; 0 if it is not read
	buckets []int
	reads   []*redis.StringCmd
}

func (f *fenceReads) want(bucket int) {
	if f.at[bucket] == 0 {
		f.buckets = append(f.buckets, bucket)
		f.at[bucket] = len(f.buckets)
	}
}

func (f *fenceReads) of(bucket int) (string, error) { return f.reads[f.at[bucket]-1].Result() }

func (f *fenceReads) empty() {
	for _, b := range f.buckets {
		f.at[b] = 0
	}
	f.buckets = f.buckets[:0]
	clear(f.reads)
	f.reads = f.reads[:0]
}

// loadByScript reads by one script call a bucket. In a cluster plain commands would keep their order only until a slot
// moves to another node: go-redis sends those that are redirected again, after the others.
func (s *Store) loadByScript(ctx context.Context, source windows.Source, keys []windows.Key) ([]windows.Loaded, error) {
	var buckets []bucketLoad
	at := make(map[int]int, min(len(keys), windows.Buckets)) // where in buckets
	place := make([][2]int, len(keys))                       // the call of a key, and where in it
	for i, key := range keys {
		b := key.Bucket()
		c, ok := at[b]
		if !ok {
			c = len(buckets)
			at[b] = c
			buckets = append(buckets, bucketLoad{keys: 1})
			buckets[c].words.add(s.fenceKey(b))
		}
		place[i] = [2]int{c, buckets[c].keys}
		buckets[c].keys++
		s.addEntityKey(&buckets[c].words, key, b)
	}
	calls, names := make([]call, len(buckets)), make([][]word, len(buckets))
	for c := range buckets {
		b := &buckets[c]
		b.words.add(source.String())
		texts := b.words.split()
		calls[c], names[c] = b.words.call(b.keys, texts), texts[:b.keys]
	}
	replies, err := s.run(ctx, s.load, calls)
	if err != nil {
		return nil, err
	}
	loaded := make([]windows.Loaded, len(keys))
	for i, key := range keys {
		c, k := place[i][0], place[i][1]
		if loaded[i], err = readLoaded(key, replies[c], k, names[c]); err != nil {
			return nil, err
		}
	}
	return loaded, nil
}

// bucketLoad is what a call of load.lua is made of.
type bucketLoad struct {
	words words
	keys  int
}

// readLoaded reads entity k of an answer of load.lua.
func readLoaded(key windows.Key, reply []any, k int, keys []word) (windows.Loaded, error) {
	if len(reply) == 3 {
		if i, broken := reply[0].(int64); broken && i == 0 {
			n, _ := reply[1].(int64)
			return windows.Loaded{}, brokenKey(keys, n, reply[2])
		}
	}
	var l windows.Loaded
	if len(reply) != len(keys) {
		return l, fmt.Errorf("an answer of %d parts, not %d", len(reply), len(keys))
	}
	if fence, _ := reply[0].(string); fence != "" {
		var err error
		if l.Fence, err = parseFence(fence); err != nil {
			return l, badData(keys[0].String(), err)
		}
		l.Present = true
	}
	packed, _ := reply[k].(string)
	var err error
	if l.Entity, err = windows.Unpack(key, []byte(packed)); err != nil {
		return l, badData(keys[k].String(), err)
	}
	return l, nil
}
