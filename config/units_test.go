package config

import (
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	for _, c := range []struct {
		text string
		want time.Duration
		back string
	}{
		{"0", 0, "0s"},
		{"0s", 0, "0s"},
		{"1ns", 1, "1ns"},
		{"500ms", 500 * time.Millisecond, "500ms"},
		{"1500ms", 1500 * time.Millisecond, "1.5s"},
		{"60s", time.Minute, "1m"},
		{"3600s", time.Hour, "1h"},
		{"90m", 90 * time.Minute, "1h30m"},
		{"1h0m5s", time.Hour + 5*time.Second, "1h0m5s"},
		{"10h20m", 10*time.Hour + 20*time.Minute, "10h20m"},
		{"24h", 24 * time.Hour, "1d"},
		{"50h", 50 * time.Hour, "50h"},
		{"30d", 720 * time.Hour, "30d"},
		{"1d12h", 36 * time.Hour, "36h"},
		{"0d1ms", time.Millisecond, "1ms"},
		{"-1h", -time.Hour, "-1h"}, // refused by ranges, which can say more
		{"36600d", 36600 * 24 * time.Hour, "36600d"},
	} {
		got, err := ParseDuration(c.text)
		if err != nil || got != Duration(c.want) || got.String() != c.back {
			t.Errorf("%q is %v (%d ns), %v; want %s", c.text, got, got, err, c.back)
		}
	}
	for _, text := range []string{"", "d", "5", "1.5d", "-1d", "+1d", "1d-1h", "1d 2h", "1h1d", "1d2d", "1w", "36601d", "36600d878401h", "99999999999d", "9999999h"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%q is taken as %v", text, got)
		}
	}
}

func TestSize(t *testing.T) {
	for _, c := range []struct {
		text string
		want Size
		back string
	}{
		{"0", 0, "0B"},
		{"1", 1, "1B"},
		{"1000B", 1000, "1kB"},
		{"1024", 1024, "1KiB"},
		{"64KiB", 64 << 10, "64KiB"},
		{"1536KiB", 1536 << 10, "1536KiB"},
		{"10MB", 10_000_000, "10MB"},
		{"3GB", 3_000_000_000, "3GB"},
		{"2GiB", 2 << 30, "2GiB"},
		{"1048575GiB", 1048575 << 30, "1048575GiB"},
	} {
		got, err := ParseSize(c.text)
		if err != nil || got != c.want || got.String() != c.back {
			t.Errorf("%q is %v (%d), %v; want %s", c.text, got, got, err, c.back)
		}
	}
	for _, text := range []string{"", "B", "MiB", "-1", "+1", "1.5MiB", "1 MiB", "1mb", "1M", "1KiBB", "0x10", "1048577GiB", "99999999999999999999"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("%q is taken as %v", text, got)
		}
	}
}

func TestNear(t *testing.T) {
	r := Resolution{Name: "h", Slide: hour, Keep: 5 * hour}
	for _, c := range []struct{ window, below, above Duration }{
		{-hour, 0, hour},
		{0, 0, hour},
		{30 * minute, 0, hour},
		{90 * minute, hour, 2 * hour},
		{4*hour - 1, 3 * hour, 4 * hour},
		{5 * hour, 4 * hour, 0},
		{365 * day, 4 * hour, 0},
	} {
		if below, above := r.near(c.window); below != c.below || above != c.above {
			t.Errorf("near %v are %v and %v, want %v and %v", c.window, below, above, c.below, c.above)
		}
	}
}
