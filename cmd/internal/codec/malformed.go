package codec

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// Malformed is why no event can be made of a record. It never holds what may name a person.
type Malformed struct {
	// Field is the field at fault, empty for the record as a whole.
	Field string
	// Reason says what is wrong with it.
	Reason string
}

func (m *Malformed) Error() string {
	if m.Field == "" {
		return m.Reason
	}
	return m.Field + ": " + m.Reason
}

func malformed(f field, format string, args ...any) error {
	return &Malformed{Field: f.String(), Reason: fmt.Sprintf(format, args...)}
}

func unreadable(format string, args ...any) error {
	return &Malformed{Reason: fmt.Sprintf(format, args...)}
}

// errMissing is what a field gives that a record must have.
var errMissing = errors.New("missing")

// quote shows the beginning of a value.
func quote(b []byte) string {
	const shown = 40
	if len(b) <= shown {
		return fmt.Sprintf("%q", b)
	}
	n := shown
	for n > 0 && !utf8.RuneStart(b[n]) {
		n--
	}
	return fmt.Sprintf("%q…", b[:n])
}
