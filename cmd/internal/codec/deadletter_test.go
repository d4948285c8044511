package codec

import (
	"bytes"
	"reflect"
	"slices"
	"testing"
	"time"
)

func TestAppendDeadLetter(t *testing.T) {
	d := DeadLetter{
		Reason: "malformed", Field: "event_time", Error: `"<today>" is no time`, At: testPlace, RecordTime: testRecord,
		Key: []byte("secret key"), Value: []byte("secret value"),
	}
	const want = `{"reason":"malformed","field":"event_time","error":"\"<today>\" is no time","topic":"shipments","partition":3,` +
		`"offset":42,"record_time":"2026-11-02T08:00:01.000Z"}`
	for range 2 {
		if got := string(AppendDeadLetter([]byte("before "), &d)); got != "before "+want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
	d.Field, d.RecordTime = "", time.Time{}
	const without = `{"reason":"malformed","field":"","error":"\"<today>\" is no time","topic":"shipments","partition":3,` +
		`"offset":42,"record_time":null}`
	if got := string(AppendDeadLetter(nil, &d)); got != without {
		t.Errorf("got %s\nwant %s", got, without)
	}
}

func TestHeaders(t *testing.T) {
	f := func(d DeadLetter, want map[string]string) {
		t.Helper()
		got := map[string]string{}
		for _, h := range Headers(&d) {
			if _, twice := got[h.Key]; twice {
				t.Errorf("%s is there twice", h.Key)
			}
			got[h.Key] = string(h.Value)
			if bytes.Contains(h.Value, []byte("secret")) {
				t.Errorf("%s holds the record: %s", h.Key, h.Value)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	f(DeadLetter{
		Reason: "malformed", Field: "sender_id", Error: "missing", At: testPlace, RecordTime: testRecord,
		Key: []byte("secret key"), Value: []byte("secret value"),
	}, map[string]string{
		"reason": "malformed", "field": "sender_id", "error": "missing", "topic": "shipments", "epoch": "2", "partition": "3",
		"offset": "42", "record_time": "2026-11-02T08:00:01.000Z",
	})
	first := testPlace
	first.Source.Epoch, first.Offset = 1, 7
	f(DeadLetter{Reason: "too_late", At: testPlace, First: first, FirstTime: testRecord, Reached: true}, map[string]string{
		"reason": "too_late", "field": "", "error": "", "topic": "shipments", "epoch": "2", "partition": "3", "offset": "42",
		"first": "shipments/1/3/7", "first_time": "2026-11-02T08:00:01.000Z", "reached": "true",
	})
	f(DeadLetter{}, map[string]string{"reason": "", "field": "", "error": "", "topic": "", "epoch": "0", "partition": "0", "offset": "0"})
}

// TestReadDeadLetter reads what was written, with the original and without.
func TestReadDeadLetter(t *testing.T) {
	first := testPlace
	first.Source.Epoch, first.Offset = 1, 7
	for _, want := range []DeadLetter{
		{Reason: "malformed", Field: "sender_id", Error: "missing", At: testPlace, RecordTime: testRecord, First: testPlace, FirstTime: testRecord},
		{Reason: "too_late", At: testPlace, RecordTime: testRecord, First: first, FirstTime: testRecord.Add(-time.Hour), Reached: true},
		{Reason: "poison", At: first, First: first},
	} {
		withheld := want
		withheld.Withheld = true
		got, err := ReadDeadLetter(Headers(&want), []byte(want.At.String()), AppendDeadLetter(nil, &want))
		if err != nil || !reflect.DeepEqual(got, withheld) {
			t.Errorf("withheld: %+v, %v\nwant %+v", got, err, withheld)
		}
		for _, key := range [][]byte{nil, []byte("shop"), []byte("shipments/2/3/43")} {
			want.Key, want.Value = key, []byte("{")
			got, err = ReadDeadLetter(Headers(&want), want.Key, want.Value)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("with payload: %+v, %v\nwant %+v", got, err, want)
			}
		}
	}
}

// TestReadOldDeadLetter reads those of versions that had no header for epoch and record time.
func TestReadOldDeadLetter(t *testing.T) {
	place := testPlace
	want := DeadLetter{Reason: "malformed", At: place, RecordTime: testRecord, First: place, FirstTime: testRecord, Withheld: true}
	old := slices.DeleteFunc(Headers(&want), func(h Header) bool { return h.Key == "epoch" || h.Key == "record_time" })
	got, err := ReadDeadLetter(old, []byte(place.String()), AppendDeadLetter(nil, &want))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v\nwant %+v", got, err, want)
	}
	if got, err := ReadDeadLetter(old, []byte("shop"), []byte("{")); err != nil || got.Withheld || !got.RecordTime.IsZero() || got.At.Source.Epoch != 0 {
		t.Errorf("with payload: %+v, %v", got, err)
	}
}

// TestForeignDeadLetter: other programs may write to the topic too.
func TestForeignDeadLetter(t *testing.T) {
	first := testPlace
	first.Offset = 7
	good := Headers(&DeadLetter{Reason: "malformed", At: testPlace, RecordTime: testRecord, First: first, FirstTime: testRecord})
	if _, err := ReadDeadLetter(good, nil, nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"reason", "partition", "offset"} {
		without := slices.DeleteFunc(slices.Clone(good), func(h Header) bool { return h.Key == name })
		if _, err := ReadDeadLetter(without, nil, nil); err == nil {
			t.Errorf("no error without %s", name)
		}
	}
	for _, name := range []string{"epoch", "partition", "offset", "record_time", "first", "first_time"} {
		if _, err := ReadDeadLetter(append(slices.Clone(good), Header{name, []byte("x")}), nil, nil); err == nil {
			t.Errorf("no error for %s: x", name)
		}
	}
}

// TestNegativePlaces: nothing stands there.
func TestNegativePlaces(t *testing.T) {
	for _, h := range []Header{{"partition", []byte("-1")}, {"offset", []byte("-1")}, {"first", []byte("shipments/0/-1/7")}} {
		headers := append(Headers(&DeadLetter{Reason: "malformed", At: testPlace}), h)
		if d, err := ReadDeadLetter(headers, nil, nil); err == nil {
			t.Errorf("%s: %s: %+v", h.Key, h.Value, d)
		}
	}
}

func FuzzReadDeadLetter(f *testing.F) {
	f.Add("malformed", "3", "42", "0", "2026-11-02T08:00:01.000Z", "shipments/1/3/7", []byte("shipments/0/3/42"), []byte("{}"))
	f.Fuzz(func(t *testing.T, reason, partition, offset, epoch, at, first string, key, value []byte) {
		d, err := ReadDeadLetter([]Header{
			{"reason", []byte(reason)},
			{"partition", []byte(partition)},
			{"offset", []byte(offset)},
			{"epoch", []byte(epoch)},
			{"record_time", []byte(at)},
			{"first", []byte(first)},
		}, key, value)
		if err == nil && d.Withheld == (d.Key != nil || d.Value != nil) && len(key)+len(value) > 0 {
			t.Errorf("withheld is %v with key %q and value %q", d.Withheld, d.Key, d.Value)
		}
	})
}
