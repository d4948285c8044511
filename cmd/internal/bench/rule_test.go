package bench

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func clock(text string) time.Time {
	at, err := time.Parse("15:04:05.000", text)
	if err != nil {
		panic(err)
	}
	return at.AddDate(2026, 0, 4)
}

// TestRule plays a story that can be checked by hand: at 40 within ten panes it is said, and not again for ten minutes.
func TestRule(t *testing.T) {
	var r Rule
	var said []string
	send := func(sender, at string, n int) {
		for range n {
			if a, ok := r.Observe(sender, clock(at)); ok {
				said = append(said, fmt.Sprintf("%s %s %d until %s", sender, at, a.Count, a.WindowEnd.Format("15:04")))
			}
		}
	}
	send("anna", "08:00:30.000", 39)
	send("bert", "08:00:30.000", 1) // another sender's count is another
	send("anna", "08:09:59.999", 1) // the 40th, in the tenth pane from 08:00
	send("anna", "08:09:59.999", 60)
	send("anna", "08:10:00.000", 1)   // the 39 have left the window, 62 are in it, and it is silent
	send("anna", "08:20:00.000", 38)  // the silence is over, but only these are in the window
	send("anna", "08:20:30.000", 2)   // the 40th
	send("bert", "08:20:30.000", 39)  // his first has gone
	send("bert", "08:21:00.000", 1)   // his 40th
	send("bert", "08:30:59.999", 100) // silent
	send("carl", "09:00:00.000", 40)
	send("carl", "09:09:59.999", 40) // a millisecond too early
	send("carl", "09:10:00.000", 1)  // the first 40 have left the window
	want := []string{
		"anna 08:09:59.999 40 until 08:10", "anna 08:20:30.000 40 until 08:21", "bert 08:21:00.000 40 until 08:22",
		"carl 09:00:00.000 40 until 09:01", "carl 09:10:00.000 41 until 09:11",
	}
	if !slices.Equal(said, want) {
		t.Errorf("said\n%q, want\n%q", said, want)
	}
}

// TestDigest holds the sum to the one of the engines that results are compared with.
func TestDigest(t *testing.T) {
	at := time.Date(2026, 1, 5, 8, 10, 0, 0, time.FixedZone("", 3600))
	a, b := Said{"s000001", 40, at}, Said{"s000002", 41, at}
	var d, reversed Digest
	d.Add(a)
	d.Add(b)
	reversed.Add(b)
	reversed.Add(a)
	if d != reversed {
		t.Errorf("the order matters: %+v, %+v", d, reversed)
	}
	var one Digest
	one.Add(a)
	// FNV-1a of "s000001|40|2026-01-05T07:10:00Z".
	if want := fnv1a("s000001|40|2026-01-05T07:10:00Z"); one.Alerts != 1 || one.Checksum != want {
		t.Errorf("digest %+v, want %016x", one, want)
	}
}

// fnv1a is the hash as its definition has it.
func fnv1a(text string) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range []byte(text) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}
