package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// What bounds the work of Load and the length of its error: a file ten times the shipped one is no configuration any
// more, nor is a list of more items, and nobody reads more faults.
const (
	maxFile   = 256 * kib
	maxItems  = 1000
	maxFaults = 1000
)

// Load reads a configuration from YAML. What data doesn't set, or sets to null, has its default; a list replaces the
// default list as a whole; empty data is all defaults. The name stands in messages and is not opened.
//
// An error is of type *Error and holds all faults, at most 1,000. If the YAML itself can't be read, that is the only one.
func Load(name string, data []byte) (Config, error) {
	c := Default()
	d := newDecoder()
	if root := d.parse(data); root != nil {
		d.value(root, reflect.ValueOf(&c).Elem(), "")
	}
	c.check(&checker{d})
	if len(d.faults) == 0 {
		return c, nil
	}
	lines := splitLines(data)
	for i := range d.faults {
		f := &d.faults[i]
		f.File = name
		if f.Line <= len(lines) {
			f.source = lines[f.Line-1]
		}
	}
	return Config{}, asError(d.faults)
}

// LoadFile loads a file. Relative paths in it, those whose key ends in _file, are taken from the file's folder. The
// error is of type *Error unless the file can't be read.
func LoadFile(path string) (Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("read the configuration: %w", err)
	}
	c, err := Load(path, data)
	if err != nil {
		return Config{}, err
	}
	for key, v := range settings(reflect.ValueOf(&c).Elem(), "") {
		if file := v.String(); strings.HasSuffix(key, "_file") && file != "" && !filepath.IsAbs(file) {
			v.SetString(filepath.Join(filepath.Dir(path), file))
		}
	}
	return c, nil
}

// parse gives the root of the one document; nil if there is none, or a fault.
func (d *decoder) parse(data []byte) *yaml.Node {
	if Size(len(data)) > maxFile {
		d.fault(place{1, 1}, "", "the file must have at most %v, has %d bytes: is it a configuration?", maxFile, len(data))
		return nil
	}
	if at, ok := unreadable(data); ok {
		d.fault(at, "", "must be UTF-8 text without control characters: save the file as UTF-8")
		return nil
	}
	var document, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	err := decoder.Decode(&document)
	if err == nil {
		err = decoder.Decode(&second)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		d.syntax(err, data)
		return nil
	}
	if second.Kind != 0 {
		d.fault(placeOf(&second), "", "a second document begins here, a configuration is one: remove the --- or what follows")
	}
	if document.Kind == 0 {
		return nil
	}
	return document.Content[0]
}

// parserMessages are those for which yaml counts lines from 0 in its message.
var parserMessages = []string{
	"did not find expected key",
	"did not find expected node content",
	"did not find expected '-' indicator",
	"did not find expected ',' or",
	"did not find expected <document start>",
}

// syntax makes a fault of an error of yaml, which names the line at best.
func (d *decoder) syntax(err error, data []byte) {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	at := place{1, 1}
	if rest, ok := strings.CutPrefix(message, "line "); ok {
		number, text, _ := strings.Cut(rest, ": ")
		if n, err := strconv.Atoi(number); err == nil {
			message, at.line = text, n
		}
		for _, m := range parserMessages {
			if strings.HasPrefix(message, m) {
				at.line++
			}
		}
	}
	if rest, ok := strings.CutPrefix(message, "unknown anchor '"); ok {
		name, _, _ := strings.Cut(rest, "'")
		at = position(data[:max(0, bytes.Index(data, []byte("*"+name)))])
		message = fmt.Sprintf("*%s is an alias, they are not used here: write the value out, or put quotes around it", name)
	}
	d.fault(at, "", "not YAML: %s", message)
}

// unreadable finds the first byte that is not UTF-8 text.
func unreadable(data []byte) (place, bool) {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 || unicode.IsControl(r) && !strings.ContainsRune("\t\n\r\u0085", r) {
			return position(data[:i]), true
		}
		i += size
	}
	return place{}, false
}

// position gives where the text after before begins.
func position(before []byte) place {
	lines := splitLines(before)
	return place{len(lines), utf8.RuneCountInString(lines[len(lines)-1]) + 1}
}

// splitLines splits where YAML does.
func splitLines(data []byte) []string {
	breaks := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")
	return strings.Split(breaks.Replace(strings.TrimPrefix(string(data), "\ufeff")), "\n")
}
