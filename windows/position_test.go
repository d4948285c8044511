package windows_test

import (
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

func TestSourceText(t *testing.T) {
	c := windows.Coordinates{Source: windows.Source{Topic: "eu.ship_ments-1", Epoch: 2, Partition: 17}, Offset: 9_007_199_254_740_993}
	if s := c.Source.String(); s != "eu.ship_ments-1/2/17" {
		t.Errorf("the source is %q", s)
	}
	if s := c.String(); s != "eu.ship_ments-1/2/17/9007199254740993" {
		t.Errorf("the coordinates are %q", s)
	}
	if got, err := windows.ParseSource(c.Source.String()); err != nil || got != c.Source {
		t.Errorf("the source comes back as %v, %v", got, err)
	}
	if got, err := windows.ParseCoordinates(c.String()); err != nil || got != c {
		t.Errorf("the coordinates come back as %v, %v", got, err)
	}
	for _, bad := range []string{"", "a", "a/1", "a/1/x", "a/x/1", "a/1/2/3/4"} {
		if got, err := windows.ParseSource(bad); err == nil {
			t.Errorf("%q is taken for source %v", bad, got)
		}
	}
	for _, bad := range []string{"", "a", "a/1/2", "a/1/2/x", "a/x/2/3", "a/1/2/3/4"} {
		if got, err := windows.ParseCoordinates(bad); err == nil {
			t.Errorf("%q is taken for coordinates %v", bad, got)
		}
	}
}

func TestFirstBefore(t *testing.T) {
	at := func(ms int64, partition int) windows.First {
		return windows.First{Time: time.UnixMilli(ms), At: windows.Coordinates{Source: windows.Source{Partition: partition}}}
	}
	ordered := []windows.First{at(-9, 3), at(-1, 0), at(5, 0), at(5, 1), at(6, 0), {}}
	for i, f := range ordered {
		for j, g := range ordered {
			if got := f.Before(g); got != (i < j) {
				t.Errorf("%v before %v is %v", f, g, got)
			}
		}
	}
}

func TestUpdateValidate(t *testing.T) {
	key := windows.NewKey("sender", "S-1")
	good := windows.Update{Bucket: key.Bucket(), Expected: windows.Fence{Offset: 4}, New: windows.Fence{Offset: 4}}
	if err := good.Validate(); err != nil {
		t.Errorf("a checkpoint where the fence stands: %v", err)
	}
	good.New.Offset, good.Deltas = 5, []windows.Delta{{Key: key}}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	good.Deltas = append(good.Deltas, windows.Delta{Key: key})
	if err := good.Validate(); err == nil {
		t.Error("two deltas of one entity are taken")
	}
}
