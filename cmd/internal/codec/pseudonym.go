package codec

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
)

const (
	senderKind    = "sender"
	recipientKind = "recipient"
)

// pseudonymLength is what 128 bits have in base64url.
const pseudonymLength = 22

// PublicKey is a key of pseudonyms that everybody knows, for demos and tests: who can guess an id can check the guess.
func PublicKey() []byte { return []byte("parcelsentry: a public key, which hides nobody from a guess") }

// Pseudonym is what a decoder with this key puts in the place of a person's id. Kind is sender or recipient; one person
// has a different pseudonym as each. An empty key is PublicKey.
func Pseudonym(key []byte, kind, value string) string {
	return string(appendPseudonym(nil, newMAC(key), kind, []byte(value)))
}

func newMAC(key []byte) hash.Hash {
	if len(key) == 0 {
		key = PublicKey()
	}
	return hmac.New(sha256.New, key)
}

// appendPseudonym appends 128 bits of HMAC-SHA-256 of kind, 0x00 and value: enough that two people never share one,
// and short enough for a key in Redis.
func appendPseudonym(b []byte, mac hash.Hash, kind string, value []byte) []byte {
	mac.Reset()
	// What is hashed and the hash pass through the free end of b: arrays of our own would escape to the heap.
	n := len(b)
	b = append(b, kind...)
	b = append(b, 0)
	mac.Write(b[n:])
	mac.Write(value)
	b = mac.Sum(b[:n])
	var encoded [pseudonymLength]byte
	base64.RawURLEncoding.Encode(encoded[:], b[n:n+16])
	return append(b[:n], encoded[:]...)
}
