// Package canary makes made-up events by which the service tests itself, recognises them, and keeps account of those
// that have not come back.
//
// To everybody without the key such a record is an event of a type that is no shipment, so nothing is counted of it,
// live or in a replay. Whoever has the key knows it by its seal. The header alone makes nobody a canary, and a copy of a
// true one is a canary again, of no use to hide anything: its value is what was sealed.
package canary

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

const (
	// Header is the name of the header that holds a record's seal.
	Header = "parcelsentry-canary"
	// EventType is the type of the events. It must not count as a shipment.
	EventType = "parcelsentry_canary"
	// Sender is the id of their sender.
	Sender = "parcelsentry-canary"
	// MaxAge is how much older or newer than its record an event may be: what was written again later is none.
	MaxAge = time.Hour
)

// purpose keeps seals apart from whatever else the same key may be used for.
const purpose = "parcelsentry canary 1\n"

// Value is the event with that id at a time, in the flat format.
func Value(id string, at time.Time) []byte {
	return fmt.Appendf(nil, `{"event_id":%q,"event_time":%q,"event_type":%q,"sender_id":%q}`,
		id, at.UTC().Format("2006-01-02T15:04:05.000Z"), EventType, Sender)
}

// Seal gives the seal of a value: HMAC-SHA-256, in hex.
func Seal(key, value []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(purpose))
	mac.Write(value)
	return hex.AppendEncode(nil, mac.Sum(nil))
}

// Sealed tells whether the seal is that of the value.
func Sealed(key, value, seal []byte) bool {
	return hmac.Equal(seal, Seal(key, value))
}
