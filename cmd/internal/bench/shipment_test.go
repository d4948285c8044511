package bench

import (
	"bytes"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/codec"
	"github.com/parcelsentry/parcelsentry/windows"
)

func TestGeneratorIsTheSameForASeed(t *testing.T) {
	a, b, other := NewGenerator(7, "s", Shape{}), NewGenerator(7, "s", Shape{}), NewGenerator(8, "s", Shape{})
	differs := false
	for range 1000 {
		x, y, z := a.Next(), b.Next(), other.Next()
		if !bytes.Equal(x.Value, y.Value) || !bytes.Equal(x.Sender, y.Sender) || !x.Time.Equal(y.Time) {
			t.Fatalf("one seed gives\n%s\nand\n%s", x.Value, y.Value)
		}
		differs = differs || !bytes.Equal(x.Value, z.Value)
	}
	if !differs {
		t.Error("another seed gives the same events")
	}
}

// TestGeneratorIsAsStated compares what comes out with the law that it follows.
func TestGeneratorIsAsStated(t *testing.T) {
	const n = 30_000
	g := NewGenerator(1, "s", Shape{})
	decoder := codec.NewDecoder(codec.Options{})
	var first, last time.Time
	size, senders, types, ids := 0, map[string]int{}, map[string]int{}, map[string]bool{}
	for i := range n {
		s := g.Next()
		e, err := decoder.Decode(s.Value, windows.Coordinates{}, time.Time{})
		if err != nil {
			t.Fatalf("%v: %s", err, s.Value)
		}
		if e.Time.Before(last) || !e.Time.Equal(s.Time) || string(e.Sender) != string(s.Sender) {
			t.Fatalf("event of %s at %v after %v does not read as made: %s", s.Sender, s.Time, last, s.Value)
		}
		if e.Recipient == "" || e.Item == "" || e.Origin == "" || e.Destination == "" || !e.WeightG.Known || !e.DeclaredValue.Known {
			t.Fatalf("the service misses something in %s", s.Value)
		}
		if i == 0 {
			first = e.Time
		}
		last = e.Time
		size += len(s.Value)
		senders[string(e.Sender)]++
		types[e.Type]++
		ids[e.ID] = true
	}
	between := func(name string, got, low, high float64) {
		t.Helper()
		if got < low || got > high {
			t.Errorf("%s is %v, not from %v to %v", name, got, low, high)
		}
	}
	between("the mean size", float64(size)/n, 303, 311)
	between("the mean step in ms", float64(last.Sub(first).Microseconds())/1000/n, 2.9, 3.1)
	// By the law the first sender has 1.58 % and the first ten have 11 %.
	between("the share of the first sender", float64(senders["s000000"])/n, 0.0145, 0.017)
	between("the number of senders", float64(len(senders)), 9_000, 14_000)
	between("the number of types", float64(len(types)), 5, 5)
	between("the number of ids", float64(len(ids)), n, n)
}

func TestRestamp(t *testing.T) {
	s := NewGenerator(1, "s", Shape{}).Next()
	before := len(s.Value)
	at := time.Date(2027, 2, 3, 4, 5, 6, 7_890_000, time.UTC)
	s.Restamp(at)
	e, err := codec.NewDecoder(codec.Options{}).Decode(s.Value, windows.Coordinates{}, time.Time{})
	if err != nil || len(s.Value) != before {
		t.Fatalf("%v: %s", err, s.Value)
	}
	if want := at.Truncate(time.Millisecond); !e.Time.Equal(want) || !s.Time.Equal(want) {
		t.Errorf("stamped %v, reads %v", want, e.Time)
	}
}
