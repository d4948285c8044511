package redisstore

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// The fields of an entity's hash that are no counts. A count's field has three characters or more, and a letter or an
// asterisk where a member's has its slash.
const (
	fieldFirst  = "f"
	fieldNote   = "a"
	fieldEvents = "n"
	memberMark  = "m/"
)

// firstText is the time in Unix milliseconds and the coordinates; nothing for none.
func firstText(f windows.First) string {
	if f.IsZero() {
		return ""
	}
	return strconv.FormatInt(f.Time.UnixMilli(), 10) + " " + f.At.String()
}

func parseFirst(text string) (windows.First, error) {
	ms, at, _ := strings.Cut(text, " ")
	n, err := strconv.ParseInt(ms, 10, 64)
	if err != nil {
		return windows.First{}, fmt.Errorf("the time %q is no number of milliseconds", ms)
	}
	c, err := windows.ParseCoordinates(at)
	return windows.First{Time: time.UnixMilli(n).UTC(), At: c}, err
}

// restore builds an entity from the fields and values of its hash, which are gone through twice.
func restore(key windows.Key, fields iter.Seq2[string, string]) (*windows.Entity, error) {
	e := windows.NewEntity(key)
	counts := 0
	for field := range fields {
		if len(field) > len(fieldEvents) && !strings.HasPrefix(field, memberMark) {
			counts++
		}
	}
	e.Grow(counts)
	for field, value := range fields {
		if err := restoreField(e, field, value); err != nil {
			return nil, fmt.Errorf("field %q: %w", field, err)
		}
	}
	return e, nil
}

// pairs gives fields and values as they come in an answer, by turns.
func pairs(fields []any) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for i := 0; i+1 < len(fields); i += 2 {
			field, _ := fields[i].(string)
			value, _ := fields[i+1].(string)
			if !yield(field, value) {
				return
			}
		}
	}
}

func restoreField(e *windows.Entity, field, value string) error {
	switch field {
	case fieldNote:
		e.RestoreNote(value)
		return nil
	case fieldFirst:
		first, err := parseFirst(value)
		e.RestoreFirst(first)
		return err
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return fmt.Errorf("%q is no number", value)
	}
	if field == fieldEvents {
		e.RestoreEvents(n)
		return nil
	}
	if name, ok := strings.CutPrefix(field, memberMark); ok {
		var sub windows.Sub
		if copy(sub[:], name) != len(name) {
			return fmt.Errorf("a member's name has %d characters", len(sub))
		}
		e.RestoreMember(sub, time.UnixMilli(n))
		return nil
	}
	f, err := windows.ParseField(field)
	if err != nil {
		return err
	}
	e.RestoreCount(f, n)
	return nil
}
