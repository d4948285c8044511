package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/redisstore"
	"github.com/parcelsentry/parcelsentry/windows/windowstest"
	"github.com/redis/go-redis/v9"
)

var (
	source = windows.Source{Topic: "shipments"}
	key    = windows.NewKey("sender", "S-1")
	items  = windows.Field{Series: windows.Series{Measure: 'i', Resolution: 'h'}, Pane: 493_000}
)

func begin(t testing.TB, store *redisstore.Store) {
	t.Helper()
	if err := store.Begin(t.Context(), source, windows.Fence{Offset: windows.NoOffset}); err != nil {
		t.Fatal(err)
	}
}

// apply adds a delta of key with the fence going from one offset to the next.
func apply(ctx context.Context, store *redisstore.Store, expected int64, d windows.Delta) (windows.Result, error) {
	d.Key = key
	r, err := store.Apply(ctx, source, []windows.Update{{
		Bucket: key.Bucket(), Expected: windows.Fence{Offset: expected}, New: windows.Fence{Offset: expected + 1},
		Deltas: []windows.Delta{d},
	}})
	if err != nil {
		return windows.Result{}, err
	}
	return r[0], nil
}

func one() windows.Delta {
	return windows.Delta{Add: []windows.FieldCount{{Field: items, N: 1}}, Events: 1}
}

func mustApply(t testing.TB, store *redisstore.Store, expected int64, d windows.Delta) {
	t.Helper()
	r, err := apply(t.Context(), store, expected, d)
	if err != nil || r.Status != windows.Applied {
		t.Fatalf("apply gave %v, %v", r.Status, err)
	}
}

// TestKeys pins where things stand: others may look at them.
func TestKeys(t *testing.T) {
	m := miniredis.RunT(t)
	store := redisstore.New(single(t, m.Addr()), redisstore.Options{Layout: "v1", TTL: 90 * time.Second})
	begin(t, store)
	entity := windows.NewEntity(key)
	entity.CountEvent(at(3))
	d := entity.TakeDelta()
	u := windows.Update{
		Bucket: key.Bucket(), Expected: windows.Fence{Offset: windows.NoOffset},
		New: windows.Fence{Time: time.UnixMilli(99), Writer: 36}, Deltas: []windows.Delta{d},
	}
	if r, err := store.Apply(t.Context(), source, []windows.Update{u}); err != nil || r[0].Status != windows.Applied {
		t.Fatal(r, err)
	}
	name := fmt.Sprintf("ps:v1:sender:{%d}:S-1", key.Bucket())
	if got, err := m.Get(name); err != nil || got != string(d.Packed) {
		t.Errorf("%s is %x (%v), want %x", name, got, err, d.Packed)
	}
	if ttl := m.TTL(name); ttl != 90*time.Second {
		t.Errorf("the entity lives %v, want 90 s", ttl)
	}
	fences := fmt.Sprintf("ps:v1:fence:{%d}", key.Bucket())
	if got := m.HGet(fences, "shipments/0/0"); got != "0 99 10" {
		t.Errorf("the fence is %q, want offset, milliseconds and writer", got)
	}
	if got := m.HGet("ps:v1:fence:{0}", "shipments/0/0"); key.Bucket() == 0 || got != "-1" {
		t.Errorf("a fence of unknown time is %q, want -1", got)
	}
	if ttl := m.TTL(fences); ttl != 0 {
		t.Errorf("the fences live %v, want for ever", ttl)
	}
}

// TestLife: every update renews it, a repeat does not.
func TestLife(t *testing.T) {
	m := miniredis.RunT(t)
	store := redisstore.New(single(t, m.Addr()), redisstore.Options{Layout: "v1", TTL: time.Minute})
	begin(t, store)
	name := fmt.Sprintf("ps:v1:sender:{%d}:S-1", key.Bucket())
	mustApply(t, store, windows.NoOffset, one())
	m.FastForward(40 * time.Second)
	if r, err := apply(t.Context(), store, windows.NoOffset, one()); err != nil || r.Status != windows.Already {
		t.Fatal(r, err)
	}
	if ttl := m.TTL(name); ttl != 20*time.Second {
		t.Errorf("after a repeat it lives %v more, want 20 s", ttl)
	}
	mustApply(t, store, 0, windows.Delta{Seen: []windows.Member{{Sub: windows.Others}}})
	if ttl := m.TTL(name); ttl != time.Minute {
		t.Errorf("after an update it lives %v more, want a minute", ttl)
	}
	m.FastForward(time.Minute)
	l, err := store.Load(t.Context(), source, []windows.Key{key})
	if err != nil || l[0].Entity.Events() != 0 || l[0].Fence.Offset != 1 {
		t.Errorf("at its end: %+v, %v; want an empty entity and the fence", l, err)
	}

	forever := redisstore.New(single(t, m.Addr()), redisstore.Options{Layout: "v2"})
	begin(t, forever)
	mustApply(t, forever, windows.NoOffset, one())
	if ttl := m.TTL(fmt.Sprintf("ps:v2:sender:{%d}:S-1", key.Bucket())); ttl != 0 {
		t.Errorf("without TTL it lives %v, want for ever", ttl)
	}
}

func TestLayout(t *testing.T) {
	if got := redisstore.Layout("h=50", "d=120"); got != "0d0c6a27" {
		t.Errorf("the layout is %q: a change here makes every installation start from nothing", got)
	}
	names := map[string]bool{}
	for _, parts := range [][]string{nil, {""}, {"a"}, {"a", ""}, {"a", "b"}, {"b", "a"}, {"ab"}, {"a1:b"}} {
		names[redisstore.Layout(parts...)] = true
	}
	if len(names) != 8 {
		t.Errorf("8 lists of parts have %d layouts", len(names))
	}
}

// TestForeignData: what somebody else wrote is named, and nothing is half done.
func TestForeignData(t *testing.T) {
	second := windowstest.Beside(key, 1)[0]
	bad := fmt.Sprintf("ps:v1:sender:{%d}:%s", key.Bucket(), second.ID)
	fences := fmt.Sprintf("ps:v1:fence:{%d}", key.Bucket())
	whole := windows.NewEntity(second)
	whole.CountEvent(windows.First{Time: time.UnixMilli(7)})
	packed := string(whole.TakeDelta().Packed)
	for _, c := range []struct {
		name, key, value string
		load             string // what Load complains of, if it does
	}{
		{"another type", bad, "", ""},
		{"fences of another type", fences, "text", "WRONGTYPE"},
		{"few bytes", bad, "text", "no entity"},
		{"an entity changed by hand", bad, packed + "1", "changed by somebody"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := miniredis.RunT(t)
			store := redisstore.New(single(t, m.Addr()), redisstore.Options{Layout: "v1"})
			begin(t, store)
			m.Del(c.key)
			if c.value == "" {
				m.HSet(c.key, "field", "value")
			} else if err := m.Set(c.key, c.value); err != nil {
				t.Fatal(err)
			}
			deltas := []windows.Delta{one(), one()}
			deltas[0].Key, deltas[1].Key = key, second
			_, err := store.Apply(t.Context(), source, []windows.Update{{
				Bucket: key.Bucket(), Expected: windows.Fence{Offset: windows.NoOffset}, New: windows.Fence{Offset: 7}, Deltas: deltas,
			}})
			wantKey(t, err, c.key)
			if c.key != fences {
				if got := m.HGet(fences, source.String()); got != "-1" {
					t.Errorf("the fence moved to %s", got)
				}
			}
			if m.Exists(fmt.Sprintf("ps:v1:sender:{%d}:S-1", key.Bucket())) {
				t.Error("the entity before the bad one was written")
			}
			if c.load == "" {
				return
			}
			_, err = store.Load(t.Context(), source, []windows.Key{key, second})
			wantKey(t, err, c.key)
			if !strings.Contains(err.Error(), c.load) {
				t.Errorf("load says %q, want it to name %s", err, c.load)
			}
		})
	}
	t.Run("a fence", func(t *testing.T) {
		for field, value := range map[string]string{source.String(): "x", "shipments/x/0": "1", "shipments/1/0": "1 x"} {
			m := miniredis.RunT(t)
			store := redisstore.New(single(t, m.Addr()), redisstore.Options{Layout: "v1"})
			m.HSet(fences, field, value)
			_, err := store.Fences(t.Context(), "shipments", 0)
			wantKey(t, err, fences)
		}
		m := miniredis.RunT(t)
		if err := m.Set(fences, "text"); err != nil {
			t.Fatal(err)
		}
		store := redisstore.New(single(t, m.Addr()), redisstore.Options{Layout: "v1"})
		_, err := store.Fences(t.Context(), "shipments", 0)
		wantKey(t, err, fences)
		wantKey(t, store.Begin(t.Context(), source, windows.Fence{}), fences)
	})
}

// TestUndo: an update that fails at its last entity has changed none of those before it, whoever made them anew.
func TestUndo(t *testing.T) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			client := server.open(t)
			store, layout := newStore(t, client)
			begin(t, store)
			last := windowstest.Beside(key, 1)[0]
			name := func(k windows.Key) string { return fmt.Sprintf("ps:%s:sender:{%d}:%s", layout, k.Bucket(), k.ID) }
			huge := windows.FieldCount{Field: items, N: math.MaxInt64}
			mustApply(t, store, windows.NoOffset, windows.Delta{Add: []windows.FieldCount{{Field: items, N: 3}}, Events: 1})
			before := client.Get(t.Context(), name(key)).Val()
			for what, spoil := range map[string]func(){
				"bytes of somebody": func() { client.Set(t.Context(), name(last), "text", 0) },
				"another type":      func() { client.HSet(t.Context(), name(last), "field", "value") },
				"a sum beyond 64 bits": func() {
					_, err := store.Apply(t.Context(), source, []windows.Update{{
						Bucket: key.Bucket(), Expected: windows.Fence{}, New: windows.Fence{Offset: 1}, Deltas: []windows.Delta{{Key: last, Add: []windows.FieldCount{huge}}},
					}})
					if err != nil {
						t.Fatal(err)
					}
					client.HSet(t.Context(), fmt.Sprintf("ps:%s:fence:{%d}", layout, key.Bucket()), source.String(), "0")
				},
			} {
				client.Del(t.Context(), name(last))
				spoil()
				spoiled := client.Dump(t.Context(), name(last)).Val()
				deltas := []windows.Delta{one(), one()}
				deltas[0].Key, deltas[1].Key = key, last
				_, err := store.Apply(t.Context(), source, []windows.Update{{
					Bucket: key.Bucket(), Expected: windows.Fence{}, New: windows.Fence{Offset: 7}, Deltas: deltas,
				}})
				wantKey(t, err, name(last))
				if got := client.Get(t.Context(), name(key)).Val(); got != before {
					t.Errorf("%s: the other entity is %q, want %q", what, got, before)
				}
				if got := client.Dump(t.Context(), name(last)).Val(); got != spoiled {
					t.Errorf("%s: it has changed", what)
				}
			}
			client.Del(t.Context(), name(last))
			if l, err := store.Load(t.Context(), source, []windows.Key{key}); err != nil || l[0].Fence.Offset != 0 {
				t.Errorf("the fence is %v, %v", l, err)
			}
		})
	}
}

func wantKey(t *testing.T, err error, key string) {
	t.Helper()
	var e *redisstore.Error
	if !errors.As(err, &e) || e.Key != key || !redisstore.Fatal(err) || !strings.Contains(err.Error(), key) {
		t.Errorf("the error is %v, want a fatal one that names %s", err, key)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		says  string
		fatal bool
		names string
	}{
		{"NOAUTH Authentication required.", true, "password"},
		{"WRONGPASS invalid username-password pair or user is disabled.", true, "does not accept"},
		{"NOPERM User x has no permissions to run the 'evalsha' command", true, "permission"},
		{"ERR unknown command 'EVALSHA'", true, "Redis 7.0"},
		{"LOADING Redis is loading the dataset in memory", false, "started"},
		{"READONLY You can't write against a read only replica.", false, "replica"},
		{"OOM command not allowed when used memory > 'maxmemory'.", false, "maxmemory"},
		{"MISCONF Redis is configured to save RDB snapshots", false, "disk"},
		{"CLUSTERDOWN The cluster is down", false, "cluster"},
		{"TRYAGAIN Multiple keys request during rehashing of slot", false, "cluster"},
		{"MOVED 3999 127.0.0.1:1", false, "cluster"},
		{"ERR something new", false, "something new"},
	} {
		t.Run(c.says[:7], func(t *testing.T) {
			m := miniredis.RunT(t)
			client := closing(t, redis.NewClient(&redis.Options{Addr: m.Addr(), MaxRetries: -1}))
			store := redisstore.New(client, redisstore.Options{Layout: "v1"})
			m.SetError(c.says)
			_, applied := apply(t.Context(), store, 0, one())
			_, loaded := store.Load(t.Context(), source, []windows.Key{key})
			_, fences := store.Fences(t.Context(), "shipments", 0)
			for call, err := range map[string]error{
				"apply": applied, "load": loaded, "fences": fences,
				"begin": store.Begin(t.Context(), source, windows.Fence{}),
				"scan":  store.Scan(t.Context(), "sender", nil),
				"check": store.Check(t.Context()),
			} {
				if err == nil || redisstore.Fatal(err) != c.fatal || !strings.Contains(err.Error(), c.names) {
					t.Errorf("%s: %v, want fatal %v and the word %q", call, err, c.fatal, c.names)
				}
			}
			m.SetError("")
			begin(t, store)
			mustApply(t, store, windows.NoOffset, one())
		})
	}
	t.Run("nobody answers", func(t *testing.T) {
		m := miniredis.RunT(t)
		client := closing(t, redis.NewClient(&redis.Options{Addr: m.Addr(), MaxRetries: -1}))
		store := redisstore.New(client, redisstore.Options{Layout: "v1"})
		m.Close()
		if _, err := apply(t.Context(), store, 0, one()); err == nil || redisstore.Fatal(err) {
			t.Errorf("apply gave %v, want an error that may pass", err)
		}
	})
	t.Run("a wrong password", func(t *testing.T) {
		m := miniredis.RunT(t)
		m.RequireUserAuth("service", "right")
		for _, password := range []string{"", "wrong"} {
			o := &redis.Options{Addr: m.Addr(), Password: password, MaxRetries: -1}
			if password != "" {
				o.Username = "service"
			}
			store := redisstore.New(closing(t, redis.NewClient(o)), redisstore.Options{Layout: "v1"})
			if err := store.Check(t.Context()); !redisstore.Fatal(err) || !strings.Contains(err.Error(), "password") {
				t.Errorf("password %q: %v, want a fatal error about the password", password, err)
			}
		}
	})
}

// TestUnknownScript: a server that restarted has forgotten the scripts, in the middle of a pipeline too.
func TestUnknownScript(t *testing.T) {
	for _, server := range servers[:2] { // a flush would disturb others on a shared server
		t.Run(server.name, func(t *testing.T) {
			client := server.open(t)
			store, _ := newStore(t, client)
			begin(t, store)
			var updates []windows.Update
			for b := range 50 {
				updates = append(updates, windows.Update{Bucket: b, Expected: windows.Fence{Offset: windows.NoOffset}, New: windows.Fence{Offset: 5}})
			}
			for _, want := range []windows.Status{windows.Applied, windows.Already, windows.Already} {
				results, err := store.Apply(t.Context(), source, updates)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range results {
					if r.Status != want {
						t.Fatalf("%v, want %v", r.Status, want)
					}
				}
				if _, err := store.Load(t.Context(), source, []windows.Key{key}); err != nil {
					t.Fatal(err)
				}
				if err := client.ScriptFlush(t.Context()).Err(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestLostReply: the server has done what it was asked, the reply is lost, and go-redis sends it again.
func TestLostReply(t *testing.T) {
	m := miniredis.RunT(t)
	var lose atomic.Int32
	client := closing(t, redis.NewClient(&redis.Options{
		Addr: m.Addr(), MinRetryBackoff: -1, MaxRetryBackoff: -1,
		Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			return &losing{Conn: conn, lose: &lose}, err
		},
	}))
	store := redisstore.New(client, redisstore.Options{Layout: "v1"})
	begin(t, store)
	entity := windows.NewEntity(key)
	next := func() windows.Delta {
		entity.Add(items.Measure, windows.Resolution{Name: items.Resolution, Slide: time.Hour, Keep: 50}, windows.Sub{}, time.UnixMilli(99), 1)
		entity.CountEvent(windows.First{Time: time.UnixMilli(99)})
		return entity.TakeDelta()
	}
	mustApply(t, store, windows.NoOffset, next())
	for offset := range int64(10) {
		lose.Store(1)
		if r, err := apply(t.Context(), store, offset, next()); err != nil || r.Status != windows.Already || r.Events[0] != offset+2 {
			t.Fatalf("%+v, %v; want already with %d events", r, err, offset+2)
		}
		if lose.Load() != 0 {
			t.Fatal("no reply was lost")
		}
	}
	l, err := store.Load(t.Context(), source, []windows.Key{key})
	if err != nil || l[0].Entity.Counts()[0].N != 11 {
		t.Errorf("%+v, %v; want a count of 11", l, err)
	}
}

// losing is a connection that breaks once it has read a reply while lose is above 0, and keeps the reply to itself.
type losing struct {
	net.Conn
	lose   *atomic.Int32
	broken bool
}

func (c *losing) Read(b []byte) (int, error) {
	if c.broken {
		return 0, io.EOF
	}
	n, err := c.Conn.Read(b)
	if n > 0 && c.lose.Load() > 0 {
		c.lose.Add(-1)
		c.broken = true
		return 0, io.EOF
	}
	return n, err
}

// TestBeginOrder: bucket 0 is asked for only when all others have answered.
func TestBeginOrder(t *testing.T) {
	m := miniredis.RunT(t)
	client := closing(t, redis.NewClient(&redis.Options{Addr: m.Addr(), MaxRetries: -1}))
	store := redisstore.New(client, redisstore.Options{Layout: "v1"})
	if err := m.Set("ps:v1:fence:{512}", "in the way"); err != nil {
		t.Fatal(err)
	}
	if err := store.Begin(t.Context(), source, windows.Fence{}); err == nil {
		t.Fatal("begin over a wrong key gave no error")
	}
	if m.Exists("ps:v1:fence:{0}") || !m.Exists("ps:v1:fence:{1}") {
		t.Error("bucket 0 has a fence though bucket 512 has none")
	}
	m.Del("ps:v1:fence:{512}")
	begin(t, store)
	if f, err := store.Fences(t.Context(), "shipments", 0); err != nil || slices.Contains(f.Present[:], false) {
		t.Errorf("after all some buckets have no fence, %v", err)
	}
}

func TestCheck(t *testing.T) {
	t.Run("a server that does not tell", func(t *testing.T) {
		for _, server := range servers[:2] {
			store := redisstore.New(server.open(t), redisstore.Options{Layout: "v1"})
			if err := store.Check(t.Context()); !errors.Is(err, redisstore.ErrPolicyUnknown) || redisstore.Fatal(err) {
				t.Errorf("%s: %v, want ErrPolicyUnknown", server.name, err)
			}
		}
	})
	for _, server := range servers[2:] {
		t.Run(server.name, func(t *testing.T) {
			store := redisstore.New(server.open(t), redisstore.Options{Layout: "v1"})
			if err := store.Check(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("a server that evicts", func(t *testing.T) {
		for _, policy := range []string{"allkeys-lru", "volatile-ttl"} {
			client := closing(t, redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()}))
			client.AddHook(answers{"info": "# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:" + policy + "\r\nx:1\r\n"})
			err := redisstore.New(client, redisstore.Options{Layout: "v1"}).Check(t.Context())
			if !redisstore.Fatal(err) || !strings.Contains(err.Error(), policy) || !strings.Contains(err.Error(), "noeviction") {
				t.Errorf("%v, want a fatal error that names %s and noeviction", err, policy)
			}
		}
	})
}

// answers is a hook that answers commands by itself, by name.
type answers map[string]string

func (a answers) DialHook(next redis.DialHook) redis.DialHook { return next }

func (a answers) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (a answers) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if text, ok := a[cmd.Name()]; ok {
			cmd.(*redis.StringCmd).SetVal(text)
			return nil
		}
		return next(ctx, cmd)
	}
}

func TestScan(t *testing.T) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			client := server.open(t)
			store, _ := newStore(t, client)
			begin(t, store)
			want := map[windows.Key]int64{}
			updates := map[int]*windows.Update{}
			for i := range int64(1500) {
				kind := windows.Kind("sender")
				if i%3 == 0 {
					kind = "send"
				}
				k := windows.NewKey(kind, fmt.Sprintf("a:{%d}:b", i))
				if i%2 == 0 {
					k = windows.NewKey(kind, fmt.Sprint("S:", i))
				}
				if kind == "sender" {
					want[k] = i
				}
				u, ok := updates[k.Bucket()]
				if !ok {
					u = &windows.Update{Bucket: k.Bucket(), Expected: windows.Fence{Offset: windows.NoOffset}, New: windows.Fence{Offset: 1}}
					updates[k.Bucket()] = u
				}
				u.Deltas = append(u.Deltas, windows.Delta{Key: k, Events: i})
			}
			var all []windows.Update
			for _, u := range updates {
				all = append(all, *u)
			}
			if _, err := store.Apply(t.Context(), source, all); err != nil {
				t.Fatal(err)
			}
			delete(want, windows.NewKey("sender", "a:{0}:b"))
			got := map[windows.Key]int64{}
			err := store.Scan(t.Context(), "sender", func(e *windows.Entity) error {
				got[e.Key] = e.Events()
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(want) {
				t.Errorf("%d entities, want %d", len(got), len(want))
			}
			for k, n := range want {
				if got[k] != n {
					t.Errorf("%v has %d events, want %d", k, got[k], n)
				}
			}
			stop := errors.New("enough")
			calls := 0
			err = store.Scan(t.Context(), "sender", func(*windows.Entity) error { calls++; return stop })
			if !errors.Is(err, stop) || calls != 1 {
				t.Errorf("%v after %d calls, want the error of the first", err, calls)
			}
		})
	}
}

// TestManySources: the fences of a bucket may need more than one page of a scan.
func TestManySources(t *testing.T) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			client := server.open(t)
			store, layout := newStore(t, client)
			begin(t, store)
			fences := fmt.Sprintf("ps:%s:fence:{9}", layout)
			var fields []any
			for i := range 30_000 {
				fields = append(fields, windows.Source{Topic: "other", Partition: i}.String(), "1")
			}
			if err := client.HSet(t.Context(), fences, fields...).Err(); err != nil {
				t.Fatal(err)
			}
			f, err := store.Fences(t.Context(), "shipments", 0)
			if err != nil || !f.Present[9] || f.At[9].Offset != windows.NoOffset {
				t.Errorf("the fence is %v (%v), %v", f.At[9], f.Present[9], err)
			}
		})
	}
}

// TestSources: a source is found wherever it has a fence.
func TestSources(t *testing.T) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			client := server.open(t)
			store, layout := newStore(t, client)
			if all, err := store.Sources(t.Context()); err != nil || len(all) != 0 {
				t.Errorf("%v, %v; want none", all, err)
			}
			begin(t, store)
			cut := windows.Source{Topic: "seed:x", Epoch: 2, Partition: 11}
			if err := client.HSet(t.Context(), fmt.Sprintf("ps:%s:fence:{700}", layout), cut.String(), "5").Err(); err != nil {
				t.Fatal(err)
			}
			if all, err := store.Sources(t.Context()); err != nil || !slices.Equal(all, []windows.Source{cut, source}) {
				t.Errorf("%v, %v; want %v and %v", all, err, cut, source)
			}
		})
	}
	m := miniredis.RunT(t)
	store := redisstore.New(single(t, m.Addr()), redisstore.Options{Layout: "v1"})
	m.HSet("ps:v1:fence:{3}", "shipments", "1")
	_, err := store.Sources(t.Context())
	wantKey(t, err, "ps:v1:fence:{3}")
}

// TestOneSlot: on a cluster all keys of a bucket are in one slot, whatever the ids look like.
func TestOneSlot(t *testing.T) {
	address := windowstest.Server(t, "PARCELSENTRY_TEST_REDIS_CLUSTER")
	client := cluster(t, address)
	store, layout := newStore(t, client)
	begin(t, store)
	mustApply(t, store, windows.NoOffset, one())
	slots := map[int64]bool{}
	for _, name := range []string{"fence:{%d}", "sender:{%d}:S-1"} {
		name = fmt.Sprintf("ps:"+layout+":"+name, key.Bucket())
		if n, err := client.Exists(t.Context(), name).Result(); err != nil || n != 1 {
			t.Fatalf("%s is not there: %v", name, err)
		}
		slot, err := client.ClusterKeySlot(t.Context(), name).Result()
		if err != nil {
			t.Fatal(err)
		}
		slots[slot] = true
	}
	if len(slots) != 1 {
		t.Errorf("the keys are in slots %v", slots)
	}
}

// TestNewAmongKnown: entities that are there and new ones go out apart, and the answers find back, however often the same
// update comes and whatever another partition has made of its entities.
func TestNewAmongKnown(t *testing.T) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			store, _ := newStore(t, server.open(t))
			begin(t, store)
			other := windows.Source{Topic: source.Topic, Partition: 1}
			if err := store.Begin(t.Context(), other, windows.Fence{Offset: windows.NoOffset}); err != nil {
				t.Fatal(err)
			}
			key := windows.NewKey("sender", "S-0")
			keys := append(windowstest.Beside(key, 4), key)
			send := func(s windows.Source, offset int64, deltas ...windows.Delta) windows.Result {
				t.Helper()
				u := windows.Update{Bucket: keys[0].Bucket(), Expected: windows.Fence{Offset: offset - 1}, New: windows.Fence{Offset: offset}, Deltas: deltas}
				r, err := store.Apply(t.Context(), s, []windows.Update{u})
				if err != nil {
					t.Fatal(err)
				}
				return r[0]
			}
			want := func(got windows.Result, status windows.Status, events ...int64) {
				t.Helper()
				if got.Status != status || !slices.Equal(got.Events, events) {
					t.Errorf("%v with totals %v, want %v with %v", got.Status, got.Events, status, events)
				}
			}
			counted := make([][]byte, len(keys)) // as the first partition knows them
			delta := func(i int, events int64) windows.Delta {
				t.Helper()
				d := windows.Delta{Key: keys[i], Events: events, Base: windows.VersionOf(counted[i]), Had: windows.TotalOf(counted[i])}
				packed, err := windows.Merge(counted[i], &d)
				if err != nil {
					t.Fatal(err)
				}
				d.Packed, counted[i] = packed, packed
				return d
			}
			want(send(source, 0, delta(1, 10), delta(3, 30)), windows.Applied, 10, 30)
			all := []windows.Delta{delta(0, 1), delta(1, 2), delta(2, 3), delta(3, 4), delta(4, 5)}
			want(send(source, 1, all...), windows.Applied, 1, 12, 3, 34, 5)
			want(send(source, 1, all...), windows.Already, 1, 12, 3, 34, 5)
			// Who knows of none of them, of some, or does not say what they come to adds to what is there.
			counted = make([][]byte, len(keys))
			want(send(other, 0, delta(4, 100), delta(0, 100)), windows.Applied, 105, 101)
			want(send(other, 1, delta(1, 100), delta(4, 100), windows.Delta{Key: keys[3], Events: 100}), windows.Applied, 112, 205, 134)
			want(send(other, 1, delta(1, 100), delta(4, 100), windows.Delta{Key: keys[3], Events: 100}), windows.Already, 112, 205, 134)
			loaded, err := store.Load(t.Context(), source, keys)
			if err != nil {
				t.Fatal(err)
			}
			for i, events := range []int64{101, 112, 3, 134, 205} {
				if n := loaded[i].Entity.Events(); n != events {
					t.Errorf("%s has %d events, want %d", keys[i].ID, n, events)
				}
			}
		})
	}
}
