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
	}
}
