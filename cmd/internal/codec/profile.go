package codec

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// Recorded profiles are JSON Lines, a line a day, the days ascending:
//
//	{"day":"2026-03-02","id":"6c1f0b2a9d3e4f57","artefact":{…}}
//
// day is the day of event time, in UTC, on which the profile was in force; id its name, as alerts give it in profile_id;
// artefact the profile as it is stored, byte for byte, since id is a hash of it. A day that shares the artefact of a
// line before it has its id alone, and a day for which it was decided that there is none has no id either.
type profileLine struct {
	Day      string          `json:"day"`
	ID       string          `json:"id,omitempty"`
	Artefact json.RawMessage `json:"artefact,omitempty"`
}

// ProfileWriter encodes recorded profiles. The zero ProfileWriter is at the first line; it is for one goroutine.
type ProfileWriter struct{ written map[string]bool }

// Append appends the line of a day, without a line end; days come ascending. The same days always give the same bytes.
func (w *ProfileWriter) Append(b []byte, d windows.DayProfile) []byte {
	line := profileLine{Day: d.Date()}
	if d.Artefact == nil {
		return appendJSON(b, &line)
	}
	line.ID = detector.ArtefactID(d.Artefact)
	b = append(b, `{"day":"`+line.Day+`","id":"`+line.ID+`"`...)
	if !w.written[line.ID] {
		if w.written == nil {
			w.written = map[string]bool{}
		}
		w.written[line.ID] = true
		// As it is: an encoder would write other bytes where the artefact is not in its own style.
		b = append(b, `,"artefact":`...)
		b = append(b, d.Artefact...)
	}
	return append(b, '}')
}

// ProfileReader decodes what ProfileWriter wrote, line by line from the first. The zero ProfileReader is at the first
// line; it is for one goroutine.
type ProfileReader struct {
	artefacts map[string][]byte
	last      int64
	any       bool
}

// Read gives the day of a line. An artefact that is not what its id says, an id without an artefact and days that do
// not ascend are errors. It does not look into the artefact.
func (r *ProfileReader) Read(line []byte) (windows.DayProfile, error) {
	var p profileLine
	if err := json.Unmarshal(line, &p); err != nil {
		return windows.DayProfile{}, fmt.Errorf("no recorded profile: %w", err)
	}
	at, err := time.Parse(time.DateOnly, p.Day)
	if err != nil {
		return windows.DayProfile{}, fmt.Errorf("no recorded profile: its day %q is no date", p.Day)
	}
	d := windows.DayProfile{Day: detector.Day(at)}
	if r.any && d.Day <= r.last {
		return d, fmt.Errorf("%s comes after %s; the days must ascend, each once", p.Day, windows.DayProfile{Day: r.last}.Date())
	}
	r.last, r.any = d.Day, true
	switch {
	case p.Artefact != nil && detector.ArtefactID(p.Artefact) != p.ID:
		return d, fmt.Errorf("%s: the artefact is not the one that the id %q names; take the file as it was written", p.Day, p.ID)
	case p.Artefact != nil:
		if r.artefacts == nil {
			r.artefacts = map[string][]byte{}
		}
		r.artefacts[p.ID] = p.Artefact
	case p.ID != "" && r.artefacts[p.ID] == nil:
		return d, fmt.Errorf("%s: no line before it has the artefact %s; take the whole file", p.Day, p.ID)
	}
	d.Artefact = r.artefacts[p.ID]
	return d, nil
}
