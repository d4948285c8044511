package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func ExampleLoad() {
	_, err := Load("mine.yaml", []byte("kafka:\n  fetch_wait: 1h\ndetectors:\n\n  burst: {treshold: 5}\n"))
	var faults *Error
	if errors.As(err, &faults) {
		fmt.Println(faults.Detail())
	}
	// Output:
	// mine.yaml:2:15: kafka.fetch_wait: must be from 10ms to 5s, is 1h
	//     2 |   fetch_wait: 1h
	//       |               ^
	// mine.yaml:5:11: detectors.burst.treshold: unknown key, did you mean "threshold"?
	//     5 |   burst: {treshold: 5}
	//       |           ^
}

func TestFaultString(t *testing.T) {
	for _, c := range []struct {
		fault Fault
		want  string
	}{
		{Fault{File: "f", Line: 2, Column: 3, Path: "a.b", Message: "m"}, "f:2:3: a.b: m"},
		{Fault{File: "f", Line: 2, Column: 3, Message: "m"}, "f:2:3: m"},
		{Fault{Line: 2, Column: 3, Path: "a", Message: "m"}, "2:3: a: m"},
		{Fault{Path: "a", Message: "m"}, "a: m"},
		{Fault{Message: "m"}, "m"},
	} {
		if got := c.fault.String(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	without := Fault{Path: "a", Message: "m"}
	if without.Detail() != without.String() {
		t.Errorf("without a position: %q", without.Detail())
	}
}

func TestExcerpt(t *testing.T) {
	long := strings.Repeat("a", 200) + "!" + strings.Repeat("b", 200)
	for _, c := range []struct {
		name, source string
		column       int
		line, blanks string
	}{
		{"first column", "abc", 1, "abc", ""},
		{"a tab stays one", "a\tbc", 3, "a\tbc", " \t"},
		{"characters, not bytes", "é: ñ", 4, "é: ñ", "   "},
		{"what a terminal obeys", "a\x1b[31m", 2, "a·[31m", " "},
		{"beyond the end", "ab", 9, "ab", "  "},
		{"an empty line", "", 1, "", ""},
		{"a long line", long, 201, long[140:240], strings.Repeat(" ", 60)},
	} {
		if line, blanks := excerpt(c.source, c.column); line != c.line || blanks != c.blanks {
			t.Errorf("%s: got %q and %q", c.name, line, blanks)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"abc", "", 3},
		{"treshold", "threshold", 1},
		{"brokres", "brokers", 2},
		{"kitten", "sitting", 3},
	} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("from %q to %q are %d changes, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestSuggestions(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"kafkas: {}", `did you mean "kafka"?`},
		{"alerts: {quite: 1h}", `did you mean "quiet"?`},
		{"broker: [a:1]", "known here are kafka, redis,"},
		{"brokers: [a:1]", "did you mean kafka.brokers?"},
		{"topics: {}", "did you mean kafka.topics?"},
		{"severity: {high: 3}", "did you mean alerts.severity?"},
		{"redis: {host: a}", "known here are addresses, cluster,"},
		{strings.Repeat("k", 1000) + ": 1", strings.Repeat("k", 40) + "…: unknown key, known here"},
	} {
		f := faultsOf(t, c.text)
		if len(f) != 1 || !strings.Contains(f[0].String(), c.want) {
			t.Errorf("%.40s: got %v, want %q", c.text, f, c.want)
		}
	}
}

// Positions count as editors do, whatever ends a line and whatever stands before it.
func TestPositions(t *testing.T) {
	for _, text := range []string{
		"a: 1\n\nkafka: {start: x}",
		"a: 1\r\n\r\nkafka: {start: x}\r\n",
		"\ufeffa: 1\n\nkafka: {start: x}",
		"a: 1 # é\n# ñ\nkafka: {start: x}",
	} {
		f := faultsOf(t, text)
		if len(f) != 2 || f[1].Line != 3 || f[1].Column != 16 {
			t.Errorf("%q: got %v, want a fault at 3:16", text, f)
			continue
		}
		if want := "    3 | kafka: {start: x}\n      |                ^"; !strings.HasSuffix(f[1].Detail(), want) {
			t.Errorf("%q: got\n%s", text, f[1].Detail())
		}
	}
}
