package windows

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/cespare/xxhash/v2"
)

// Buckets is the number of buckets that entities are spread over. All entities of a bucket live in one slot of a
// Redis Cluster and are updated by one script call under one fence. 1,024 measured best: fewer make updates of
// several partitions wait for each other, 4,096 cost a fifth more an update.
const Buckets = 1024

// A Kind says what sort of thing an entity is, such as "sender": lower-case letters.
type Kind string

// A Key names an entity. Make one with NewKey; keys compare with ==.
type Key struct {
	Kind Kind
	// ID is at most 40 bytes, without control characters or braces.
	ID string
}

const (
	maxID         = 40
	partSeparator = '\x1f'
)

// NewKey names the entity of that kind with that id. An id that is too long or holds control characters, spaces or
// braces, and every id of several parts, stands as 128 bits of its SHA-256 in base64url (22 characters).
func NewKey(kind Kind, parts ...string) Key {
	if len(parts) == 1 && plain(parts[0]) {
		return Key{Kind: kind, ID: parts[0]}
	}
	var room [128]byte
	b := room[:0]
	for i, p := range parts {
		if i > 0 {
			b = append(b, partSeparator)
		}
		b = append(b, p...)
	}
	sum := sha256.Sum256(b)
	var id [22]byte
	base64.RawURLEncoding.Encode(id[:], sum[:16])
	return Key{Kind: kind, ID: string(id[:])}
}

func plain(id string) bool {
	if id == "" || len(id) > maxID {
		return false
	}
	for i := range len(id) {
		if c := id[i]; c <= ' ' || c == 0x7f || c == '{' || c == '}' {
			return false
		}
	}
	return true
}

// Hash is xxhash64 of kind, 0x00 and id.
func (k Key) Hash() uint64 {
	var room [64]byte
	b := append(room[:0], k.Kind...)
	b = append(b, 0)
	b = append(b, k.ID...)
	return xxhash.Sum64(b)
}

// BucketOf is the bucket of the entities whose keys have that hash, in [0, Buckets).
func BucketOf(hash uint64) int { return int(hash % Buckets) }

// Bucket is the entity's bucket.
func (k Key) Bucket() int { return BucketOf(k.Hash()) }

// A Sub is a second key inside an entity, such as one of a sender's destinations: eight characters of base64url, 48
// bits of a hash. The zero Sub is no second key.
type Sub [8]byte

// Others is the Sub that collects what was folded away; no hash gives it.
var Others = Sub{'*', 'o', 't', 'h', 'e', 'r', 's', '*'}

const subAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// NewSub hashes a second key. With 512 keys in an entity two of them collide once in 2 billion entities.
func NewSub(name string) Sub {
	h := xxhash.Sum64String(name)
	var s Sub
	for i := range s {
		s[i] = subAlphabet[h&63]
		h >>= 6
	}
	return s
}

// NewMark hashes the name of something that is only to be recognised, such as an event, apart from second keys: it
// begins with an exclamation mark, which leaves 42 bits of the hash.
func NewMark(name string) Sub {
	s := NewSub(name)
	s[0] = '!'
	return s
}

// NewLastingMark is NewMark for what is remembered apart from other marks, and so not pushed out by them: it begins with
// two exclamation marks, which leaves 36 bits of the hash.
func NewLastingMark(name string) Sub {
	s := NewMark(name)
	s[1] = '!'
	return s
}

// IsMark reports whether NewMark or NewLastingMark made s.
func (s Sub) IsMark() bool { return s[0] == '!' }

// isLasting reports whether NewLastingMark made s: no hash gives a second exclamation mark.
func (s Sub) isLasting() bool { return s.IsMark() && s[1] == '!' }

// MarshalText gives the eight characters.
func (s Sub) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText gives.
func (s *Sub) UnmarshalText(text []byte) error {
	if len(text) != len(s) && len(text) != 0 {
		return fmt.Errorf("second key %q has not %d characters", text, len(s))
	}
	*s = Sub{}
	copy(s[:], text)
	return nil
}

// IsZero reports whether s is no second key.
func (s Sub) IsZero() bool { return s == Sub{} }

// String gives the eight characters, or nothing for the zero Sub.
func (s Sub) String() string {
	if s.IsZero() {
		return ""
	}
	return string(s[:])
}
