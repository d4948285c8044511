package chaos

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/parcelsentry/parcelsentry/cmd/internal/testbed"
)

// through gives a server, and a client that reaches it through a proxy.
func through(t *testing.T, retries int) (*miniredis.Miniredis, *proxy, *redis.Client) {
	t.Helper()
	const patience = 50 * time.Millisecond
	server := miniredis.RunT(t)
	p, err := newProxy(server.Addr(), 1, patience)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(&redis.Options{
		Addr: p.address, MaxRetries: retries, ReadTimeout: patience, PoolSize: 1,
		MinRetryBackoff: time.Millisecond, MaxRetryBackoff: time.Millisecond,
	})
	t.Cleanup(func() {
		c.Close()
		p.close()
	})
	if err := c.Set(t.Context(), "n", 0, 0).Err(); err != nil {
		t.Fatal(err)
	}
	return server, p, c
}

// TestProxyTricks: of one increment, what does the client see, and how often was it made?
func TestProxyTricks(t *testing.T) {
	tests := []struct {
		name   string
		tricks tricks
		fails  bool
		want   string
	}{
		{"none", tricks{}, false, "1"},
		{"swallow", tricks{swallow: 1}, true, "1"},
		{"cut", tricks{cut: 1}, true, "1"},
		{"slow", tricks{slow: 1}, false, "1"},
		{"late", tricks{late: 1}, true, "1"},
		{"repeat", tricks{repeat: 1}, false, "2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server, p, c := through(t, -1)
			p.play(test.tricks)
			err := c.Incr(t.Context(), "n").Err()
			if (err != nil) != test.fails {
				t.Errorf("the client sees: %v", err)
			}
			p.play(tricks{})
			if got, _ := server.Get("n"); got != test.want {
				t.Errorf("n is %s, want %s", got, test.want)
			}
			if n, by := p.tricksPlayed(); (n > 0) != (test.tricks != tricks{}) {
				t.Errorf("played %v", by)
			}
		})
	}
}

// TestProxyMakesTheClientRepeat: a swallowed reply makes go-redis send the command again, which counts twice where nothing
// stops it.
func TestProxyMakesTheClientRepeat(t *testing.T) {
	server, p, c := through(t, 20)
	p.play(tricks{swallow: 10})
	const times = 50
	for range times {
		if err := c.Incr(t.Context(), "n").Err(); err != nil {
			t.Fatal(err)
		}
	}
	text, _ := server.Get("n")
	if got, err := strconv.Atoi(text); err != nil || got <= times {
		t.Errorf("n is %s after %d increments and lost replies", text, times)
	}
}

// TestProxyTurns: after a failover the same client reaches another server.
func TestProxyTurns(t *testing.T) {
	_, p, c := through(t, 3)
	other := miniredis.RunT(t)
	_ = other.Set("n", "other")
	p.turn(other.Addr())
	if got, err := c.Get(t.Context(), "n").Result(); got != "other" || err != nil {
		t.Errorf("n is %q, %v", got, err)
	}
}

func TestReadValue(t *testing.T) {
	for _, whole := range []string{
		"+OK\r\n", "-ERR no\r\n", ":7\r\n", "$3\r\na\r\n\r\n", "$-1\r\n", "*-1\r\n", "*2\r\n$1\r\na\r\n:1\r\n", "_\r\n", "#t\r\n",
		"%1\r\n+a\r\n*1\r\n:1\r\n", "~1\r\n,1.5\r\n", "|1\r\n+a\r\n+b\r\n:1\r\n", "=5\r\ntxt:a\r\n", ">1\r\n+x\r\n",
	} {
		got, err := readValue(bufio.NewReader(strings.NewReader(whole+"+next\r\n")), nil)
		if string(got) != whole || err != nil {
			t.Errorf("of %q it reads %q, %v", whole, got, err)
		}
		if _, err := readValue(bufio.NewReader(strings.NewReader(whole[:len(whole)-1])), nil); err == nil {
			t.Errorf("%q without its last byte is taken for whole", whole)
		}
	}
	if _, err := readValue(bufio.NewReader(strings.NewReader("PING\r\n")), nil); err == nil || err == io.EOF {
		t.Errorf("no value: %v", err)
	}
}

// TestBucketSlot: the check value that Redis names for its CRC-16 is 0x31C3.
func TestBucketSlot(t *testing.T) {
	if got, want := bucketSlot(123456789), 0x31c3%testbed.Slots; got != want {
		t.Errorf("{123456789} is in slot %d, want %d", got, want)
	}
}
