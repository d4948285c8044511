package codec

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

var (
	testPlace  = windows.Coordinates{Source: windows.Source{Topic: "shipments", Epoch: 2, Partition: 3}, Offset: 42}
	testRecord = time.Date(2026, 11, 2, 8, 0, 1, 0, time.UTC)
)

func testOptions() Options {
	return Options{
		MaxBytes: 1 << 20,
		TimeFrom: time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC), TimeTo: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
	}
}

func known(x float64) detector.Amount { return detector.Amount{Value: x, Known: true} }

// leastEvent is what becomes of {"sender_id":"A","event_time":1793606400}.
func leastEvent() detector.Event {
	return detector.Event{
		ID: "shipments/3/42", Time: time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC), Sender: "A", At: testPlace, RecordTime: testRecord,
	}
}

const wholeEvent = `{"event_id":"e1","event_time":"2026-11-02T15:00:00.5+07:00","sender_id":"A","recipient_id":"B",
	"item_id":"RR123456785VN","event_type":"posted","origin":"Hà Nội","destination":70000,"weight_g":1250.5,
	"declared_value":3e5,"currency":"VND","service":"EMS","operator":"VNPost","contents":{"nobody":["looks",1]}}`

func TestDecode(t *testing.T) {
	least := func(change func(*detector.Event)) detector.Event {
		e := leastEvent()
		change(&e)
		return e
	}
	f := func(value string, want detector.Event) {
		t.Helper()
		got, err := NewDecoder(testOptions()).Decode([]byte(value), testPlace, testRecord)
		if err != nil {
			t.Errorf("%s: %v", value, err)
			return
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n got %+v\nwant %+v", value, got, want)
		}
	}
	f(wholeEvent, detector.Event{
		ID: "e1", Time: time.Date(2026, 11, 2, 8, 0, 0, 5e8, time.UTC), Sender: "A", Recipient: "B", Item: "RR123456785VN",
		Type: "posted", Origin: "Hà Nội", Destination: "70000", WeightG: known(1250.5), DeclaredValue: known(3e5),
		Currency: "VND", Service: "EMS", Operator: "VNPost", At: testPlace, RecordTime: testRecord,
	})
	f(`{"sender_id":"A","event_time":"2026-11-02T08:00:00Z"}`, leastEvent())
	f(" \n{\"sender_id\" : \"A\" ,\t\"event_time\":\"2026-11-02 08:00:00Z\"} ", leastEvent())

	// Null and the empty string are absent.
	f(`{"sender_id":"A","event_time":1793606400,"event_id":null,"recipient_id":null,"item_id":null,"event_type":null,
		"origin":null,"destination":null,"weight_g":null,"declared_value":null,"currency":null,"service":null,
		"operator":null,"carrier":null}`, leastEvent())
	f(`{"sender_id":"A","event_time":1793606400,"event_id":"","recipient_id":"","item_id":"","event_type":"",
		"origin":"","destination":"","weight_g":"","declared_value":"","currency":"","service":"",
		"operator":"","carrier":""}`, leastEvent())

	// Texts may be whole numbers of any length, numbers may be quoted.
	f(`{"sender_id":"A","event_time":1793606400,"event_id":7,"recipient_id":-7,"item_id":123456789012345678901234567890}`,
		least(func(e *detector.Event) { e.ID, e.Recipient, e.Item = "7", "-7", "123456789012345678901234567890" }))
	f(`{"sender_id":"A","event_time":1793606400,"weight_g":"12.5","declared_value":"0"}`,
		least(func(e *detector.Event) { e.WeightG, e.DeclaredValue = known(12.5), known(0) }))
	f(`{"sender_id":"A","event_time":1793606400,"weight_g":0,"declared_value":"-1.5e3"}`,
		least(func(e *detector.Event) { e.WeightG, e.DeclaredValue = known(0), known(-1500) }))

	// The carrier is the operator where there is no operator.
	f(`{"sender_id":"A","event_time":1793606400,"carrier":"C"}`, least(func(e *detector.Event) { e.Operator = "C" }))
	f(`{"carrier":"C","sender_id":"A","event_time":1793606400,"operator":"O"}`, least(func(e *detector.Event) { e.Operator = "O" }))
	f(`{"sender_id":"A","event_time":1793606400,"operator":"O","carrier":"C"}`, least(func(e *detector.Event) { e.Operator = "O" }))
	f(`{"sender_id":"A","event_time":1793606400,"carrier":"C","operator":null}`, least(func(e *detector.Event) { e.Operator = "C" }))
	f(`{"sender_id":"A","event_time":1793606400,"carrier":"C","operator":""}`, least(func(e *detector.Event) { e.Operator = "C" }))

	// Escapes, also in names; the last of a repeated name counts; names are exact.
	f(`{"sender\u005fid":"\u0041","event_time":1793606400,"item_id":"\"\\\/\n\ud83d\udce6"}`,
		least(func(e *detector.Event) { e.Item = "\"\\/\n📦" }))
	f(`{"sender_id":"Z","sender_id":"A","event_time":1793606400,"weight_g":1,"weight_g":null,"Item_ID":"x"}`, leastEvent())

	// A text may be as long as the limit.
	long := strings.Repeat("x", maxText)
	f(`{"sender_id":"A","event_time":1793606400,"item_id":"`+long+`"}`, least(func(e *detector.Event) { e.Item = long }))
}

func TestDecodeEventTime(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		e, err := NewDecoder(testOptions()).Decode([]byte(`{"sender_id":"A","event_time":`+text+`}`), testPlace, testRecord)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			return
		}
		if got := e.Time.Format(time.RFC3339Nano); got != want || e.Time.Location() != time.UTC {
			t.Errorf("%s is %s in %s, want %s in UTC", text, got, e.Time.Location(), want)
		}
	}
	f(`"2026-11-02T08:00:00Z"`, "2026-11-02T08:00:00Z")
	f(`"2026-11-02t08:00:00z"`, "2026-11-02T08:00:00Z")
	f(`"2026-11-02 15:00:00+07:00"`, "2026-11-02T08:00:00Z")
	f(`"2026-11-02T00:30:00-03:30"`, "2026-11-02T04:00:00Z")
	f(`1793606400`, "2026-11-02T08:00:00Z")
	f(`1793606400123`, "2026-11-02T08:00:00.123Z")
	f(`"1793606400"`, "2026-11-02T08:00:00Z")
	f(`"1793606400123"`, "2026-11-02T08:00:00.123Z")
	f(`1.7936064E9`, "2026-11-02T08:00:00Z")
	f(`1.793606400123e12`, "2026-11-02T08:00:00.123Z")

	// What is finer than a millisecond is cut off, never rounded up.
	f(`"2026-11-02T08:00:00.123999999Z"`, "2026-11-02T08:00:00.123Z")
	f(`"2026-11-02 15:00:00.999999999+07:00"`, "2026-11-02T08:00:00.999Z")
	f(`1793606400.1`, "2026-11-02T08:00:00.1Z")
	f(`1793606400.001`, "2026-11-02T08:00:00.001Z")
	f(`1793606400.9999`, "2026-11-02T08:00:00.999Z")
	f(`1793606400123.9`, "2026-11-02T08:00:00.123Z")

	// The bounds: from is inside, to is not.
	f(`"1990-01-01T00:00:00Z"`, "1990-01-01T00:00:00Z")
	f(`"2099-12-31T23:59:59.9999Z"`, "2099-12-31T23:59:59.999Z")
}

// Without bounds any time counts that can be written again.
func TestDecodeEventTimeWithoutBounds(t *testing.T) {
	const outside = " is not in the range from 0001-01-01T00:00:00Z to 10000-01-01T00:00:00Z"
	f := func(text, want string) {
		t.Helper()
		e, err := NewDecoder(Options{}).Decode([]byte(`{"sender_id":"A","event_time":`+text+`}`), testPlace, testRecord)
		got := e.Time.Format(time.RFC3339Nano)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
	// Where seconds end and milliseconds begin.
	f(`99999999999`, "5138-11-16T09:46:39Z")
	f(`100000000000`, "1973-03-03T09:46:40Z")
	f(`0`, "1970-01-01T00:00:00Z")
	f(`-1`, "1969-12-31T23:59:59Z")
	f(`253402300799999`, "9999-12-31T23:59:59.999Z")
	f(`253402300800000`, "event_time: 10000-01-01T00:00:00Z"+outside)
	f(`"9999-12-31T23:59:59-01:00"`, "event_time: 10000-01-01T00:59:59Z"+outside)
	f(`"0001-01-01T00:00:00.001Z"`, "0001-01-01T00:00:00.001Z")
	f(`"0001-01-01T00:00:00Z"`, "event_time: 0001-01-01T00:00:00Z"+outside) // it would mean that there is none
}

// The id of an event that has none tells its place, even the first of all.
func TestDecodeNamesByPlace(t *testing.T) {
	at := windows.Coordinates{Source: windows.Source{Topic: "a.b-c", Epoch: 9}}
	e, err := NewDecoder(Options{}).Decode([]byte(`{"sender_id":"A","event_time":1}`), at, time.Time{})
	if err != nil || e.ID != "a.b-c/0/0" || e.At != at || !e.RecordTime.IsZero() {
		t.Errorf("got %+v, %v", e, err)
	}
}

func TestDecodeMalformed(t *testing.T) {
	event := func(field string) string { return `{"sender_id":"A","event_time":1793606400,` + field + `}` }
	f := func(value, field, want string) {
		t.Helper()
		e, err := NewDecoder(testOptions()).Decode([]byte(value), testPlace, testRecord)
		var m *Malformed
		if !errors.As(err, &m) {
			t.Errorf("%.80q gives %+v, %v; want it malformed", value, e, err)
			return
		}
		if field != "" {
			want = field + ": " + want
		}
		if m.Field != field || err.Error() != want {
			t.Errorf("%.80q\n got %q: %s\nwant %q: %s", value, m.Field, err, field, want)
		}
		if !reflect.DeepEqual(e, detector.Event{}) {
			t.Errorf("%.80q: an event besides the error: %+v", value, e)
		}
	}
	// The record as a whole.
	f("", "", "is empty, as a tombstone is")
	f(event(`"x":"`+strings.Repeat("x", 1<<20)+`"`), "", "has 1048624 bytes, the limit is 1048576")
	f("\x00\x00\x00\x01\x02"+event(`"x":1`), "", "is no JSON but framed for the schema registry of Confluent (schema 258)")
	f("\x00", "", `is no JSON: invalid character '\x00' looking for beginning of value at byte 1`)
	f("{\"a\":\"\xff\"}", "", "is no UTF-8 at byte 6")
	f("{\"a\":\"\ufffd\xed\xa0\x80\"}", "", "is no UTF-8 at byte 9") // half of a surrogate pair
	f(event(`"x":`+strings.Repeat("[", maxDepth)+strings.Repeat("]", maxDepth)), "", "nests more than 32 levels")
	f(strings.Repeat("[", 1<<19), "", "nests more than 32 levels")
	f(strings.Repeat(`{"a":`, 1<<17), "", "nests more than 32 levels")
	f(" ", "", "is no JSON: unexpected end of JSON input at byte 1")
	f("yesterday", "", "is no JSON: invalid character 'y' looking for beginning of value at byte 1")
	f(`{"sender_id":"A","event_time":17936`, "", "is no JSON: unexpected end of JSON input at byte 35")
	f(`{"sender_id":A}`, "", "is no JSON: invalid character 'A' looking for beginning of value at byte 14")
	f(`{"a":1} {"b":2}`, "", "is no JSON: invalid character '{' after top-level value at byte 9")
	f(`[1]`, "", "is an array, not an object")
	f(`"x"`, "", "is a string, not an object")
	f(`null`, "", "is null, not an object")
	f(`true`, "", "is true or false, not an object")
	f(`1793606400`, "", "is a number, not an object")

	// What a lenient parser would let pass, even in a field that nobody looks at.
	f(`{"x":NaN}`, "", "is no JSON: invalid character 'N' looking for beginning of value at byte 6")
	f(`{"x":1-2}`, "", "is no JSON: invalid character '-' after object key:value pair at byte 7")
	f(`{"x":01}`, "", "is no JSON: invalid character '1' after object key:value pair at byte 7")
	f(`{"x":"\q"}`, "", "is no JSON: invalid character 'q' in string escape code at byte 8")
	f("{\"x\":\"a\nb\"}", "", `is no JSON: invalid character '\n' in string literal at byte 8`)

	// Missing.
	f(`{}`, "sender_id", "missing")
	f(`{"event_time":1793606400,"sender_id":null}`, "sender_id", "missing")
	f(`{"event_time":1793606400,"sender_id":""}`, "sender_id", "missing")
	f(`{"sender_id":"A"}`, "event_time", "missing")
	f(`{"sender_id":"A","event_time":null}`, "event_time", "missing")
	f(`{"sender_id":"A","event_time":""}`, "event_time", "missing")

	// Texts.
	long := strings.Repeat("x", maxText+1)
	for _, name := range []string{
		"event_id", "sender_id", "recipient_id", "item_id", "event_type", "origin", "destination", "currency", "service", "operator",
	} {
		f(event(`"`+name+`":false`), name, "is true or false, not a string or a number")
		f(event(`"`+name+`":["A"]`), name, "is an array, not a string or a number")
		f(event(`"`+name+`":{"id":"A"}`), name, "is an object, not a string or a number")
		f(event(`"`+name+`":7.0`), name, "is a number with a fraction or an exponent, not a whole one or a string")
		f(event(`"`+name+`":1e3`), name, "is a number with a fraction or an exponent, not a whole one or a string")
		f(event(`"`+name+`":"`+long+`"`), name, "has 513 bytes, the limit is 512")
		f(event(`"`+name+`":`+strings.Repeat("1", maxText+1)), name, "has 513 bytes, the limit is 512")
	}

	// Amounts.
	for _, name := range []string{"weight_g", "declared_value"} {
		f(event(`"`+name+`":true`), name, "is true or false, not a number")
		f(event(`"`+name+`":[]`), name, "is an array, not a number")
		f(event(`"`+name+`":{}`), name, "is an object, not a number")
		f(event(`"`+name+`":1e999`), name, "is no number that a computer can hold")
		f(event(`"`+name+`":"-1e999"`), name, "is no number that a computer can hold")
		f(event(`"`+name+`":"1-2"`), name, "is no number that a computer can hold")
		for _, text := range []string{"heavy", "Inf", "NaN", "0x10", "1_000", "1,5", " 1"} {
			f(event(`"`+name+`":"`+text+`"`), name, "is a text, not a number")
		}
	}

	// Times.
	f(event(`"event_time":false`), "event_time", "is true or false, not a time")
	f(event(`"event_time":[1]`), "event_time", "is an array, not a time")
	f(event(`"event_time":{}`), "event_time", "is an object, not a time")
	const unreadable = " is no RFC 3339 time, Unix seconds or milliseconds"
	for _, text := range []string{
		"yesterday", "2026-11-02", "2026-11-02T08:00:00", "2026-11-02T08:00Z", "2026-13-02T08:00:00Z", "2026-02-30T08:00:00Z",
		"2026-11-02T25:00:00Z", "2026-11-02_08:00:00Z", "1793606400123456", "-", "--1", ".5", "1.", "1.2.3", "e9", "1e300", "Infinity",
	} {
		f(event(`"event_time":"`+text+`"`), "event_time", `"`+text+`"`+unreadable)
	}
	f(event(`"event_time":"`+strings.Repeat("ạ", 400)+`"`), "event_time", `"`+strings.Repeat("ạ", 13)+`"…`+unreadable)
	f(event(`"event_time":"\u001b[31m"`), "event_time", `"\x1b[31m"`+unreadable)
	const outside = " is not in the range from 1990-01-01T00:00:00Z to 2100-01-01T00:00:00Z"
	f(event(`"event_time":"1989-12-31T23:59:59Z"`), "event_time", "1989-12-31T23:59:59Z"+outside)
	f(event(`"event_time":"2100-01-01T00:00:00Z"`), "event_time", "2100-01-01T00:00:00Z"+outside)
	f(event(`"event_time":0`), "event_time", "1970-01-01T00:00:00Z"+outside)
}

// A record may be as large as the limit and nest as deeply, and brackets in strings don't count.
func TestDecodeWithinLimits(t *testing.T) {
	for _, extra := range []string{
		strings.Repeat("[", maxDepth-1) + strings.Repeat("]", maxDepth-1),
		`"` + strings.Repeat("[", 1000) + `"`,
		`"\"` + strings.Repeat("{", 1000) + `"`,
		"[" + strings.Repeat("[],", 1000) + "[]]",
	} {
		value := `{"sender_id":"A","event_time":1793606400,"x":` + extra + `}`
		o := testOptions()
		o.MaxBytes = len(value)
		got, err := NewDecoder(o).Decode([]byte(value), testPlace, testRecord)
		if err != nil || !reflect.DeepEqual(got, leastEvent()) {
			t.Errorf("%.100s: %+v, %v", value, got, err)
		}
	}
}

// An event stays what it is when its record's memory and its decoder are used again.
func TestDecodeSharesNoMemory(t *testing.T) {
	d := NewDecoder(testOptions())
	value := []byte(wholeEvent)
	first, err := d.Decode(value, testPlace, testRecord)
	if err != nil {
		t.Fatal(err)
	}
	for i := range value {
		value[i] = '?'
	}
	other := strings.NewReplacer("A", "X", `"B"`, `"Y"`, "RR", "ZZ", "Hà", "Ạạ", "EMS", "QQQ", "70000", "80000").Replace(wholeEvent)
	if _, err := d.Decode([]byte(other), testPlace, testRecord); err != nil {
		t.Fatal(err)
	}
	again, err := NewDecoder(testOptions()).Decode([]byte(wholeEvent), testPlace, testRecord)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(first, again) {
		t.Errorf("an event changed:\n was %+v\n  is %+v", again, first)
	}
}

// A decoder that met faults and huge records is as good as new: nothing of them shows in the next event.
func TestDecodeForgets(t *testing.T) {
	d := NewDecoder(testOptions())
	for _, value := range []string{
		wholeEvent,
		`{"item_id":"stale","origin":"stale","weight_g":1,"sender_id":true}`,
		`{"sender_id":"stale","recipient_id":"stale","carrier":"stale"}`,
		`{"sender_id":"A","event_time":1793606400,"x":[` + strings.Repeat("1,", 100_000) + `1]}`,
		`{"sender_id":"A","event_time":1793606400,` + strings.Repeat(`"item_id":"repeated",`, 10_000) + `"service":"s"}`,
		`nonsense`,
	} {
		_, _ = d.Decode([]byte(value), testPlace, testRecord)
		got, err := d.Decode([]byte(`{"sender_id":"A","event_time":1793606400}`), testPlace, testRecord)
		if err != nil || !reflect.DeepEqual(got, leastEvent()) {
			t.Errorf("after %.60s:\n got %+v, %v\nwant %+v", value, got, err, leastEvent())
		}
	}
}

func TestDecodePseudonyms(t *testing.T) {
	key := []byte("a key of at least thirty-two bytes")
	const value = `{"sender_id":"+84912345678","recipient_id":84987654321,"event_time":1793606400}`
	for _, c := range []struct{ senders, recipients bool }{{false, false}, {true, false}, {false, true}, {true, true}} {
		sender, recipient := "+84912345678", "84987654321"
		if c.senders {
			sender = Pseudonym(key, "sender", sender)
		}
		if c.recipients {
			recipient = Pseudonym(key, "recipient", recipient)
		}
		d := NewDecoder(Options{PseudonymSenders: c.senders, PseudonymRecipients: c.recipients, Key: key})
		for range 2 { // the second finds a used hash
			e, err := d.Decode([]byte(value), testPlace, testRecord)
			if err != nil || string(e.Sender) != sender || string(e.Recipient) != recipient || e.ID != "shipments/3/42" {
				t.Errorf("%+v: %+v, %v; want %s and %s", c, e, err, sender, recipient)
			}
		}
	}
}

// Who is not there has no pseudonym: otherwise all those would seem to be one person.
func TestDecodePseudonymOfNobody(t *testing.T) {
	d := NewDecoder(Options{PseudonymSenders: true, PseudonymRecipients: true})
	for _, recipient := range []string{`null`, `""`} {
		e, err := d.Decode([]byte(`{"sender_id":"A","event_time":1793606400,"recipient_id":`+recipient+`}`), testPlace, testRecord)
		if err != nil || e.Recipient != "" {
			t.Errorf("recipient %s: %+v, %v", recipient, e, err)
		}
	}
	var m *Malformed
	if _, err := d.Decode([]byte(`{"sender_id":"","event_time":1793606400}`), testPlace, testRecord); !errors.As(err, &m) || m.Field != "sender_id" {
		t.Errorf("a sender that is not there: %v", err)
	}
}

// No error tells who sends or receives: errors go into logs and dead letters.
func TestDecodeErrorsHidePeople(t *testing.T) {
	const who = "+84912345678"
	people := `"sender_id":"` + who + `","recipient_id":"` + who + `"`
	long := `"` + who + strings.Repeat("x", maxText) + `"`
	for _, value := range []string{
		`{` + people,
		`{` + people + `}`,
		`{` + people + `} `,
		`{` + people + `,"event_time":"yesterday"}`,
		`{` + people + `,"event_time":5}`,
		`{` + people + `,"event_time":1793606400,"weight_g":"x"}`,
		`{` + people + `,"event_time":1793606400,"item_id":[]}`,
		`{` + people + `,"event_time":1793606400,"x":nonsense}`,
		`{"sender_id":` + who + `,"event_time":1793606400}`,
		`{"sender_id":"\x` + who + `","event_time":1793606400}`,
		`{"sender_id":["` + who + `"],"event_time":1793606400}`,
		`{"sender_id":84912345678.5,"event_time":1793606400}`,
		`{"sender_id":` + long + `,"event_time":1793606400}`,
		`{"sender_id":"A","recipient_id":{"id":"` + who + `"},"event_time":1793606400}`,
		`{"sender_id":"A","recipient_id":` + long + `,"event_time":1793606400}`,
		"{" + people + ",\"x\":\"\xff\"}",
		"\x00\x00\x00\x00\x07" + who,
		`"` + who + `"`,
		who,
	} {
		_, err := NewDecoder(testOptions()).Decode([]byte(value), testPlace, testRecord)
		if err == nil {
			t.Errorf("%.80q is not malformed", value)
		} else if strings.Contains(err.Error(), "84912345678") {
			t.Errorf("%.80q: the error names a person: %v", value, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, value := range []string{
		wholeEvent, benchmarkEvent, "", "{}", `{"sender_id":7,"event_time":-1.5}`, `{"sender_id":"\ud800","event_time":"1e9"}`,
		`{"carrier":"","sender_id":"A","event_time":"2026-11-02 08:00:00.1z","weight_g":"+1e-3"}`, "\x00\x00\x00\x00\x01{}",
	} {
		f.Add([]byte(value))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		plain, err := NewDecoder(Options{}).Decode(value, testPlace, testRecord)
		if err != nil {
			var m *Malformed
			if !errors.As(err, &m) {
				t.Fatalf("%v is a %T", err, err)
			}
			return
		}
		if plain.ID == "" || plain.Sender == "" || plain.Time.IsZero() || plain.Time.Location() != time.UTC || plain.Time.Nanosecond()%1e6 != 0 {
			t.Fatalf("%q gives %+v", value, plain)
		}
		// Pseudonyms replace people, and change nothing else.
		hidden, err := NewDecoder(Options{PseudonymSenders: true, PseudonymRecipients: true}).Decode(value, testPlace, testRecord)
		if err != nil {
			t.Fatal(err)
		}
		want := plain
		want.Sender = detector.Sender(Pseudonym(nil, "sender", string(plain.Sender)))
		if plain.Recipient != "" {
			want.Recipient = detector.Recipient(Pseudonym(nil, "recipient", string(plain.Recipient)))
		}
		if !reflect.DeepEqual(hidden, want) {
			t.Fatalf("%q with pseudonyms\n got %+v\nwant %+v", value, hidden, want)
		}
	})
}

const benchmarkEvent = `{"event_id":"01JBP7X8Q0W3M5N6R7S8T9V0AB","event_time":"2026-11-02T15:00:00.123+07:00","sender_id":"acct-0012345678","recipient_id":"+84912345678","item_id":"RR123456785VN","event_type":"posted","origin":"VN-HN-100000","destination":"VN-SG-700000","weight_g":1250,"declared_value":350000,"currency":"VND","service":"EMS","operator":"VNPost","channel":"counter","office":"HN-017"}`

func BenchmarkDecode(b *testing.B) {
	for _, c := range []struct {
		name       string
		pseudonyms bool
	}{{"plain", false}, {"pseudonyms", true}} {
		b.Run(c.name, func(b *testing.B) {
			o := testOptions()
			o.PseudonymSenders, o.PseudonymRecipients = c.pseudonyms, c.pseudonyms
			d, value := NewDecoder(o), []byte(benchmarkEvent)
			b.ReportAllocs()
			b.SetBytes(int64(len(value)))
			for b.Loop() {
				if _, err := d.Decode(value, testPlace, testRecord); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
