package redisstore_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/redisstore"
	"github.com/parcelsentry/parcelsentry/windows/windowstest"
	"github.com/redis/go-redis/v9"
)

const profileKeys = "ps:v1:profile:{profile}:"

func TestProfiles(t *testing.T) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			client := server.open(t)
			windowstest.RunProfiles(t, func(t *testing.T) windows.Profiles {
				layout := redisstore.Layout(rand.Text())
				t.Cleanup(func() { sweep(t, client, layout) })
				return redisstore.NewProfiles(client, layout)
			})
		})
	}
}

func decide(t *testing.T, p windows.Profiles, day int64, artefact string) {
	t.Helper()
	got, err := p.Decide(t.Context(), day, func([]byte, [][]byte) ([]byte, error) { return []byte(artefact), nil })
	if err != nil || string(got) != artefact {
		t.Fatalf("day %d: %q, %v; want %q", day, got, err, artefact)
	}
}

// TestProfilesReadable pins what stands in Redis: another version of this service reads it.
func TestProfilesReadable(t *testing.T) {
	m := miniredis.RunT(t)
	p := redisstore.NewProfiles(single(t, m.Addr()), "v1")
	for range 3 {
		if err := p.Contribute(t.Context(), []byte("c")); err != nil {
			t.Fatal(err)
		}
	}
	decide(t, p, -4, "abc")
	decide(t, p, 9, "abc")
	if err := p.Contribute(t.Context(), []byte("d")); err != nil {
		t.Fatal(err)
	}
	if err := p.Record(t.Context(), []windows.DayProfile{{Day: 11}}); err != nil {
		t.Fatal(err)
	}
	const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // as in FIPS 180
	for name, want := range map[string]map[string]string{
		"days":      {"-4": abc, "9": abc, "11": "none"},
		"artefacts": {abc: "abc"},
		"state":     {"gone": "3", "version": m.HGet(profileKeys+"state", "version")},
	} {
		fields, err := m.HKeys(profileKeys + name)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, f := range fields {
			got[f] = m.HGet(profileKeys+name, f)
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s holds %q, want %q", name, got, want)
		}
	}
	if list, err := m.List(profileKeys + "contributions"); err != nil || !slices.Equal(list, []string{"d"}) {
		t.Errorf("the contributions are %q, %v", list, err)
	}
	if len(m.Keys()) != 4 {
		t.Errorf("keys %q", m.Keys())
	}
}

// TestOldArtefacts: an artefact goes with the last day that has it.
func TestOldArtefacts(t *testing.T) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			client := server.open(t)
			layout := redisstore.Layout(rand.Text())
			t.Cleanup(func() { sweep(t, client, layout) })
			p := redisstore.NewProfiles(client, layout)
			all := []windows.DayProfile{
				{Day: -4, Artefact: []byte("x")},
				{Day: -3, Artefact: []byte("y")},
				{Day: -2, Artefact: []byte("x")},
			}
			for len(all) < windows.MaxProfileDays {
				all = append(all, windows.DayProfile{Day: int64(len(all)), Artefact: []byte("z")})
			}
			if err := p.Record(t.Context(), all); err != nil {
				t.Fatal(err)
			}
			for i, want := range []string{"new x y z", "new x z", "new z", "new z"} {
				decide(t, p, int64(1000+i), "new")
				held, err := client.HVals(t.Context(), "ps:"+layout+":profile:{profile}:artefacts").Result()
				if slices.Sort(held); err != nil || strings.Join(held, " ") != want {
					t.Errorf("%d days dropped: %q, %v; want %s", i+1, held, err, want)
				}
			}
		})
	}
}

// TestManyContributions: the oldest go first, also those that are being used.
func TestManyContributions(t *testing.T) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			client := server.open(t)
			layout := redisstore.Layout(rand.Text())
			t.Cleanup(func() { sweep(t, client, layout) })
			p := redisstore.NewProfiles(client, layout)
			var most []any
			for i := range windows.MaxContributions {
				most = append(most, i)
			}
			if err := client.RPush(t.Context(), "ps:"+layout+":profile:{profile}:contributions", most...).Err(); err != nil {
				t.Fatal(err)
			}
			contribute := func(c string) {
				if err := p.Contribute(t.Context(), []byte(c)); err != nil {
					t.Fatal(err)
				}
			}
			want := func(day int64, n int, first, last string, meanwhile ...string) {
				_, err := p.Decide(t.Context(), day, func(_ []byte, c [][]byte) ([]byte, error) {
					if len(c) != n || string(c[0]) != first || string(c[n-1]) != last {
						t.Errorf("day %d: %d contributions, %s to %s", day, len(c), c[0], c[len(c)-1])
					}
					for _, c := range meanwhile {
						contribute(c)
					}
					return nil, nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			contribute("a")
			contribute("b")
			want(1, windows.MaxContributions, "2", "b", "c", "d", "e")
			want(2, 3, "c", "e")
		})
	}
}

// TestProfilesLostReply: what the server has done already is sent again, and done once.
func TestProfilesLostReply(t *testing.T) {
	m := miniredis.RunT(t)
	var lose atomic.Int32
	client := closing(t, redis.NewClient(&redis.Options{
		Addr: m.Addr(), MinRetryBackoff: -1, MaxRetryBackoff: -1,
		Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			return &losing{Conn: conn, lose: &lose}, err
		},
	}))
	p := redisstore.NewProfiles(client, "v1")
	decide(t, p, -1, "known scripts")
	for day := range int64(5) {
		if err := p.Contribute(t.Context(), []byte("used")); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprint("of ", day)
		got, err := p.Decide(t.Context(), day, func(_ []byte, c [][]byte) ([]byte, error) {
			if want := []string{"used", "stays used"}[min(day, 1)]; string(bytes.Join(c, []byte(" "))) != want {
				t.Errorf("day %d gets %q, want %s", day, c, want)
			}
			if err := p.Contribute(t.Context(), []byte("stays")); err != nil {
				t.Error(err)
			}
			lose.Store(1)
			return []byte(want), nil
		})
		if err != nil || string(got) != want || lose.Load() != 0 {
			t.Fatalf("%q, %v, %d to lose; want %q", got, err, lose.Load(), want)
		}
	}
	lose.Store(1)
	recorded := []windows.DayProfile{{Day: 9, Artefact: []byte("recorded")}}
	if err := p.Record(t.Context(), recorded); err != nil || lose.Load() != 0 {
		t.Errorf("%v, %d to lose", err, lose.Load())
	}
	if list, err := m.List(profileKeys + "contributions"); err != nil || !slices.Equal(list, []string{"stays"}) {
		t.Errorf("the contributions are %q, %v", list, err)
	}
}

// TestProfilesForeignData: what somebody else wrote is named, and nothing is changed.
func TestProfilesForeignData(t *testing.T) {
	const name = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	for _, c := range []struct {
		name, key, field, value string
	}{
		{"days of another type", "days", "", "text"},
		{"artefacts of another type", "artefacts", "", "text"},
		{"contributions of another type", "contributions", "", "text"},
		{"state of another type", "state", "", "text"},
		{"a day", "days", "today", name},
		{"an artefact", "artefacts", name, "abd"},
		{"a number", "state", "gone", "many"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := miniredis.RunT(t)
			p := redisstore.NewProfiles(single(t, m.Addr()), "v1")
			decide(t, p, 1, "abc")
			if c.field != "" {
				m.HSet(profileKeys+c.key, c.field, c.value)
			} else {
				m.Del(profileKeys + c.key)
				if err := m.Set(profileKeys+c.key, c.value); err != nil {
					t.Fatal(err)
				}
			}
			before := m.Dump()
			_, err := p.Decide(t.Context(), 2, func([]byte, [][]byte) ([]byte, error) {
				t.Error("built")
				return nil, nil
			})
			wantKey(t, err, profileKeys+c.key)
			_, err = p.Recorded(t.Context())
			wantKey(t, err, profileKeys+c.key)
			if c.name != "a day" && c.name != "an artefact" { // which contributions don't need
				wantKey(t, p.Contribute(t.Context(), []byte("c")), profileKeys+c.key)
			}
			if m.Dump() != before {
				t.Errorf("changed:\n%s\nto\n%s", before, m.Dump())
			}
		})
	}
	t.Run("an artefact that is gone", func(t *testing.T) {
		m := miniredis.RunT(t)
		p := redisstore.NewProfiles(single(t, m.Addr()), "v1")
		decide(t, p, 1, "abc")
		m.Del(profileKeys + "artefacts")
		_, err := p.Decide(t.Context(), 1, nil)
		wantKey(t, err, profileKeys+"artefacts")
	})
}
