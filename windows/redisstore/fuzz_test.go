package redisstore_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/memstore"
	"github.com/parcelsentry/parcelsentry/windows/redisstore"
)

// FuzzStore makes updates of whatever the bytes say, ids, times, panes and numbers as odd as can be, and holds what the
// stores make of them against a plain model. The server is miniredis, or a real one if PARCELSENTRY_TEST_REDIS
// is set.
func FuzzStore(f *testing.F) {
	f.Add([]byte("one sender, one parcel"))
	f.Add([]byte{0xff, 0x80, 0x7f, 0, 1, 2, 3, 0xfe, 0x81, 0x10, 0x22, 0x35, 0, 0, 9, 9})
	f.Add(bytes.Repeat([]byte{3, 0xfd, '{', '}', 0, '\n', 0xff, 0xfe, '*', '/'}, 30))
	for n := range byte(8) {
		f.Add(bytes.Repeat([]byte{n, 7 * n, 0x40 + n, 0xa0 ^ n, 13 * n, n << 4, 255 - n}, 40))
	}
	address, ttl := os.Getenv("PARCELSENTRY_TEST_REDIS"), time.Minute
	if address == "" {
		address = miniredis.RunT(f).Addr()
	}
	client := single(f, address)
	f.Fuzz(func(t *testing.T, data []byte) {
		ctx, in := t.Context(), &odd{rest: data}
		layout := redisstore.Layout(t.Name(), fmt.Sprint(time.Now().UnixNano()))
		stored, inMemory := redisstore.New(client, redisstore.Options{Layout: layout, TTL: ttl}), memstore.New()
		defer sweep(t, client, layout)
		source := windows.Source{Topic: in.topic(), Epoch: int(in.number()), Partition: int(in.number())}
		keys := in.keys()
		start := windows.Fence{Offset: in.number(), Time: in.when(), Writer: in.writer(), Begun: in.byte()%2 == 0}
		model := newPlain(start)
		stores := map[string]windows.Store{"Redis": stored, "memory": inMemory}
		for name, store := range stores {
			if err := store.Begin(ctx, source, start); err != nil {
				t.Fatal(name, err)
			}
		}
		at := start
		for range 4 {
			u := in.update(keys, at)
			if err := u.Validate(); err != nil {
				for name, store := range stores {
					if r, err := store.Apply(ctx, source, []windows.Update{u}); err == nil {
						t.Fatalf("%+v\ngives %+v in %s, and is invalid", u, r, name)
					}
				}
				continue
			}
			want := model.apply(u)
			for name, store := range stores {
				got, err := store.Apply(ctx, source, []windows.Update{u})
				if err != nil || !sameResult(got[0], want) {
					t.Fatalf("%+v\ngives %+v, %v in %s, want %+v", u, got, err, name, want)
				}
			}
			if want.Status == windows.Applied {
				at = u.New
			}
		}
		for name, store := range stores {
			got, err := store.Load(ctx, source, keys)
			if err != nil {
				t.Fatal(name, err)
			}
			for i := range keys {
				if g, w := canonical(got[i]), model.canonical(keys[i]); g != w {
					t.Fatalf("%+v holds in %s\n%s\nwant\n%s", keys[i], name, g, w)
				}
			}
		}
	})
}

func sameResult(a, b windows.Result) bool {
	return a.Status == b.Status && slices.Equal(a.Events, b.Events)
}

// canonical is everything about a loaded entity, as text.
func canonical(l windows.Loaded) string {
	e := l.Entity
	var b strings.Builder
	fmt.Fprintf(&b, "fence %d %v %d %v %v\n", l.Fence.Offset, l.Fence.Time, l.Fence.Writer, l.Fence.Begun, l.Present)
	counts := e.Counts()
	slices.SortFunc(counts, func(a, b windows.FieldCount) int { return strings.Compare(a.Field.String(), b.Field.String()) })
	fmt.Fprintf(&b, "counts %v\nmembers %v\n", counts, e.AllMembers())
	fmt.Fprintf(&b, "first %v %v\nnote %q\nevents %d", e.First().Time, e.First().At, e.Note(), e.Events())
	return b.String()
}

// odd reads values from bytes: mostly small and plain ones, at times the extremes.
type odd struct{ rest []byte }

func (o *odd) byte() byte {
	if len(o.rest) == 0 {
		return 0
	}
	b := o.rest[0]
	o.rest = o.rest[1:]
	return b
}

func (o *odd) text(most int) string {
	n := min(int(o.byte())%(most+1), len(o.rest))
	s := string(o.rest[:n])
	o.rest = o.rest[n:]
	if o.byte() == 255 {
		s = strings.Repeat(s+"x", 2000)
	}
	return s
}

// most is the largest number that Lua knows exactly. Times and totals beyond it are 280,000 years away.
const most = 1 << 53

func (o *odd) number() int64 {
	switch b := o.byte(); {
	case b < 200:
		return int64(int8(b))
	case b < 210:
		return most - int64(o.byte())
	case b < 220:
		return -most + int64(o.byte())
	default:
		var raw [8]byte
		for i := range raw {
			raw[i] = o.byte()
		}
		return int64(binary.LittleEndian.Uint64(raw[:])) % most
	}
}

// pane may be any number.
func (o *odd) pane() int64 {
	switch o.byte() {
	case 254:
		return math.MinInt64
	case 255:
		return math.MaxInt64
	}
	return o.number()
}

func (o *odd) when() time.Time {
	if o.byte()%4 == 0 {
		return time.Time{}
	}
	return time.UnixMilli(o.number()).UTC()
}

// topic is a name without a slash.
func (o *odd) topic() string { return strings.ReplaceAll(o.text(20), "/", "-") }

func (o *odd) sub() windows.Sub {
	var s windows.Sub
	for i := range s {
		s[i] = o.byte()
	}
	if o.byte()%2 == 0 || s.IsZero() {
		return windows.NewSub(fmt.Sprint(s[0] % 4))
	}
	return s
}

// keys are of one bucket, that of the first.
func (o *odd) keys() []windows.Key {
	first := windows.NewKey("sender", o.text(60))
	keys := []windows.Key{first}
	for i := 0; len(keys) < 3; i++ {
		if k := windows.NewKey("lane", o.text(60), fmt.Sprint(i)); k.Bucket() == first.Bucket() {
			keys = append(keys, k)
		}
	}
	return keys
}

func (o *odd) field() windows.Field {
	f := windows.Field{Pane: o.pane()}
	f.Measure, f.Resolution = windows.Measure('a'+o.byte()%26), 'a'+o.byte()%26
	if o.byte()%3 == 0 {
		f.Resolution = windows.AllTime
	}
	if o.byte()%2 == 0 {
		f.Sub = o.sub()
	}
	return f
}

// update moves the fence, rightly for the most part, and changes entities.
func (o *odd) update(keys []windows.Key, at windows.Fence) windows.Update {
	u := windows.Update{Bucket: keys[0].Bucket(), Expected: at, New: windows.Fence{Offset: at.Offset + int64(o.byte()%4), Time: o.when(), Writer: o.writer()}}
	switch o.byte() % 16 {
	case 0:
		u.Expected.Offset = o.number()
	case 1:
		u.New.Offset = o.number()
	case 2:
		u.Expected.Writer = o.writer()
	case 3:
		u.Expected.Begun = !u.Expected.Begun
	}
	for _, key := range keys {
		if o.byte()%3 != 0 {
			u.Deltas = append(u.Deltas, o.delta(key))
		}
	}
	return u
}

// writer is a number of few, so that some are the same.
func (o *odd) writer() uint64 { return uint64(o.byte()%4) * (math.MaxUint64 / 3) }

// delta keeps to what a delta promises: each field and each member once.
func (o *odd) delta(key windows.Key) windows.Delta {
	d := windows.Delta{Key: key, Events: int64(int8(o.byte()))}
	for range o.byte() % 6 {
		f := o.field()
		if !slices.ContainsFunc(d.Add, func(c windows.FieldCount) bool { return c.Field == f }) {
			d.Add = append(d.Add, windows.FieldCount{Field: f, N: o.number() << (o.byte() % 8)}) // four sum up to less than 2^62
		}
	}
	for range o.byte() % 4 {
		d.Drop = append(d.Drop, o.field())
	}
	for range o.byte() % 6 {
		m := windows.Member{Sub: o.sub(), UnixMilli: o.number()}
		if !slices.ContainsFunc(d.Seen, func(other windows.Member) bool { return other.Sub == m.Sub }) {
			d.Seen = append(d.Seen, m)
		}
	}
	for range o.byte() % 3 {
		if s := o.sub(); !slices.Contains(d.Forget, s) {
			d.Forget = append(d.Forget, s)
		}
	}
	if o.byte()%2 == 0 {
		d.First = windows.First{Time: o.when(), At: windows.Coordinates{
			Source: windows.Source{Topic: o.topic(), Epoch: int(o.number()), Partition: int(o.number())}, Offset: o.number(),
		}}
	}
	if o.byte()%2 == 0 {
		d.SetNote, d.Note = true, o.text(200)
	}
	return d
}
