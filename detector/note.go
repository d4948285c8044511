package detector

import (
	"encoding/json"
	"math"
	"strconv"
	"time"
)

// A note is written as json.Marshal writes the incident, byte for byte: in half of its time with few items, in little
// less with many. Each flush writes those of all incidents that went on.

// note gives the incident as JSON, empty for none.
func (i *incident) note() string {
	if !i.open() {
		return ""
	}
	i.silent.settle(&i.Top)
	w := noteWriter{b: make([]byte, 0, i.noteSize())}
	w.incident(i)
	if w.odd {
		b, _ := json.Marshal(i) // nothing, where a number or a time has no place in JSON
		return string(b)
	}
	return string(w.b)
}

// noteSize is about what the note takes, rather more.
func (i *incident) noteSize() int {
	const others, overhead = 800, 8
	n := others
	for _, item := range i.Items {
		n += len(item) + overhead
	}
	return n
}

// noteWriter writes JSON. Methods take what stands before the value: a comma or a brace, the key and a colon.
type noteWriter struct {
	b   []byte
	odd bool // met something that JSON can't say
}

func (w *noteWriter) incident(i *incident) {
	w.text(`{"fp":`, i.Fingerprint)
	w.text(`,"at":{"Source":{"Topic":`, i.Opened.Source.Topic)
	w.whole(`,"Epoch":`, int64(i.Opened.Source.Epoch))
	w.whole(`,"Partition":`, int64(i.Opened.Source.Partition))
	w.whole(`},"Offset":`, i.Opened.Offset)
	w.time(`},"found":`, i.LastFound)
	w.time(`,"told":`, i.Told)
	w.number(`,"said":`, i.ToldScore)
	w.raw(`,"top":`)
	w.finding(&i.Top)
	w.wholeUnlessZero(`,"held":`, i.Held)
	w.wholeUnlessZero(`,"hever":`, i.HeldEver)
	w.items(`,"items":`, i.Items)
	w.wholeUnlessZero(`,"since":`, i.ItemsSince)
	w.wholeUnlessZero(`,"ever":`, i.ItemsEver)
	w.textUnlessEmpty(`,"last":`, i.Last)
	w.raw(`}`)
}

func (w *noteWriter) finding(f *Finding) {
	w.text(`{"Rule":`, f.Rule)
	w.text(`,"Detector":`, f.Detector)
	w.number(`,"Raw":`, f.Raw)
	w.number(`,"Score":`, f.Score)
	w.number(`,"Threshold":`, f.Threshold)
	w.number(`,"Observed":`, f.Observed)
	w.number(`,"Expected":`, f.Expected)
	w.time(`,"Window":{"Start":`, f.Window.Start)
	w.time(`,"End":`, f.Window.End)
	w.text(`},"Baseline":{"Source":`, string(f.Baseline.Source))
	w.number(`,"Days":`, f.Baseline.Days)
	w.number(`,"Mean":`, f.Baseline.Mean)
	w.number(`,"Dispersion":`, f.Baseline.Dispersion)
	w.number(`},"Counterfactual":`, f.Counterfactual)
	w.textUnlessEmpty(`,"Place":`, string(f.Place))
	w.textUnlessEmpty(`,"Abstained":`, f.Abstained)
	w.raw(`}`)
}

func (w *noteWriter) items(before string, items []string) {
	if len(items) == 0 {
		return
	}
	w.raw(before)
	before = `[`
	for _, item := range items {
		w.text(before, item)
		before = `,`
	}
	w.raw(`]`)
}

func (w *noteWriter) raw(text string) { w.b = append(w.b, text...) }

func (w *noteWriter) text(before, text string) {
	w.raw(before)
	if !plain(text) {
		quoted, _ := json.Marshal(text) // any text has a place in JSON
		w.b = append(w.b, quoted...)
		return
	}
	w.b = append(w.b, '"')
	w.raw(text)
	w.b = append(w.b, '"')
}

func (w *noteWriter) textUnlessEmpty(before, text string) {
	if text != "" {
		w.text(before, text)
	}
}

func (w *noteWriter) whole(before string, n int64) {
	w.raw(before)
	w.b = strconv.AppendInt(w.b, n, 10)
}

func (w *noteWriter) wholeUnlessZero(before string, n int64) {
	if n != 0 {
		w.whole(before, n)
	}
}

func (w *noteWriter) number(before string, x float64) {
	w.raw(before)
	const least, most = 1e-6, 1e21 // others have an exponent, or are none
	if size := math.Abs(x); size != 0 && (size < least || !(size < most)) {
		number, err := json.Marshal(x)
		w.b, w.odd = append(w.b, number...), w.odd || err != nil
		return
	}
	w.b = strconv.AppendFloat(w.b, x, 'f', -1, 64)
}

func (w *noteWriter) time(before string, t time.Time) {
	w.raw(before)
	if year := t.Year(); year < 0 || year > 9999 || t.Location() != time.UTC {
		text, err := t.MarshalJSON()
		w.b, w.odd = append(w.b, text...), w.odd || err != nil
		return
	}
	w.b = append(w.b, '"')
	w.b = t.AppendFormat(w.b, time.RFC3339Nano)
	w.b = append(w.b, '"')
}

// plain reports whether a JSON string holds text as it is: printable ASCII but for what encoding/json escapes.
func plain(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ' || c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		}
	}
	return true
}
