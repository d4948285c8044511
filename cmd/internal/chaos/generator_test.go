package chaos

import (
	"bytes"
	"testing"
)

// TestGenerator: a seed gives one log, another seed another; wrong records come as often as asked.
func TestGenerator(t *testing.T) {
	logOf := func(seed uint64) []record {
		g, err := newGenerator(seed, usualSenders, usualDays, wrongs{malformed: 100, future: 100, poison: 100}.orUsual())
		if err != nil {
			t.Fatal(err)
		}
		r := &Run{generator: g}
		return r.some(5000)
	}
	one, again, other := logOf(1), logOf(1), logOf(2)
	fates := map[string]int{}
	for i := range one {
		if !bytes.Equal(one[i].value, again[i].value) {
			t.Fatalf("record %d differs:\n%s\n%s", i, one[i].value, again[i].value)
		}
		fates[one[i].fate]++
	}
	if bytes.Equal(one[0].value, other[0].value) {
		t.Error("two seeds begin with the same record")
	}
	for _, fate := range []string{malformed, future, poison, skipped} {
		if n := fates[fate]; n < 5 || n > 100 {
			t.Errorf("%d of 5000 records are %s", n, fate)
		}
	}
}
