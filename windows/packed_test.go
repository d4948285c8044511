package windows_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parcelsentry/parcelsentry/windows"
)

// TestPacked pins what an entity looks like: a change makes every installation start from nothing.
func TestPacked(t *testing.T) {
	e := windows.NewEntity(windows.NewKey("sender", "S-1"))
	if packed, version := e.AppendPacked([]byte("before")); string(packed) != "before" || version != (windows.Version{}) {
		t.Errorf("an empty entity is %q of version %s, want nothing", packed, version)
	}
	e = packedSample()
	want := strings.Join([]string{
		"04",                                  // two events
		"0a 736869706d656e7473 00 0e 06",      // the first in topic shipments, epoch 0, partition 7, at offset 3
		"8ee8b897a767",                        // 1,774,785,600,007
		"06 0a",                               // series, and panes in all
		"69 04 68 06 88973c 01 05 18 15 02",   // i of no second key, one series: h has 3 panes, the others 1 and 5 later, of 12, 1, 2
		"6e 00",                               // n has the same
		"6f 05 2a6f74686572732a 64 03 fac002", // o of *others*: d has a pane, of 1
		"6f 06 39969e85e538 64 02 fac002 09",  // of another key, packed: -5
		"6f 06 6bc522b44c83 64 03 fac002",     //
		"77 04 2a 02 05 08",                   // w, all time: pane -3 has 4
		"02 01 00",                            // members: two, one of 8 bytes; the last was seen when the first event was
		"2169413442746e51 e807",               // a mark, 1,000 ms before
		"fc1947e7ab6e 00",                     //
		"6f70656e0a616e64206d6f7265",          // the note
	}, " ")
	got, version := e.AppendPacked(nil)
	if rest := fmt.Sprintf("%x", got[len(version):]); rest != strings.ReplaceAll(want, " ", "") || string(got[:len(version)]) != string(version[:]) {
		t.Errorf("packed in version %s it is\n%x, want\n%s", version, got, want)
	}
	if d := e.TakeDelta(); string(d.Packed) != string(got) || d.Base != (windows.Version{}) {
		t.Errorf("the delta makes %x of %s, want all of it, for nothing", d.Packed, d.Base)
	}
	if d := e.TakeDelta(); d.Base != version {
		t.Errorf("the next delta is for %s, want %s", d.Base, version)
	}
}

// TestMerge: a delta makes of the entity that its writer knew what it says itself, and of any other one what the sum of all
// deltas is, in any order.
func TestMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := windows.NewKey("sender", "S-1")
		writers := []*windows.Entity{windows.NewEntity(key), windows.NewEntity(key)}
		var held []byte
		sum := windows.NewEntity(key)
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			w := writers[rapid.IntRange(0, 1).Draw(t, "writer")]
			for range rapid.IntRange(1, 4).Draw(t, "events") {
				minutes, sub := rapid.IntRange(-300, 300).Draw(t, "minutes"), rapid.SampledFrom(subs).Draw(t, "sub")
				for _, e := range []*windows.Entity{w, sum} {
					e.Add('i', windows.Resolution{Name: 'h', Slide: time.Hour, Keep: 1000}, sub, at(minutes), 1)
					e.CountEvent(windows.First{Time: at(minutes)})
					e.Saw(windows.NewSub(string(sub[:])), at(minutes))
				}
			}
			d := w.TakeDelta()
			merged, err := windows.Merge(held, &d)
			if err != nil {
				t.Fatal(err)
			}
			if windows.VersionOf(held) == d.Base && string(merged) != string(d.Packed) {
				t.Fatalf("merged\n%x\nthe writer's\n%x", merged, d.Packed)
			}
			held = merged
		}
		want, _ := sum.AppendPacked(nil)
		if string(held) != string(want) {
			t.Fatalf("all together\n%x\nwant\n%x", held, want)
		}
	})
}

// TestChanged: nothing is taken that is not as it was written, to the last bit.
func TestChanged(t *testing.T) {
	key := windows.NewKey("sender", "S-1")
	e := windows.NewEntity(key)
	e.CountEvent(windows.First{Time: at(5)})
	e.Saw(windows.NewSub("R-1"), at(5))
	packed := e.TakeDelta().Packed
	for i := range packed {
		more := slices.Insert(slices.Clone(packed), i, 1)
		other := slices.Clone(packed)
		other[i] ^= 1
		for _, changed := range [][]byte{packed[:i], more, other} {
			if _, err := windows.Unpack(key, changed); err == nil && i > 0 {
				t.Errorf("%x is taken", changed)
			}
		}
	}
}

// FuzzUnpack gives the right version to any bytes, as nobody but this package does: an error, or an entity that can be used,
// and that is written as one that reads the same.
func FuzzUnpack(f *testing.F) {
	packed, _ := packedSample().AppendPacked(nil)
	f.Add(packed[len(windows.Version{}):])
	for _, rest := range []string{"", "\x02", "\x02\x00\x01i\x04h\x03\x00", "\x02\x00\x02i\x00n\x00\x00", "\x02\x00\x00\x01\x00\x00", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"} {
		f.Add([]byte(rest))
	}
	key := windows.NewKey("sender", "A")
	f.Fuzz(func(t *testing.T, rest []byte) {
		packed := windows.Sealed(rest)
		e, err := windows.Unpack(key, packed)
		if err != nil {
			return
		}
		again, version := e.AppendPacked(nil)
		other, err := windows.Unpack(key, again)
		if err != nil {
			t.Fatalf("%x comes back as %x: %v", packed, again, err)
		}
		if third, v := other.AppendPacked(nil); v != version || !slices.Equal(third, again) {
			t.Errorf("%x comes back as %x, and that as %x", packed, again, third)
		}
		e.Settle(short)
		e.Add('i', short[0], windows.Sub{}, time.UnixMilli(1_774_785_600_007), 1)
		e.CountEvent(windows.First{Time: time.UnixMilli(1)})
		e.Saw(windows.NewSub("R"), time.UnixMilli(1))
		e.Fold('i', windows.NewSub("X"))
		e.ForgetMarks(time.UnixMilli(5), 1)
		e.ForgetOldest(0)
		if e.Bytes() < 0 || e.Fields() < 0 {
			t.Errorf("%d bytes, %d fields", e.Bytes(), e.Fields())
		}
		e.TakeDelta()
	})
}

func packedSample() *windows.Entity {
	hours, days := windows.Resolution{Name: 'h', Slide: time.Hour, Keep: 50}, windows.Resolution{Name: 'd', Slide: 24 * time.Hour, Keep: 120}
	e := windows.NewEntity(windows.NewKey("sender", "S-1"))
	noon := time.Date(2026, 3, 29, 12, 0, 0, 7_000_000, time.UTC)
	e.CountEvent(windows.First{Time: noon, At: windows.Coordinates{Source: windows.Source{Topic: "shipments", Partition: 7}, Offset: 3}})
	e.CountEvent(windows.First{Time: noon.Add(time.Hour)})
	for _, m := range []windows.Measure{'i', 'n'} {
		e.Add(m, hours, windows.Sub{}, noon, 12)
		e.Add(m, hours, windows.Sub{}, noon.Add(time.Hour), 1)
		e.Add(m, hours, windows.Sub{}, noon.Add(6*time.Hour), 2)
	}
	e.Add('o', days, windows.NewSub("HAN"), noon, 1)
	e.Add('o', days, windows.NewSub("SGN"), noon, -5)
	e.Add('o', days, windows.Others, noon, 1)
	e.Tally('w', -3, 4)
	e.Saw(windows.NewSub("R-1"), noon)
	e.Saw(windows.NewMark("R-2"), noon.Add(-time.Second))
	e.SetNote("open\nand more")
	return e
}
