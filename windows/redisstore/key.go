package redisstore

import (
	"strconv"
	"strings"

	"github.com/parcelsentry/parcelsentry/windows"
)

func (s *Store) fenceKey(bucket int) string { return string(s.appendFenceKey(nil, bucket)) }

func (s *Store) appendFenceKey(b []byte, bucket int) []byte {
	b = append(b, "ps:"...)
	b = append(b, s.layout...)
	b = append(b, ":fence:{"...)
	b = strconv.AppendInt(b, int64(bucket), 10)
	return append(b, '}')
}

// addFenceKey adds the name of a bucket's fences.
func (s *Store) addFenceKey(w *words, bucket int) {
	w.bytes = s.appendFenceKey(w.bytes, bucket)
	w.end()
}

// addEntityKey adds the name of an entity.
func (s *Store) addEntityKey(w *words, k windows.Key, bucket int) {
	w.bytes = append(w.bytes, "ps:"...)
	w.bytes = append(w.bytes, s.layout...)
	w.bytes = append(w.bytes, ':')
	w.bytes = append(w.bytes, k.Kind...)
	w.bytes = append(w.bytes, ":{"...)
	w.bytes = strconv.AppendInt(w.bytes, int64(bucket), 10)
	w.bytes = append(w.bytes, "}:"...)
	w.add(k.ID)
}

func (s *Store) kindPrefix(kind windows.Kind) string {
	return "ps:" + s.layout + ":" + string(kind) + ":"
}

// parseKey reads an entity's key of that kind; false if it is none.
func (s *Store) parseKey(kind windows.Kind, key string) (windows.Key, bool) {
	rest, ok := strings.CutPrefix(key, s.kindPrefix(kind)+"{")
	if !ok {
		return windows.Key{}, false
	}
	bucket, id, ok := strings.Cut(rest, "}:")
	k := windows.Key{Kind: kind, ID: id}
	return k, ok && strconv.Itoa(k.Bucket()) == bucket
}
