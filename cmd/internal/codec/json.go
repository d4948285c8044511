package codec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// millis is how times are written: RFC 3339 in UTC with milliseconds, always of the same length.
const millis = "2006-01-02T15:04:05.000Z"

// stamp is a time in JSON; the zero time is null.
type stamp time.Time

func (s stamp) MarshalJSON() ([]byte, error) {
	t := time.Time(s)
	if t.IsZero() {
		return []byte("null"), nil
	}
	return t.UTC().AppendFormat(nil, `"`+millis+`"`), nil
}

func (s *stamp) UnmarshalJSON(b []byte) error {
	var t time.Time
	if err := t.UnmarshalJSON(b); err != nil { // takes null for the zero time
		return err
	}
	*s = stamp(t.UTC())
	return nil
}

// figure is a number in JSON; what JSON can't say, infinity for one, is null.
type figure float64

func (f figure) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(f))
}

// appendJSON appends v without a line end. HTML is no concern of the readers, so & and < stand as they are.
func appendJSON(b []byte, v any) []byte {
	w := bytes.NewBuffer(b)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("codec: %T does not encode: %v", v, err)) // a bug: it holds texts, numbers and times
	}
	return w.Bytes()[:w.Len()-1]
}

func (s stamp) time() time.Time { return time.Time(s) }
