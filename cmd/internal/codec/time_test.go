package codec

import (
	"testing"
	"time"
)

// FuzzPlainTime: what is read without the library is what the library reads.
func FuzzPlainTime(f *testing.F) {
	for _, text := range []string{
		"2026-11-02T15:00:00Z", "2026-11-02T15:00:00.1Z", "2026-11-02T15:00:00.123456789+07:00", "2024-02-28T23:59:59.999-00:30",
		"2024-02-29T00:00:00Z", "2023-02-29T00:00:00Z", "2026-12-31T24:00:00Z", "2026-11-02T15:00:60Z", "0000-01-01T00:00:00Z",
		"0001-01-01T00:00:00+23:59", "9999-12-28T23:59:59.9999-23:59", "2026-11-02T15:00:00.Z", "2026-11-02T15:00:00", "2026-11-02T15:00:00+24:00",
		"2026-11-02T15:00:00+07:60", "2026-11-02T-1:00:00Z", "2026-13-02T15:00:00Z", "2026-00-02T15:00:00Z", "2026-11-00T15:00:00Z", "2026-11-02T15:00:00.1234567890Z",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := readPlainTime([]byte(text))
		if !ok {
			return
		}
		want, err := time.Parse(time.RFC3339, text)
		if want = want.UTC().Truncate(time.Millisecond); err != nil || got != want {
			t.Fatalf("%s is %v, want %v, error %v", text, got, want, err)
		}
	})
}

// Were nothing read so, everything would be right, but slow.
func TestPlainTimeTakes(t *testing.T) {
	for _, text := range []string{"2026-11-02T15:00:00Z", "2026-01-28T00:00:00.001Z", "2026-11-02T15:00:00.123456789+07:00", "1990-06-15T23:59:59-03:30"} {
		if _, ok := readPlainTime([]byte(text)); !ok {
			t.Errorf("%s is left", text)
		}
	}
}
