package codec

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func TestRepair(t *testing.T) {
	f := func(r Repair, want string) {
		t.Helper()
		line := AppendRepair(nil, &r)
		if got := string(line); !strings.HasSuffix(got, want) || bytes.ContainsRune(line, '\n') {
			t.Errorf("got %s\nwant … %s", got, want)
		}
		back, err := ReadRepair(line)
		if err != nil || !reflect.DeepEqual(back, r) {
			t.Errorf("read %+v, %v\nwant %+v", back, err, r)
		}
	}
	r := Repair{At: testPlace, RecordTime: testRecord, Reason: "malformed", Field: "sender_id", Error: "sender_id: missing"}
	const head = `{"at":"shipments/2/3/42","record_time":"2026-11-02T08:00:01.000Z","reason":"malformed","field":"sender_id","error":"sender_id: missing",`
	r.Value = []byte(`{"item_id":12345678901234567890,"item_id":"<&>"}`)
	f(r, head+`"key":null,"value":{"item_id":12345678901234567890,"item_id":"<&>"}}`)
	r.Key, r.Value = []byte("shop"), []byte(`{"sender_id":`)
	f(r, `"key":"shop","value":"{\"sender_id\":"}`)
	r.Key, r.Value = []byte("\xff"), []byte("{\"origin\":\"\xff\"}")
	f(r, `"key":null,"key_base64":"/w==","value_base64":"eyJvcmlnaW4iOiL/In0="}`)
	r.Key, r.Value = []byte{}, []byte{}
	f(r, `"key":"","value":""}`)
	r.Value = []byte("[1]")
	f(r, `"value":"[1]"}`)
}

func TestReadRepair(t *testing.T) {
	for text, want := range map[string]string{
		`{"at":"shipments/2/3/42","value":{"a": 1}}`:       `{"a": 1}`,
		`{"at":"shipments/2/3/42","value":"{\"a\": 1}"}`:   `{"a": 1}`,
		`{"at":"shipments/2/3/42","value_base64":"e30="}`:  `{}`,
		`{"at":"shipments/2/3/42","value":{"a": 1},"x":1}`: `{"a": 1}`,
	} {
		if r, err := ReadRepair([]byte(text)); err != nil || string(r.Value) != want || r.At != testPlace || r.Key != nil {
			t.Errorf("%s: %+v, %v", text, r, err)
		}
	}
	for _, text := range []string{
		``, `{}`, `[]`, `{"at":"shipments/2/3/42"}`, `{"at":"shipments/2/3/42","value":1}`, `{"at":"shipments/2/3/42","value":null}`,
		`{"at":"shipments","value":{}}`, `{"at":"shipments/2/3/42","value_base64":"?"}`, `{"at":"shipments/2/3/42","key_base64":"?","value":{}}`,
	} {
		if r, err := ReadRepair([]byte(text)); err == nil {
			t.Errorf("%s: %+v", text, r)
		}
	}
}

func FuzzReadRepair(f *testing.F) {
	f.Add([]byte(`{"at":"shipments/2/3/42","key":"a","value":{"a": 1}}`))
	f.Add([]byte(`{"at":"shipments/2/3/42","key_base64":"/w==","value_base64":"/w=="}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := ReadRepair(text)
		if err != nil {
			return
		}
		if again, err := ReadRepair(AppendRepair(nil, &r)); err != nil || again.At != r.At || !bytes.Equal(again.Key, r.Key) {
			t.Errorf("%q: %+v, %v", text, again, err)
		}
	})
}
