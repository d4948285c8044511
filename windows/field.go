package windows

import "strconv"

// A Measure is what is counted, one lower-case letter such as 'i' for items.
type Measure byte

// A Series is a count followed over the panes of one resolution, for the whole entity or for one Sub of it.
type Series struct {
	Measure    Measure
	Resolution byte
	Sub        Sub
}

// AllTime stands where a Resolution's name stands for a count that belongs to no pane and never expires.
const AllTime byte = '*'

// A Field is one count of an entity: a series and a pane. As text it is the measure, the resolution, the pane in
// base 36 and, where there is one, a slash and the Sub: "ih9x2c", "oh9x2c/8fQ2_aZk".
type Field struct {
	Series
	Pane int64
}

// Append adds the field's text to b.
func (f Field) Append(b []byte) []byte {
	b = append(b, byte(f.Measure), f.Resolution)
	b = strconv.AppendInt(b, f.Pane, 36)
	if f.Sub.IsZero() {
		return b
	}
	b = append(b, '/')
	return append(b, f.Sub[:]...)
}

// String gives the field's text.
func (f Field) String() string { return string(f.Append(nil)) }
