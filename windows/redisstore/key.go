package redisstore

import (
	"strconv"
	"strings"

	"github.com/parcelsentry/parcelsentry/windows"
)

func (s *Store) fenceKey(bucket int) string {
	return "ps:" + s.layout + ":fence:{" + strconv.Itoa(bucket) + "}"
}

// addFenceKey adds what fenceKey gives.
func (s *Store) addFenceKey(w *words, bucket int) {
	w.bytes = append(w.bytes, "ps:"...)
	w.bytes = append(w.bytes, s.layout...)
	w.bytes = append(w.bytes, ":fence:{"...)
	w.bytes = strconv.AppendInt(w.bytes, int64(bucket), 10)
	w.add("}")
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
