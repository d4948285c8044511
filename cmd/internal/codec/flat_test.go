package codec

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/valyala/fastjson"
	"github.com/valyala/fastjson/fastfloat"
)

// flatSeeds are objects that flat takes, some that it leaves to the parser, and some that are no JSON in all the ways
// that a hand-written scanner could miss.
var flatSeeds = []string{
	wholeEvent, benchmarkEvent, `{}`, `{ }`, ` {"a":1} `, "\t\r\n{\"a\" : null\n,\r\"b\"\t:true , \"c\":false}\n", `{"sender_id":"A","sender_id":"B"}`,
	`{"a":1,}`, `{,"a":1}`, `{"a":1 "b":2}`, `{"a"}`, `{"a":}`, `{a:1}`, `{'a':1}`, `{"a":1`, `{"a":"`, `{"a":"x`, `{`, `{"`, `{"a":1}}`, `{"a":1}x`, `[]`,
	`{"a":nul}`, `{"a":nullx}`, `{"a":True}`, `{"a":falsetto}`, `{"a":tru`, `{"a":NaN}`, `{"a":Infinity}`, `{"a":-Inf}`, `{"a":-}`, `{"a":+1}`, `{"a":01}`,
	`{"a":-01}`, `{"a":0.}`, `{"a":.5}`, `{"a":1e}`, `{"a":1e+}`, `{"a":1e-0}`, `{"a":1E5,"b":-0,"weight_g":-0.0}`, `{"a":1-2}`, `{"a":1.2.3}`, `{"a":1 2}`, `{"a":0x1}`,
	"{\"a\":\"\n\"}", "{\"a\n\":1}", "{\"a\":\"\x1f\"}", "{\"a\":\"\x7f\"}", `{"a":"\u0041"}`, `{"a":"\q"}`, `{"a\"":1}`, `{"a":"\"}`, `{"a":{}}`, `{"a":[1]}`,
	"\ufeff{\"a\":1}", "{\"a\":1\u00a0}", "{\"a\":1\v}", `{"weight_g":9007199254740993,"declared_value":123456789012345.67}`, `{"":""}`,
}

// FuzzFlat: what flat takes is JSON to the parser, with the same members.
func FuzzFlat(f *testing.F) {
	for _, value := range flatSeeds {
		f.Add([]byte(value))
	}
	quick, slow := NewDecoder(Options{}), NewDecoder(Options{})
	f.Fuzz(func(t *testing.T, value []byte) {
		quick.values = [fields]member{}
		if !utf8.Valid(value) || !quick.flat(value) {
			return
		}
		if err := slow.parseAny(value); err != nil {
			t.Fatalf("%q is taken, but %v", value, err)
		}
		for name := range fields {
			got, want := quick.values[name], slow.values[name]
			if got.kind != want.kind || string(got.text) != string(want.text) {
				t.Fatalf("%q has the %v %v %q, want %v %q", value, name, got.kind, got.text, want.kind, want.text)
			}
		}
	})
}

// Were flat to take nothing, everything would be right, but slow.
func TestFlatTakes(t *testing.T) {
	d := NewDecoder(Options{})
	for _, value := range []string{
		benchmarkEvent, ` { "a" : 1 , "b" : null } `, `{"a":-1.5e+3,"b":0,"c":0.5,"d":true,"e":false,"f":"Hà Nội","":""}`,
	} {
		if !d.flat([]byte(value)) {
			t.Errorf("%s is left", value)
		}
	}
}

// FuzzParseFloat: a short number is what the parser's own reading gives, to the last bit.
func FuzzParseFloat(f *testing.F) {
	for _, text := range []string{"0", "-0", "0.1", "1250.5", "123456789012345", "1.23456789012345", "-0.0000000000001", "1e5", "1e-7", "9007199254740993", "1e999"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if afterNumber([]byte(text), 0) != len(text) || text == "" {
			return
		}
		got, gotErr := parseFloat([]byte(text))
		want, wantErr := fastfloat.Parse(text)
		if (gotErr == nil) != (wantErr == nil) || math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("%s is %v, %v; want %v, %v", text, got, gotErr, want, wantErr)
		}
	})
}

func TestParseFloatOfDecimals(t *testing.T) {
	for n := range int64(200_000) {
		digits := strconv.FormatInt(n*4_999_999_937+1, 10) // up to 15 digits, the point anywhere
		point := int(n) % (len(digits) + 1)
		text := "0." + digits
		if point > 0 {
			text = digits[:point]
			if point < len(digits) {
				text += "." + digits[point:]
			}
		}
		got, _ := parseFloat([]byte(text))
		v, err := fastjson.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if want, _ := v.Float64(); got != want {
			t.Fatalf("%s is %v, want %v", text, got, want)
		}
	}
}

// FuzzQuoted: a string ends where a plain walk ends it.
func FuzzQuoted(f *testing.F) {
	for _, text := range []string{"", "a", "\"", "1234567\"", "12345678\"", "!\x01\"", "#\"", "\xa2\"", "]\\\"", "12345678901234567\x1f\"", "\x80\xff\"\""} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, rest []byte) {
		value := append([]byte{'"'}, rest...)
		text, end := quoted(value, 0)
		want := bytes.IndexFunc(rest, func(r rune) bool { return r == '"' || r == '\\' || r < ' ' })
		if want < 0 || rest[want] != '"' {
			want = -1
		}
		if end != want+2 && (want >= 0 || end != 0) || want >= 0 && string(text) != string(rest[:want]) {
			t.Fatalf("%q: %q ends at %d, want %d", value, text, end, want+2)
		}
	})
}

// Events that share memory stay what they are, and a text that is larger than what they share is whole.
func TestDecodeKeepsTexts(t *testing.T) {
	d := NewDecoder(Options{})
	name := func(n int) string { return strings.Repeat(strconv.Itoa(n%10), n%maxText) + "-" + strconv.Itoa(n) }
	var items []string
	const events = 2_000
	for n := range events {
		value := []byte(`{"sender_id":"A","event_time":1793606400,"item_id":"` + name(n)[max(0, len(name(n))-maxText):] + `"}`)
		e, err := d.Decode(value, testPlace, testRecord)
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, e.Item)
	}
	for n, item := range items {
		if want := name(n)[max(0, len(name(n))-maxText):]; item != want {
			t.Fatalf("item %d is %q, want %q", n, item, want)
		}
	}
	place := testPlace
	place.Source.Topic = strings.Repeat("x", 3*keptTexts)
	e, err := d.Decode([]byte(`{"sender_id":"A","event_time":1793606400}`), place, testRecord)
	if want := place.Source.Topic + "/3/42"; err != nil || e.ID != want || e.Sender != "A" {
		t.Errorf("error %v, the name of %d bytes is %d bytes long", err, len(want), len(e.ID))
	}
}
