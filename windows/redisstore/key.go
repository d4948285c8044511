package redisstore

import (
	"strconv"
	"strings"

	"github.com/parcelsentry/parcelsentry/windows"
)

func (s *Store) fenceKey(bucket int) string {
	return "ps:" + s.layout + ":fence:{" + strconv.Itoa(bucket) + "}"
}

func (s *Store) entityKey(k windows.Key, bucket int) string {
	return s.kindPrefix(k.Kind) + "{" + strconv.Itoa(bucket) + "}:" + k.ID
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
