package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Duration is a time.Duration written with days too: 30d, 1d12h, 90m, 500ms.
type Duration time.Duration

// maxDays keeps sums of a few durations within what int64 nanoseconds hold, 292 years.
const maxDays = 100 * 366

// ParseDuration reads what time.ParseDuration reads, and whole days before it.
func ParseDuration(s string) (Duration, error) {
	days, rest, ok := strings.Cut(s, "d")
	if !ok {
		days, rest = "0", s
	}
	n, err := strconv.ParseUint(days, 10, 31)
	var d time.Duration
	if err == nil && (!ok || rest != "") {
		d, err = time.ParseDuration(rest)
	}
	switch {
	case err != nil || ok && strings.HasPrefix(rest, "-"):
		return 0, fmt.Errorf("must be a duration such as 500ms, 90m, 24h, 30d or 1d12h, is %s", show(s))
	case n > maxDays || d > time.Duration(maxDays*day):
		return 0, fmt.Errorf("must be a duration of at most %v, is %s", maxDays*day, show(s))
	}
	return Duration(n)*day + Duration(d), nil
}

// UnmarshalText reads a duration as ParseDuration does.
func (d *Duration) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDuration(string(text))
	return err
}

// MarshalText writes what String gives.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String gives whole days as 30d, anything else as time.Duration does, without units that are zero.
func (d Duration) String() string {
	if d != 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Size is a number of bytes, written with a unit: 64KiB, 1MiB, 10MB, or plain.
type Size int64

// sizeUnits are tried in this order, and printed by the first that divides.
var sizeUnits = []struct {
	name  string
	bytes Size
}{
	{"GiB", 1 << 30},
	{"MiB", 1 << 20},
	{"KiB", 1 << 10},
	{"GB", 1e9},
	{"MB", 1e6},
	{"kB", 1e3},
	{"B", 1},
	{"", 1},
}

// maxSize is far above every permitted value and keeps the product of number and unit within int64.
const maxSize = 1 << 50

// ParseSize reads a whole number and a unit: B, kB, MB, GB by thousands, KiB, MiB, GiB by 1,024; none means bytes.
func ParseSize(s string) (Size, error) {
	for _, u := range sizeUnits {
		digits, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 63)
		if err == nil && Size(n) <= maxSize/u.bytes {
			return Size(n) * u.bytes, nil
		}
	}
	return 0, fmt.Errorf("must be a size such as 64KiB, 1MiB or 10MB, is %s", show(s))
}

// UnmarshalText reads a size as ParseSize does.
func (s *Size) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSize(string(text))
	return err
}

// MarshalText writes what String gives.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String gives the size in the largest unit that makes it a whole number.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s != 0 && s%u.bytes == 0 {
			return strconv.FormatInt(int64(s/u.bytes), 10) + u.name
		}
	}
	return "0B"
}

// parseDate reads a day, which begins at midnight UTC, or an instant.
func parseDate(s string) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("must be a date such as 1990-01-01 or a time such as 1990-01-01T07:00:00Z, is %s", show(s))
}

// show quotes a value for a message, cut where it gets long.
func show(s string) string {
	const most = 40
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return strconv.Quote(s)
}
