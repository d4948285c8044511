package codec

import (
	"reflect"
	"strings"
	"testing"

	"github.com/parcelsentry/parcelsentry/windows"
)

// recorded are five days: two that share an artefact, one without, and one that comes back to the first.
var recorded = []windows.DayProfile{
	{Day: -1},
	{Day: 20_514, Artefact: []byte(`{"day":"2026-03-02","n":0.1}`)},
	{Day: 20_515, Artefact: []byte(`{"day":"2026-03-02","n":0.1}`)},
	{Day: 20_516, Artefact: []byte(`{"day":"2026-03-04","n":1e-7,"html":"\u003c"}`)},
	{Day: 20_520, Artefact: []byte(`{"day":"2026-03-02","n":0.1}`)},
}

func writeProfiles(all []windows.DayProfile) []string {
	var w ProfileWriter
	var lines []string
	for _, d := range all {
		lines = append(lines, string(w.Append(nil, d)))
	}
	return lines
}

func TestProfilesAsWritten(t *testing.T) {
	lines := writeProfiles(recorded)
	want := `{"day":"1969-12-31"}
{"day":"2026-03-02","id":"b097cef21d014e24","artefact":{"day":"2026-03-02","n":0.1}}
{"day":"2026-03-03","id":"b097cef21d014e24"}
{"day":"2026-03-04","id":"157df8a1ec9aa55a","artefact":{"day":"2026-03-04","n":1e-7,"html":"\u003c"}}
{"day":"2026-03-08","id":"b097cef21d014e24"}`
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("wrote\n%s\nwant\n%s", got, want)
	}
	var r ProfileReader
	var got []windows.DayProfile
	for _, line := range lines {
		d, err := r.Read([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, d)
	}
	if !reflect.DeepEqual(got, recorded) {
		t.Errorf("read %+v, want %+v", got, recorded)
	}
}

func TestProfilesThatAreNone(t *testing.T) {
	lines := writeProfiles(recorded)
	for _, c := range []struct {
		lines []string
		want  string
	}{
		{[]string{"profile"}, "no recorded profile"},
		{[]string{`{"id":"x"}`}, "is no date"},
		{[]string{lines[2]}, "2026-03-03: no line before it has the artefact"},
		{[]string{lines[1], lines[1]}, "2026-03-02 comes after 2026-03-02"},
		{[]string{lines[3], lines[1]}, "2026-03-02 comes after 2026-03-04"},
		{[]string{strings.Replace(lines[1], "0.1", "0.10", 1)}, "2026-03-02: the artefact is not the one that the id"},
		{[]string{strings.Replace(lines[1], `"id"`, `"name"`, 1)}, "the artefact is not"},
	} {
		var r ProfileReader
		var err error
		for _, line := range c.lines {
			_, err = r.Read([]byte(line))
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, want one with %q", c.lines, err, c.want)
		}
	}
}
