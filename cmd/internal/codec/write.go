package codec

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A writer is a JSON object as far as it is written. It writes as encoding/json does with appendJSON, byte for byte, in
// a fraction of its time: flagged shipments may be half as many as events. Each method takes what stands before the
// value, as it is: a comma or a brace, the key and a colon.
type writer []byte

func (w *writer) raw(text string) { *w = append(*w, text...) }

func (w *writer) text(before, text string) { *w = appendText(append(*w, before...), text) }

func (w *writer) figure(before string, x float64) { *w = appendFigure(append(*w, before...), x) }

func (w *writer) stamp(before string, t time.Time) { *w = appendStamp(append(*w, before...), t) }

func (w *writer) whole(before string, n int64) { *w = strconv.AppendInt(append(*w, before...), n, 10) }

func (w *writer) flag(before string, is bool) { *w = strconv.AppendBool(append(*w, before...), is) }

// separator is what stands before the i-th member of a list.
func separator(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

// appendText appends a JSON string. What needs escapes is left to the library.
func appendText(b []byte, text string) []byte {
	if !plain(text) {
		return appendJSON(b, text)
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"')
}

// plain reports whether a JSON string holds text as it is.
func plain(text string) bool {
	ascii := true
	for i := range len(text) {
		c := text[i]
		if c < ' ' || c == '"' || c == '\\' {
			return false
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	// JavaScript took these two for line ends, so the library escapes them.
	return ascii || utf8.ValidString(text) && !strings.Contains(text, "\u2028") && !strings.Contains(text, "\u2029")
}

// appendFigure appends a number, null for what JSON can't say.
func appendFigure(b []byte, x float64) []byte {
	size := math.Abs(x)
	switch {
	case math.IsNaN(x) || math.IsInf(x, 0):
		return append(b, "null"...)
	case x == 0 || size >= 1e-6 && size < 1e21:
		return strconv.AppendFloat(b, x, 'f', -1, 64)
	}
	return appendJSON(b, x) // with an exponent
}

// appendStamp appends a time, null for none.
func appendStamp(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, "null"...)
	}
	b = append(b, '"')
	b = appendMillis(b, t)
	return append(b, '"')
}

// appendMillis appends a time in the layout millis.
func appendMillis(b []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return t.AppendFormat(b, millis)
	}
	hour, minute, second := t.Clock()
	b = appendDigits(b, year/100, year%100)
	b = append(b, '-')
	b = appendDigits(b, int(month))
	b = append(b, '-')
	b = appendDigits(b, day)
	b = append(b, 'T')
	b = appendDigits(b, hour)
	b = append(b, ':')
	b = appendDigits(b, minute)
	b = append(b, ':')
	b = appendDigits(b, second)
	thousandths := t.Nanosecond() / int(time.Millisecond)
	b = append(b, '.', byte('0'+thousandths/100))
	b = appendDigits(b, thousandths%100)
	return append(b, 'Z')
}

// appendDigits appends numbers below 100, two digits each.
func appendDigits(b []byte, numbers ...int) []byte {
	for _, n := range numbers {
		b = append(b, byte('0'+n/10), byte('0'+n%10))
	}
	return b
}
