package codec

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/parcelsentry/parcelsentry/windows"
)

// Repair is a dead letter with its original, to be repaired with any tool and resubmitted.
type Repair struct {
	// At is where the record of the dead letter stands, by which it is known when it comes back.
	At windows.Coordinates
	// RecordTime is the timestamp of the record that the message came with first, Reason that of the dead letter, Field
	// and Error what is wrong with the value, empty if nothing is any more: for whoever repairs, not read again.
	RecordTime           time.Time
	Reason, Field, Error string
	// Key is nil for none.
	Key, Value []byte
}

// repairLine is a Repair as JSON. Value is a JSON object where the original is one, so that it can be repaired in place,
// else a string, or ValueBase64 for what no string can hold; likewise the key, null for none.
type repairLine struct {
	At          string          `json:"at"`
	RecordTime  stamp           `json:"record_time"`
	Reason      string          `json:"reason"`
	Field       string          `json:"field"`
	Error       string          `json:"error"`
	Key         *string         `json:"key"`
	KeyBase64   string          `json:"key_base64,omitempty"`
	Value       json.RawMessage `json:"value,omitempty"`
	ValueBase64 string          `json:"value_base64,omitempty"`
}

// AppendRepair appends the repair as a JSON object without a line end.
func AppendRepair(b []byte, r *Repair) []byte {
	line := repairLine{
		At: r.At.String(), RecordTime: stamp(r.RecordTime), Reason: r.Reason, Field: r.Field, Error: r.Error,
	}
	switch {
	case r.Key == nil:
	case utf8.Valid(r.Key):
		key := string(r.Key)
		line.Key = &key
	default:
		line.KeyBase64 = base64.StdEncoding.EncodeToString(r.Key)
	}
	switch {
	case utf8.Valid(r.Value) && isObject(r.Value):
		line.Value = r.Value
	case utf8.Valid(r.Value):
		line.Value = appendJSON(nil, string(r.Value))
	default:
		line.ValueBase64 = base64.StdEncoding.EncodeToString(r.Value)
	}
	return appendJSON(b, &line)
}

// ReadRepair reads a line of AppendRepair, whose value may have been changed in any way that leaves JSON.
func ReadRepair(text []byte) (Repair, error) {
	var line repairLine
	if err := json.Unmarshal(text, &line); err != nil {
		return Repair{}, err
	}
	at, err := windows.ParseCoordinates(line.At)
	if err != nil {
		return Repair{}, fmt.Errorf("at: %w", err)
	}
	r := Repair{At: at, RecordTime: line.RecordTime.time(), Reason: line.Reason, Field: line.Field, Error: line.Error}
	switch {
	case line.Key != nil:
		r.Key = []byte(*line.Key)
	case line.KeyBase64 != "":
		if r.Key, err = base64.StdEncoding.DecodeString(line.KeyBase64); err != nil {
			return Repair{}, fmt.Errorf("key_base64: %w", err)
		}
	}
	switch {
	case line.ValueBase64 != "":
		if r.Value, err = base64.StdEncoding.DecodeString(line.ValueBase64); err != nil {
			return Repair{}, fmt.Errorf("value_base64: %w", err)
		}
	case isObject(line.Value):
		r.Value = line.Value
	default:
		var value *string
		if err := json.Unmarshal(line.Value, &value); err != nil || value == nil {
			return Repair{}, errors.New("value: is neither an object nor a string")
		}
		r.Value = []byte(*value)
	}
	return r, nil
}

// isObject reports whether text is a JSON object.
func isObject(text []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) && json.Valid(text)
}
