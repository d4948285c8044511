package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Error holds everything that is wrong with a configuration, in the order of the file. It has at least one fault.
type Error struct {
	Faults []Fault
}

// Error gives one line a fault.
func (e *Error) Error() string { return e.join(Fault.String) }

// Detail gives each fault with the line of the file that it is about, for people at a terminal.
func (e *Error) Detail() string { return e.join(Fault.Detail) }

func (e *Error) join(form func(Fault) string) string {
	all := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		all[i] = form(f)
	}
	return strings.Join(all, "\n")
}

// asError gives nil for no faults.
func asError(faults []Fault) error {
	if len(faults) == 0 {
		return nil
	}
	slices.SortStableFunc(faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &Error{Faults: faults}
}

// Fault is one thing that is wrong.
type Fault struct {
	// File is the name given to Load; empty if the configuration was made by a program.
	File string
	// Line and Column count from 1, Column in characters. Both are 0 if the configuration was made by a program.
	Line, Column int
	// Path names the setting, such as kafka.topics.alerts or windows.resolutions[1].keep; empty for the whole file.
	Path string
	// Message says what is permitted, what was found, and what to do where that isn't plain.
	Message string

	source string // the line
}

// String gives file:line:column: path: message, without the parts that are empty.
func (f Fault) String() string {
	var b strings.Builder
	if f.File != "" {
		b.WriteString(f.File + ":")
	}
	if f.Line > 0 {
		fmt.Fprintf(&b, "%d:%d:", f.Line, f.Column)
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	if f.Path != "" {
		b.WriteString(f.Path + ": ")
	}
	return b.String() + f.Message
}

// Detail gives String, and below it the line of the file with a caret under the column.
func (f Fault) Detail() string {
	if f.Line == 0 {
		return f.String()
	}
	line, caret := excerpt(f.source, f.Column)
	return fmt.Sprintf("%s\n%5d | %s\n      | %s^", f, f.Line, line, caret)
}

// excerpt gives what fits a terminal of a line around a column, and the blanks that lead to the column. Characters
// that a terminal might obey are replaced.
func excerpt(source string, column int) (line, blanks string) {
	const before, most = 60, 100
	runes := []rune(source)
	at := min(max(column-1, 0), len(runes))
	from := max(0, at-before)
	to := min(len(runes), from+most)
	shown := make([]rune, 0, most)
	indent := make([]rune, 0, before)
	for i, r := range runes[from:to] {
		if r != '\t' && !unicode.IsPrint(r) {
			r = '·'
		}
		shown = append(shown, r)
		if from+i >= at {
			continue
		}
		if r != '\t' { // a tab is as wide below as above
			r = ' '
		}
		indent = append(indent, r)
	}
	return string(shown), string(indent)
}
