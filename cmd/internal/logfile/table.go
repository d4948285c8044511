package logfile

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// table gives the rows of a CSV file with a header as flat JSON objects. Cells are strings, but numbers in the columns
// that hold amounts; an empty cell is absent, and so is a row of empty cells. A cell of an amount that is no number
// stays a string, so that the decoder refuses the event and not the file.
type table struct {
	csv     *csv.Reader
	limit   *rowLimit
	columns []column // nil before the header is read
	number  int64
	object  []byte
}

type column struct {
	key    []byte // with quotes and colon
	amount bool
}

func newTable(text *bufio.Reader) *table {
	limit := &rowLimit{from: text}
	r := csv.NewReader(bufio.NewReaderSize(limit, bufferSize))
	r.ReuseRecord = true
	return &table{csv: r, limit: limit}
}

func (t *table) line() int64 { return t.number }

func (t *table) next() ([]byte, error) {
	if t.columns == nil {
		if err := t.header(); err != nil {
			return nil, err
		}
	}
	for {
		cells, err := t.read()
		if err != nil {
			return nil, err
		}
		t.object = t.append(t.object[:0], cells)
		if len(t.object) > len("{}") {
			return t.object, nil
		}
	}
}

func (t *table) header() error {
	names, err := t.read()
	if err != nil {
		return err
	}
	if len(names) == 1 && strings.ContainsAny(names[0], ";\t") {
		return errors.New("the header has no comma; save the table with commas between the cells")
	}
	names = slices.Clone(names)
	columns := make([]column, len(names))
	for i, name := range names {
		names[i] = strings.TrimSpace(name)
		if names[i] == "" {
			return fmt.Errorf("column %d has no name; the first row must name the columns, such as event_time", i+1)
		}
		if slices.Contains(names[:i], names[i]) {
			return fmt.Errorf("two columns are called %q; rename or remove one", names[i])
		}
		columns[i] = column{
			key:    append(appendString(nil, names[i]), ':'),
			amount: names[i] == "weight_g" || names[i] == "declared_value",
		}
	}
	t.columns = columns
	return nil
}

func (t *table) read() ([]string, error) {
	t.limit.left = MaxLine
	cells, err := t.csv.Read()
	if err == nil {
		line, _ := t.csv.FieldPos(0)
		t.number = int64(line)
		return cells, nil
	}
	var parse *csv.ParseError
	if !errors.As(err, &parse) {
		t.number++
		return nil, err
	}
	t.number = int64(parse.StartLine)
	if errors.Is(err, csv.ErrFieldCount) {
		return nil, fmt.Errorf("%d cells where the header has %d; quote cells that hold commas", len(cells), len(t.columns))
	}
	return nil, fmt.Errorf("column %d: %w; double the quotes within a quoted cell", parse.Column, parse.Err)
}

func (t *table) append(b []byte, cells []string) []byte {
	b = append(b, '{')
	for i, cell := range cells {
		if cell == "" {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(b, t.columns[i].key...)
		if t.columns[i].amount && isNumber(cell) {
			b = append(b, cell...)
		} else {
			b = appendString(b, cell)
		}
	}
	return append(b, '}')
}

// isNumber reports whether the cell can stand in JSON as a number.
func isNumber(cell string) bool {
	return (cell[0] == '-' || cell[0] >= '0' && cell[0] <= '9') && json.Valid([]byte(cell))
}

// appendString adds a JSON string. Invalid UTF-8 stays as it is: what becomes of it is the decoder's to say.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// rowLimit stops a row that does not end, as behind a quote that is never closed.
type rowLimit struct {
	from io.Reader
	left int // what may still be read for this row
}

func (l *rowLimit) Read(b []byte) (int, error) {
	if l.left <= 0 {
		return 0, errLongRow
	}
	n, err := l.from.Read(b)
	l.left -= n
	return n, err
}

var errLongRow = fmt.Errorf("the row is longer than %d MiB; is a quote not closed?", MaxLine>>20)
