package codec

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// testAlert has something in every field.
func testAlert() detector.Alert {
	at := time.Date(2026, 11, 2, 8, 0, 0, 5e6, time.UTC)
	return detector.Alert{
		ID: "aa", Fingerprint: "ff", Activity: detector.Update, Rule: "sender_burst", Detector: "tail", Severity: detector.High,
		Score: 7.25, EventAt: at, EventID: "shipments/3/42", Entity: detector.EntityRef{Kind: detector.KindSender, ID: "A<&>"},
		Observed: 120, Expected: 8.5, Window: detector.Span{Start: at.Add(-time.Hour), End: at}, QuietUntil: at.Add(30 * time.Minute),
		Baseline: detector.Baseline{Source: detector.Own, Days: 12.5, Mean: 8, Dispersion: 1.1},
		Reasons: []detector.Reason{
			{Detector: "tail", Score: 7.25, Observed: 120, Expected: 8.5, Text: detector.Text{EN: "120 parcels", VI: "120 bưu gửi"}},
			{Detector: "route", Score: 3, Observed: 1, Expected: 0.01, Text: detector.Text{EN: "a new route", VI: "tuyến mới"}},
		},
		ProfileID: "0123456789abcdef", OneIn: 4200,
		Items: []string{"RR1", "RR2"}, ItemsTotal: 31, Held: 4, Late: true,
		Evidence:       []detector.OffsetRange{{Source: windows.Source{Topic: "shipments", Epoch: 2, Partition: 3}, First: 7, Last: 42}},
		Counterfactual: 19, ConfigHash: "c0ffee", Text: detector.Text{EN: "120 parcels in an hour", VI: "120 bưu gửi trong một giờ"},
	}
}

// Scripts read the keys, people their order: neither changes unnoticed.
const goldenAlert = `{"id":"aa","fingerprint":"ff","activity":"update","rule":"sender_burst","detector":"tail","severity":"high",` +
	`"score":7.25,"event_time":"2026-11-02T08:00:00.005Z","event_id":"shipments/3/42","entity":{"kind":"sender","id":"A<&>"},` +
	`"observed":120,"expected":8.5,"window":{"start":"2026-11-02T07:00:00.005Z","end":"2026-11-02T08:00:00.005Z"},` +
	`"quiet_until":"2026-11-02T08:30:00.005Z","baseline":{"source":"own","days":12.5,"mean":8,"dispersion":1.1},` +
	`"reasons":[{"detector":"tail","score":7.25,"observed":120,"expected":8.5,"text":{"en":"120 parcels","vi":"120 bưu gửi"}},` +
	`{"detector":"route","score":3,"observed":1,"expected":0.01,"text":{"en":"a new route","vi":"tuyến mới"}}],` +
	`"items":["RR1","RR2"],"items_total":31,"held":4,"late":true,"evidence":[{"source":"shipments/2/3","first":7,"last":42}],` +
	`"counterfactual":19,"config_hash":"c0ffee","profile_id":"0123456789abcdef","one_in":4200,` +
	`"text":{"en":"120 parcels in an hour","vi":"120 bưu gửi trong một giờ"}}`

const emptyAlert = `{"id":"","fingerprint":"","activity":"","rule":"","detector":"","severity":"","score":0,"event_time":null,` +
	`"event_id":"","entity":{"kind":"","id":""},"observed":0,"expected":0,"window":{"start":null,"end":null},"quiet_until":null,` +
	`"baseline":{"source":"","days":0,"mean":0,"dispersion":0},"reasons":[],"items":[],"items_total":0,"held":0,"late":false,` +
	`"evidence":[],"counterfactual":0,"config_hash":"","profile_id":"","one_in":0,"text":{"en":"","vi":""}}`

func TestAppendAlert(t *testing.T) {
	hanoi := testAlert()
	for _, at := range []*time.Time{&hanoi.EventAt, &hanoi.Window.Start, &hanoi.Window.End, &hanoi.QuietUntil} {
		*at = at.In(time.FixedZone("", 7*60*60)).Add(999 * time.Microsecond)
	}
	endless := detector.Alert{Score: math.Inf(1), Expected: math.NaN()}
	noNumber := strings.NewReplacer(`"score":0`, `"score":null`, `"expected":0`, `"expected":null`).Replace(emptyAlert)
	for _, c := range []struct {
		name  string
		alert detector.Alert
		want  string
	}{
		{"whole", testAlert(), goldenAlert},
		{"in another zone, and finer than milliseconds", hanoi, goldenAlert},
		{"empty", detector.Alert{}, emptyAlert},
		{"with numbers that JSON lacks", endless, noNumber},
	} {
		const before = "before "
		for range 2 { // the same alert always gives the same bytes
			if got := string(AppendAlert([]byte(before), &c.alert)); got != before+c.want {
				t.Errorf("%s:\n got %s\nwant %s", c.name, got, before+c.want)
			}
		}
	}
}

func TestAlertRoundTrip(t *testing.T) {
	bare := detector.Alert{ID: "aa", Fingerprint: "ff"}
	for _, want := range []detector.Alert{testAlert(), bare} {
		got, err := ParseAlert(AppendAlert(nil, &want))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v\n got %+v\nwant %+v", err, got, want)
		}
	}
	v := reflect.ValueOf(testAlert())
	for i := range v.NumField() { // of a field that is zero the round trip proves nothing
		if v.Field(i).IsZero() {
			t.Errorf("testAlert has no %s", v.Type().Field(i).Name)
		}
	}
}

// An alert as large as they get must be whole again.
func TestAlertRoundTripOfTheLargest(t *testing.T) {
	want := testAlert()
	want.Items = nil
	for range detector.MaxItems {
		want.Items = append(want.Items, strings.Repeat("\x01", maxText))
	}
	b := AppendAlert(nil, &want)
	if got, err := ParseAlert(b); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("it changed: %v", err)
	}
	const most = 1_000_000 // of the 1 MiB that Kafka takes by default, headers and key need some
	if len(b) > most {
		t.Errorf("it has %d bytes", len(b))
	}
}

func TestParseAlert(t *testing.T) {
	newer := strings.Replace(goldenAlert, `{"id"`, `{"of_the_future":[{"x":1}],"id"`, 1)
	if got, err := ParseAlert([]byte(newer)); err != nil || !reflect.DeepEqual(got, testAlert()) {
		t.Errorf("with a key of the future: %+v, %v", got, err)
	}
	for _, c := range []struct{ value, want string }{
		{"", "read an alert: unexpected end of JSON input"},
		{"[]", "read an alert: json: cannot unmarshal array into Go value of type codec.flatAlert"},
		{"null", "read an alert: no id or no fingerprint"},
		{"{}", "read an alert: no id or no fingerprint"},
		{`{"id":"aa"}`, "read an alert: no id or no fingerprint"},
		{`{"fingerprint":"ff"}`, "read an alert: no id or no fingerprint"},
		{`{"id":"aa","fingerprint":"ff","evidence":[{"source":"t"}]}`, `read the evidence of alert aa: source "t" is not topic/epoch/partition`},
	} {
		got, err := ParseAlert([]byte(c.value))
		if err == nil || err.Error() != c.want || !reflect.DeepEqual(got, detector.Alert{}) {
			t.Errorf("%q: %+v, %v; want %s", c.value, got, err, c.want)
		}
	}
	if _, err := ParseAlert([]byte(`{"id":"aa","fingerprint":"ff","event_time":"today"}`)); err == nil || !strings.HasPrefix(err.Error(), "read an alert: ") {
		t.Errorf("a time that is none: %v", err)
	}
}

func TestFlag(t *testing.T) {
	want := detector.Flag{
		Item: "RR<1>", EventID: "e1", Fingerprint: "ff", Score: 6.5, EventAt: time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC),
	}
	const golden = `{"item_id":"RR<1>","event_id":"e1","fingerprint":"ff","score":6.5,"event_time":"2026-11-02T08:00:00.000Z"}`
	b := AppendFlag([]byte("before "), &want)
	if string(b) != "before "+golden {
		t.Errorf("got %s\nwant %s", b, golden)
	}
	if got, err := ParseFlag([]byte(golden)); err != nil || got != want {
		t.Errorf("it comes back as %+v, %v", got, err)
	}
	if got, err := ParseFlag([]byte(`{"new":1,` + golden[1:])); err != nil || got != want {
		t.Errorf("with a key of the future: %+v, %v", got, err)
	}
	for _, c := range []struct{ value, want string }{
		{"", "read a flagged shipment: unexpected end of JSON input"},
		{"{}", "read a flagged shipment: no event_id or no fingerprint"},
		{`{"event_id":"e1"}`, "read a flagged shipment: no event_id or no fingerprint"},
		{`{"fingerprint":"ff"}`, "read a flagged shipment: no event_id or no fingerprint"},
	} {
		if got, err := ParseFlag([]byte(c.value)); err == nil || err.Error() != c.want || got != (detector.Flag{}) {
			t.Errorf("%q: %+v, %v; want %s", c.value, got, err, c.want)
		}
	}
}

func BenchmarkAppendAlert(b *testing.B) {
	a := testAlert()
	var buffer []byte
	b.ReportAllocs()
	for b.Loop() {
		buffer = AppendAlert(buffer[:0], &a)
	}
	if !json.Valid(buffer) {
		b.Fatal("no JSON")
	}
}
