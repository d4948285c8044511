package codec

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

var ten = time.Date(2026, 3, 2, 10, 0, 0, 500e6, time.UTC)

func someAlert() detector.Alert {
	source := windows.Source{Topic: "shipments", Epoch: 1, Partition: 3}
	text := detector.Text{EN: "17 parcels in 6 h <&>", VI: "17 bưu gửi trong 6 giờ"}
	return detector.Alert{
		ID: "id", Fingerprint: "fp", Activity: detector.Update, Rule: "burst", Detector: "burst", Severity: detector.High,
		Score: 9.01, EventAt: ten, EventID: "e", Entity: detector.EntityRef{Kind: "sender", ID: "shop"},
		Observed: 17, Expected: .432, Window: detector.Span{Start: ten.Add(-time.Hour), End: ten}, QuietUntil: ten.Add(24 * time.Hour),
		Baseline: detector.Baseline{Source: detector.Own, Days: 40.1, Mean: 1.9, Dispersion: 1.2},
		Reasons:  []detector.Reason{{Detector: "burst", Score: 9.01, Observed: 17, Expected: .432, Text: text}},
		Items:    []string{"CA473124829VN"}, ItemsTotal: 8, Held: 7, Late: true,
		Evidence:       []detector.OffsetRange{{Source: source, First: 10, Last: 20}},
		Counterfactual: 8, ConfigHash: "hash", Text: text,
	}
}

// TestAlertAsWritten pins the format that consumers rely on: names, their order, times and lists.
func TestAlertAsWritten(t *testing.T) {
	a := someAlert()
	want := `{"id":"id","fingerprint":"fp","activity":"update","rule":"burst","detector":"burst","severity":"high","score":9.01,` +
		`"event_time":"2026-03-02T10:00:00.500Z","event_id":"e","entity":{"kind":"sender","id":"shop"},"observed":17,"expected":0.432,` +
		`"window":{"start":"2026-03-02T09:00:00.500Z","end":"2026-03-02T10:00:00.500Z"},"quiet_until":"2026-03-03T10:00:00.500Z",` +
		`"baseline":{"source":"own","days":40.1,"mean":1.9,"dispersion":1.2},` +
		`"reasons":[{"detector":"burst","score":9.01,"observed":17,"expected":0.432,"text":{"en":"17 parcels in 6 h <&>","vi":"17 bưu gửi trong 6 giờ"}}],` +
		`"items":["CA473124829VN"],"items_total":8,"held":7,"late":true,` +
		`"evidence":[{"source":"shipments/1/3","first":10,"last":20}],"counterfactual":8,"config_hash":"hash",` +
		`"text":{"en":"17 parcels in 6 h <&>","vi":"17 bưu gửi trong 6 giờ"}}`
	if got := string(AppendAlert(nil, &a)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := string(AppendAlert([]byte("x"), &a)); got != "x"+want {
		t.Error("does not append")
	}
}

func TestAlertThereAndBack(t *testing.T) {
	closing := someAlert()
	closing.Activity, closing.Reasons, closing.Items = detector.Close, nil, nil
	for _, a := range []detector.Alert{someAlert(), closing} {
		b := AppendAlert(nil, &a)
		back, err := ParseAlert(b)
		if err != nil {
			t.Fatal(err)
		}
		if again := AppendAlert(nil, &back); string(again) != string(b) {
			t.Errorf("got\n%s\nwant\n%s", again, b)
		}
		if back.Score != a.Score || !reflect.DeepEqual(back.Evidence, a.Evidence) || !back.EventAt.Equal(a.EventAt) {
			t.Errorf("got %+v, want %+v", back, a)
		}
	}
	if got := string(AppendAlert(nil, &closing)); !strings.Contains(got, `"reasons":[],"items":[],`) {
		t.Errorf("lists without anything are not []: %s", got)
	}
	for _, bad := range []string{"", "null", "[]", "{}", `{"id":1}`} {
		if _, err := ParseAlert([]byte(bad)); err == nil {
			t.Errorf("%q is no alert, and no error", bad)
		}
	}
}

func TestFlagThereAndBack(t *testing.T) {
	f := detector.Flag{Item: "CA473124829VN", EventID: "e", Fingerprint: "fp", Score: 4.5, EventAt: ten}
	b := AppendFlag(nil, &f)
	want := `{"item_id":"CA473124829VN","event_id":"e","fingerprint":"fp","score":4.5,"event_time":"2026-03-02T10:00:00.500Z"}`
	if string(b) != want {
		t.Errorf("got %s, want %s", b, want)
	}
	if back, err := ParseFlag(b); err != nil || back != f {
		t.Errorf("got %+v, %v; want %+v", back, err, f)
	}
	if _, err := ParseFlag([]byte("{}")); err == nil {
		t.Error("no error for a flag of nothing")
	}
}

func TestDeadLetter(t *testing.T) {
	d := DeadLetter{
		Reason: "malformed", Field: "event_time", Error: `event_time: "x" is no time`,
		At:         windows.Coordinates{Source: windows.Source{Topic: "shipments", Partition: 3}, Offset: 7},
		RecordTime: ten, Key: []byte("key"), Value: []byte("a secret"),
	}
	b := AppendDeadLetter(nil, &d)
	var fields map[string]any
	if err := json.Unmarshal(b, &fields); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	want := map[string]any{
		"reason": "malformed", "field": "event_time", "error": d.Error, "topic": "shipments",
		"partition": 3.0, "offset": 7.0, "record_time": "2026-03-02T10:00:00.500Z",
	}
	if !reflect.DeepEqual(fields, want) {
		t.Errorf("got %v, want %v", fields, want)
	}
	got := map[string]string{}
	for _, h := range Headers(&d) {
		got[h.Key] = string(h.Value)
	}
	headers := map[string]string{
		"reason": "malformed", "field": "event_time", "error": d.Error, "topic": "shipments", "partition": "3", "offset": "7",
	}
	if !reflect.DeepEqual(got, headers) {
		t.Errorf("headers %v, want %v", got, headers)
	}
}

func TestPretty(t *testing.T) {
	a := someAlert()
	a.Items = []string{"\x1b[2Jevil"}
	plain := Pretty(&a, false)
	for _, part := range []string{"HIGH", "update", "2026-03-02 10:00:00 UTC", "shop", "17 parcels in 6 h", "expected 0.432", "up to 8 would have stayed silent", "and 7 more", "7 held back", "fp"} {
		if !strings.Contains(plain, part) {
			t.Errorf("does not say %q:\n%s", part, plain)
		}
	}
	if strings.Contains(plain, "\x1b") {
		t.Errorf("escape sequences without colour:\n%q", plain)
	}
	if colour := Pretty(&a, true); !strings.Contains(colour, "\x1b[") || strings.Contains(colour, "\x1b[2J") {
		t.Errorf("with colour:\n%q", colour)
	}
}
