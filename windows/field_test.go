package windows_test

import (
	"math"
	"testing"

	"github.com/parcelsentry/parcelsentry/windows"
)

func TestFieldText(t *testing.T) {
	sub := windows.NewSub("HAN")
	for _, c := range []struct {
		f    windows.Field
		want string
	}{
		{windows.Field{Series: windows.Series{Measure: 'i', Resolution: 'h'}, Pane: 493_000}, "ihakeg"},
		{windows.Field{Series: windows.Series{Measure: 'i', Resolution: 'd'}}, "id0"},
		{windows.Field{Series: windows.Series{Measure: 'o', Resolution: 'h', Sub: sub}, Pane: -37}, "oh-11/" + sub.String()},
		{windows.Field{Series: windows.Series{Measure: 'o', Resolution: 'h', Sub: windows.Others}, Pane: 1}, "oh1/*others*"},
		{windows.Field{Series: windows.Series{Measure: 't', Resolution: windows.AllTime}, Pane: 23}, "t*n"},
		{windows.Field{Series: windows.Series{Measure: 'i', Resolution: 'h'}, Pane: math.MinInt64}, "ih-1y2p0ij32e8e8"},
	} {
		if got := c.f.String(); got != c.want {
			t.Errorf("%+v is %q, want %q", c.f, got, c.want)
		}
		if got, err := windows.ParseField(c.want); err != nil || got != c.f {
			t.Errorf("%q is %+v (%v), want %+v", c.want, got, err, c.f)
		}
	}
	for _, bad := range []string{"", "i", "ih", "ih!", "ih/8fQ2_aZk", "ih1/short", "ih1/", "ihzzzzzzzzzzzzzzzz"} {
		if f, err := windows.ParseField(bad); err == nil {
			t.Errorf("%q is taken for %+v", bad, f)
		}
	}
}

func FuzzFieldRoundTrip(f *testing.F) {
	f.Add(byte('i'), byte('h'), int64(493_000), "")
	f.Add(byte('o'), byte('*'), int64(-1), "HAN")
	f.Fuzz(func(t *testing.T, measure, resolution byte, pane int64, name string) {
		field := windows.Field{Series: windows.Series{Measure: windows.Measure(measure), Resolution: resolution}, Pane: pane}
		if name != "" {
			field.Sub = windows.NewSub(name)
		}
		got, err := windows.ParseField(field.String())
		if err != nil || got != field {
			t.Errorf("%+v comes back from %q as %+v, %v", field, field.String(), got, err)
		}
	})
}

func FuzzParseField(f *testing.F) {
	for _, s := range []string{"ihakeg", "oh-11/8fQ2_aZk", "t*n", "", "ih", "m/8fQ2_aZk"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		field, err := windows.ParseField(s)
		if err != nil {
			return
		}
		if again, err := windows.ParseField(field.String()); err != nil || again != field {
			t.Errorf("%q is %+v, whose text %q is %+v, %v", s, field, field.String(), again, err)
		}
	})
}
