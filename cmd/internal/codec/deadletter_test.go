package codec

import (
	"bytes"
	"reflect"
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
		"reason": "malformed", "field": "sender_id", "error": "missing", "topic": "shipments", "partition": "3", "offset": "42",
	})
	f(DeadLetter{}, map[string]string{"reason": "", "field": "", "error": "", "topic": "", "partition": "0", "offset": "0"})
}
