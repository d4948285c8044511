package codec

import (
	"math"
	"strconv"
	"time"

	"github.com/valyala/fastjson"
)

// firstMillis is where numbers turn from Unix seconds (the year 5138) to Unix milliseconds (March 1973).
const firstMillis = 100_000_000_000

func (d *Decoder) time() (time.Time, error) {
	if d.absent(eventTime) {
		return time.Time{}, malformed(eventTime, "%v", errMissing)
	}
	m := &d.values[eventTime]
	if m.kind != fastjson.TypeString && m.kind != fastjson.TypeNumber {
		return time.Time{}, malformed(eventTime, "is %s, not a time", kindOf(m.kind))
	}
	t, ok := readTime(m.text)
	if !ok {
		return time.Time{}, malformed(eventTime, "%s is no RFC 3339 time, Unix seconds or milliseconds", quote(m.text))
	}
	if t.Before(d.from) || !t.Before(d.to) {
		return time.Time{}, malformed(eventTime, "%s is not in the range from %s to %s",
			t.Format(time.RFC3339), d.from.UTC().Format(time.RFC3339), d.to.UTC().Format(time.RFC3339))
	}
	return t, nil
}

// readTime gives a time in UTC, cut to milliseconds.
func readTime(text []byte) (time.Time, bool) {
	if t, ok := readPlainTime(text); ok {
		return t, true
	}
	if decimal(text) {
		ms, ok := readUnix(text)
		return time.UnixMilli(ms).UTC(), ok
	}
	const longest = len("2006-01-02T15:04:05.000000000+07:00")
	if len(text) > longest {
		return time.Time{}, false
	}
	var b [longest]byte
	n := copy(b[:], text)
	const t = len("2006-01-02")
	if n > t && (b[t] == ' ' || b[t] == 't') {
		b[t] = 'T'
	}
	if n > 0 && b[n-1] == 'z' {
		b[n-1] = 'Z'
	}
	when, err := time.Parse(time.RFC3339, string(b[:n]))
	if err != nil {
		return time.Time{}, false
	}
	return when.UTC().Truncate(time.Millisecond), true
}

// readPlainTime reads what nearly all times look like, 2006-01-02T15:04:05 with a fraction or without and Z or an offset
// behind it, in a third of the time that time.Parse takes. False says nothing about text.
func readPlainTime(text []byte) (time.Time, bool) {
	const length = len("2006-01-02T15:04:05")
	if len(text) <= length || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':' {
		return time.Time{}, false
	}
	year, month, day := digits(text[:4]), digits(text[5:7]), digits(text[8:10])
	hour, minute, second := digits(text[11:13]), digits(text[14:16]), digits(text[17:19])
	millis, zone := 0, text[length:]
	if zone[0] == '.' {
		zone = zone[1:]
		n := afterDigits(zone, 0)
		const most = 9 // of nanoseconds
		if n == 0 || n > most {
			return time.Time{}, false
		}
		for i := range 3 {
			millis *= 10
			if i < n {
				millis += int(zone[i] - '0')
			}
		}
		zone = zone[n:]
	}
	const commonDays = 28 // of every month
	if year < 1 || month < 1 || month > 12 || day < 1 || day > commonDays || hour > 23 || minute > 59 || second > 59 ||
		min(hour, minute, second) < 0 {
		return time.Time{}, false
	}
	offset, ok := readOffset(zone)
	t := time.Date(year, time.Month(month), day, hour, minute, second, millis*int(time.Millisecond), time.UTC)
	return t.Add(-offset), ok
}

// digits reads a few digits; below 0 if they are none.
func digits(text []byte) int {
	n := 0
	for _, c := range text {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// readOffset reads Z or an offset such as +07:00.
func readOffset(text []byte) (time.Duration, bool) {
	if len(text) == 1 && text[0] == 'Z' {
		return 0, true
	}
	if len(text) != len("+07:00") || text[3] != ':' || text[0] != '+' && text[0] != '-' {
		return 0, false
	}
	hours, minutes := digits(text[1:3]), digits(text[4:])
	if hours < 0 || hours > 23 || minutes < 0 || minutes > 59 {
		return 0, false
	}
	offset := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if text[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// readUnix gives Unix milliseconds, cut. It works on digits, as the floating-point number nearest to 1767582802.123
// would lose the last millisecond.
func readUnix(text []byte) (ms int64, ok bool) {
	negative := text[0] == '-'
	if negative {
		text = text[1:]
	}
	var wholePart, thousandths int64
	digits, fraction := 0, -1 // how many were read; no point yet
	for _, c := range text {
		switch {
		case c == '.' && fraction < 0 && digits > 0:
			fraction = 0
		case c == 'e' || c == 'E':
			return readExponent(text, negative)
		case c < '0' || c > '9':
			return 0, false
		case fraction < 0:
			if digits++; digits > 15 { // beyond any year that can be written
				return 0, false
			}
			wholePart = wholePart*10 + int64(c-'0')
		default:
			if fraction++; fraction <= 3 {
				thousandths = thousandths*10 + int64(c-'0')
			}
		}
	}
	if digits == 0 || fraction == 0 {
		return 0, false
	}
	for ; fraction < 3; fraction++ {
		if fraction > 0 {
			thousandths *= 10
		}
	}
	ms = wholePart
	if wholePart < firstMillis {
		ms = wholePart*1000 + thousandths
	}
	if negative {
		ms = -ms
	}
	return ms, true
}

// readExponent reads what is written as 1.767582802e9.
func readExponent(text []byte, negative bool) (ms int64, ok bool) {
	x, err := strconv.ParseFloat(string(text), 64)
	if err != nil || x < 0 || x >= 1e15 {
		return 0, false
	}
	if x < firstMillis {
		x *= 1000
	}
	if negative {
		x = -x
	}
	return int64(math.Round(x)), true
}
