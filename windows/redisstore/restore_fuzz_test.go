package redisstore

import (
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// FuzzRestore reads back fields and values that anybody may have written: an error, or an entity that can be used.
func FuzzRestore(f *testing.F) {
	for _, s := range [][2]string{
		{"f", "1774785600007 shipments/0/7/3"},
		{"a", `{"fp":"ab"}`},
		{"n", "12"},
		{"n", "-9223372036854775808"},
		{"m/pX0cTq2b", "1774785600007"},
		{"m/", "0"},
		{"m/pX0cTq2b9", "1"},
		{"ihakeg", "12"},
		{"ih-1y2p0ij32e8e8", "9223372036854775807"},
		{"dd1y2p0ij32e8e7", "1"},
		{"ihakeg/a8UitEyD", "3"},
		{"w*0", "-3"},
		{"", ""},
	} {
		f.Add(s[0], s[1], "ih1", "1")
	}
	ladder := windows.Ladder{{Name: 'h', Slide: time.Hour, Keep: 50}, {Name: 'd', Slide: 24 * time.Hour, Keep: 120}}
	f.Fuzz(func(t *testing.T, field, value, other, n string) {
		e, err := restore(windows.NewKey("sender", "A"), pairs([]any{field, value, other, n}))
		if err != nil {
			return
		}
		e.Settle(ladder)
		e.Add('i', ladder[0], windows.Sub{}, time.UnixMilli(1_774_785_600_007), 1)
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

// FuzzParseFence: what is read is what was written, or an error.
func FuzzParseFence(f *testing.F) {
	for _, s := range []string{"42 1774785600007", "-1", "", " ", "9223372036854775807 -9223372036854775808", "1 2 3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fence, err := parseFence(text)
		if err != nil {
			return
		}
		if again, err := parseFence(fenceText(fence)); err != nil || again.Offset != fence.Offset || !again.Time.Equal(fence.Time) {
			t.Errorf("%q is %+v, and comes back as %+v, %v", text, fence, again, err)
		}
	})
}

// FuzzParseFirst: the same of first events, and with them of sources and coordinates.
func FuzzParseFirst(f *testing.F) {
	for _, s := range []string{"1774785600007 shipments/0/7/3", "-5 a b/1/2/-3", "1", " ", "1 /0/0/0", "1 //////", "x a/0/0/0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		first, err := parseFirst(text)
		if err != nil || first.IsZero() {
			return
		}
		again, err := parseFirst(firstText(first))
		if err != nil || again.At != first.At || !again.Time.Equal(first.Time) {
			t.Errorf("%q is %+v, and comes back as %+v, %v", text, first, again, err)
		}
	})
}
