package logfile

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

const two = "{\"a\":1}\n{\"a\":2}\n"

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func gz(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zst(t *testing.T, text string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(w.EncodeAll([]byte(text), nil))
}

func open(t *testing.T, stdin io.Reader, paths ...string) *Reader {
	t.Helper()
	r, err := Open(paths, stdin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// rest gives what is left to read, and the error that ends it; nil for a proper end.
func rest(r *Reader) (lines []string, err error) {
	for {
		line, err := r.Next()
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return lines, err
		}
		lines = append(lines, string(line))
	}
}

func TestFormats(t *testing.T) {
	both := []string{`{"a":1}`, `{"a":2}`}
	for _, c := range []struct {
		name, content string
		want          []string
	}{
		{"plain.jsonl", two, both},
		{"no-end.jsonl", strings.TrimSuffix(two, "\n"), both},
		{"windows.jsonl", "\ufeff" + strings.ReplaceAll(two, "\n", "\r\n"), both},
		{"blank.jsonl", "\n  \n" + strings.ReplaceAll(two, "\n", "\n\n"), both},
		{"empty.jsonl", "", nil},
		{"events.jsonl.gz", gz(t, two), both},
		{"wrong-suffix.jsonl", gz(t, two), both},
		{"wrong-suffix.gz", two, both},
		{"two-members.gz", gz(t, "{\"a\":1}\n") + gz(t, "{\"a\":2}\n"), both},
		{"events.jsonl.zst", zst(t, two), both},
		{"two-frames.zst", zst(t, "{\"a\":1}\n") + zst(t, "{\"a\":2}\n"), both},
		{"skippable-frame.zst", "\x50\x2a\x4d\x18\x01\x00\x00\x00x" + zst(t, two), both},
		{"table.csv", "sender_id,weight_g\n007,12.5\nB,\n", []string{`{"sender_id":"007","weight_g":12.5}`, `{"sender_id":"B"}`}},
		{"table.CSV.gz", gz(t, "a,b\n\"x,\"\"y\"\"\",\"1\n2\"\n"), []string{`{"a":"x,\"y\"","b":"1\u000a2"}`}},
		{"heavy.csv", "weight_g\nheavy\n0x10\n", []string{`{"weight_g":"heavy"}`, `{"weight_g":"0x10"}`}},
		{"header-only.csv", "a,b\n", nil},
		{"empty.csv", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := rest(open(t, nil, write(t, c.name, c.content)))
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %q, %v\nwant %q", got, err, c.want)
			}
		})
	}
}

// TestFilesInOrder reads standard input between two files; the number of a line counts blank ones, as an editor does.
func TestFilesInOrder(t *testing.T) {
	first, last := write(t, "first.jsonl", "1\n\n2\n"), write(t, "last.csv", "a\n3\n")
	r := open(t, strings.NewReader("in\n"), first, Stdin, last)
	if file, line := r.Where(); file != "" || line != 0 {
		t.Errorf("before the first line: %s:%d", file, line)
	}
	for _, want := range []string{first + ":1 1", first + ":3 2", "-:1 in", last + `:2 {"a":"3"}`} {
		value, err := r.Next()
		file, line := r.Where()
		if got := fmt.Sprintf("%s:%d %s", file, line, value); err != nil || got != want {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
	}
	for range 2 {
		if _, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("after the last line: %v", err)
		}
	}
}

func TestFaultsNameFileAndLine(t *testing.T) {
	whole := gz(t, strings.Repeat(two, 1000))
	long := strings.Repeat("x", MaxLine+1)
	for _, c := range []struct{ name, content, at, says string }{
		{"long.jsonl", "1\n" + long + "\n", ":2: ", "longer than 16 MiB"},
		{"long.csv", "a\n1\n\"" + long + strings.Repeat("x", MaxLine), ":3: ", "row is longer than 16 MiB"},
		{"cut.gz", whole[:len(whole)-9], ":", "breaks off"},
		{"cells.csv", "a,b\n1,2\n3\n", ":3: ", "1 cells where the header has 2"},
		{"quote.csv", "a\n1\nx\"y\n", ":3: ", "double the quotes"},
		{"twice.csv", "a,a\n", ":1: ", `two columns are called "a"`},
		{"nameless.csv", "a,,c\n", ":1: ", "column 2 has no name"},
		{"semicolon.csv", "a;b\n1;2\n", ":1: ", "no comma"},
		{"packed.zip", "PK\x03\x04....", ": ", "gzip or zstd instead"},
		{"wide.jsonl", "\xff\xfe{\x00", ": ", "save it as UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, c.name, c.content)
			r := open(t, nil, path)
			_, err := rest(r)
			if err == nil || !strings.HasPrefix(err.Error(), path+c.at) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, want it at %s and to say %q", err, path+c.at, c.says)
			}
			if _, again := r.Next(); again == nil || again.Error() != err.Error() {
				t.Errorf("the error does not stay: %v", again)
			}
		})
	}
}

func TestLongestLine(t *testing.T) {
	line := strings.Repeat("x", MaxLine)
	got, err := rest(open(t, nil, write(t, "long.jsonl", line+"\r\n1\n")))
	if err != nil || len(got) != 2 || got[0] != line || got[1] != "1" {
		t.Errorf("%d lines, %v", len(got), err)
	}
}

func TestOpenReportsAllFaults(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing")
	_, err := Open([]string{missing, dir, Stdin}, nil)
	for _, want := range []string{missing, dir + " is a directory", "standard input"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell of %s", err, want)
		}
	}
	if _, err := Open([]string{Stdin, Stdin}, strings.NewReader("")); err == nil {
		t.Error("standard input was taken twice")
	}
	if _, err := Open(nil, nil); err == nil {
		t.Error("no file was taken for an input")
	}
}

func TestProgressCountsCompressedBytes(t *testing.T) {
	packed := gz(t, strings.Repeat(two, 1000))
	path := write(t, "a.gz", packed)
	r := open(t, nil, path)
	if read, total := r.Progress(); read != 0 || total != int64(len(packed)) {
		t.Errorf("at first %d of %d", read, total)
	}
	if _, err := rest(r); err != nil {
		t.Fatal(err)
	}
	if read, total := r.Progress(); read != total {
		t.Errorf("at last %d of %d", read, total)
	}
	if _, total := open(t, strings.NewReader(""), path, Stdin).Progress(); total != 0 {
		t.Errorf("the total with standard input is %d", total)
	}
}

func TestClose(t *testing.T) {
	r := open(t, nil, write(t, "a.jsonl", two))
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := r.Next(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
