package logfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func gz(t testing.TB, text string) string {
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

func zst(t testing.TB, text string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	return string(w.EncodeAll([]byte(text), nil))
}

// write makes a file in a folder that goes with the test.
func write(t testing.TB, name, content string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// row is an event, and the line where Where says that it begins.
type row struct {
	value string
	line  int64
}

// readAll gives all events up to the error, which is nil at the end.
func readAll(t testing.TB, r *Reader) ([]row, error) {
	t.Helper()
	var all []row
	for {
		value, err := r.Next()
		if err != nil {
			if again, same := r.Next(); again != nil || same != err { // the very same error
				t.Errorf("after %v comes %q, %v", err, again, same)
			}
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return all, err
		}
		_, line := r.Where()
		all = append(all, row{string(value), line})
	}
}

func open(t testing.TB, paths ...string) *Reader {
	t.Helper()
	r, err := Open(paths, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(r.Close(), r.Close()); err != nil {
			t.Error(err)
		}
	})
	return r
}

func TestNext(t *testing.T) {
	const lines = "{\"a\":1}\n{\"a\":2}\n"
	both := []row{{`{"a":1}`, 1}, {`{"a":2}`, 2}}
	const table = "sender_id,weight_g\nA,5\nB,\n"
	objects := []row{{`{"sender_id":"A","weight_g":5}`, 2}, {`{"sender_id":"B"}`, 3}}
	wide := strings.Repeat("x", 3*bufferSize)
	const mark = "\xef\xbb\xbf"
	skip := "\x50\x2a\x4d\x18\x04\x00\x00\x00abcd" // a skippable frame, as pzstd writes it
	for _, c := range []struct {
		name, file, content string
		want                []row
	}{
		{"plain", "a.jsonl", lines, both},
		{"gzip", "a.jsonl.gz", gz(t, lines), both},
		{"zstd", "a.jsonl.zst", zst(t, lines), both},
		{"zstd after a skippable frame", "a.jsonl.zst", skip + zst(t, lines), both},
		{"gzip in two members", "a.jsonl.gz", gz(t, "{\"a\":1}\n") + gz(t, "{\"a\":2}\n"), both},
		{"zstd in two frames", "a.jsonl.zst", zst(t, "{\"a\":1}\n{\"a\"") + zst(t, ":2}\n"), both},
		{"gzip without the suffix", "a.jsonl", gz(t, lines), both},
		{"zstd with the suffix of gzip", "a.jsonl.gz", zst(t, lines), both},
		{"plain with the suffix of zstd", "a.jsonl.zst", lines, both},
		{"plain without any suffix", "a", lines, both},
		{"no line end at the end", "a", "{\"a\":1}\n{\"a\":2}", both},
		{"lines of Windows", "a", "{\"a\":1}\r\n{\"a\":2}\r\n", both},
		{"a byte-order mark", "a", mark + lines, both},
		{"a byte-order mark within gzip", "a.gz", gz(t, mark+lines), both},
		{"blank lines", "a", "\n \t\r\n{\"a\":1}\n\n\r\n{\"a\":2}\n\n  ", []row{{`{"a":1}`, 3}, {`{"a":2}`, 6}}},
		{"nothing", "a", "", nil},
		{"nothing but a byte-order mark", "a", mark, nil},
		{"nothing, compressed", "a.gz", gz(t, ""), nil},
		{"a single byte", "a", "1", []row{{"1", 1}}},
		{"lines longer than the buffer", "a", wide + "\n{}\n" + wide, []row{{wide, 1}, {"{}", 2}, {wide, 3}}},
		{"what is no event is for others to judge", "a", "nonsense\n\x00\xff\n", []row{{"nonsense", 1}, {"\x00\xff", 2}}},

		{"csv", "a.csv", table, objects},
		{"csv in capitals", "A.CSV", table, objects},
		{"csv, gzip", "a.csv.gz", gz(t, table), objects},
		{"csv, zstd", "a.csv.zst", zst(t, table), objects},
		{"csv, gzip without the suffix", "a.csv", gz(t, table), objects},
		{"csv, plain with the suffix", "a.csv.gz", table, objects},
		{
			"csv with a byte-order mark, lines of Windows, no line end at the end", "a.csv",
			mark + "sender_id,weight_g\r\nA,5\r\nB,", objects,
		},
		{
			"csv, blank lines and empty rows", "a.csv", "\nsender_id,weight_g\n\nA,5\n,\n\nB,\n",
			[]row{{`{"sender_id":"A","weight_g":5}`, 4}, {`{"sender_id":"B"}`, 7}},
		},
		{
			"csv, a cell of two lines", "a.csv", "item_id,origin\n1,\"a\nb\"\n2,c\n",
			[]row{{`{"item_id":"1","origin":"a\u000ab"}`, 2}, {`{"item_id":"2","origin":"c"}`, 4}},
		},
		{
			"csv, quotes, backslashes, Vietnamese", "a.csv", "origin, destination \n\"a \"\"b\"\", c\\\",Hà Nội\n",
			[]row{{`{"origin":"a \"b\", c\\","destination":"Hà Nội"}`, 2}},
		},
		{
			"csv, only amounts are numbers", "a.csv", "sender_id,event_time,weight_g,declared_value\n007,8,-1.5e3,0\n7,8,heavy,01\n7,8,true,{}\n",
			[]row{
				{`{"sender_id":"007","event_time":"8","weight_g":-1.5e3,"declared_value":0}`, 2},
				{`{"sender_id":"7","event_time":"8","weight_g":"heavy","declared_value":"01"}`, 3},
				{`{"sender_id":"7","event_time":"8","weight_g":"true","declared_value":"{}"}`, 4},
			},
		},
		{"csv, nothing", "a.csv", "", nil},
		{"csv, nothing but a header", "a.csv", "sender_id\n", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := readAll(t, open(t, write(t, c.file, c.content)))
			if err != nil {
				t.Error(err)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %.300v\nwant %.300v", got, c.want)
			}
		})
	}
}

func TestNextFaults(t *testing.T) {
	first := []row{{`{"a":1}`, 1}}
	cell := []row{{`{"a":"1","b":"2"}`, 2}}
	long := strings.Repeat("x", MaxLine+1)
	for _, c := range []struct {
		name, file, content string
		before              []row
		want                string // after the path
	}{
		{"a line too long", "a", "{\"a\":1}\n\n" + long + "\n{}\n", first, ":3: the line is longer than 16 MiB; each event must be one line"},
		{"a line too long at the end", "a", long, nil, ":1: the line is longer than 16 MiB; each event must be one line"},
		{"a line too long, compressed", "a.gz", gz(t, long), nil, ":1: the line is longer than 16 MiB; each event must be one line"},
		{"a checksum that is wrong", "a.gz", flip(gz(t, "{\"a\":1}\n")), first, ":2: gzip: invalid checksum"},
		{"bzip2", "a.bz2", "BZh91AY&SY", nil, ": this is bzip2, xz or zip; compress it with gzip or zstd instead, or not at all"},
		{"xz", "a.xz", "\xfd7zXZ\x00", nil, ": this is bzip2, xz or zip; compress it with gzip or zstd instead, or not at all"},
		{"zip", "a.zip", "PK\x03\x04....", nil, ": this is bzip2, xz or zip; compress it with gzip or zstd instead, or not at all"},
		{"UTF-16", "a", "\xff\xfe{\x00", nil, ": this is UTF-16; save it as UTF-8"},
		{"csv, too few cells", "a.csv", "a,b\n1,2\n\n3\n", cell, ":4: 1 cells where the header has 2; quote cells that hold commas"},
		{"csv, too many cells", "a.csv", "a,b\n1,2\n3,4,5\n", cell, ":3: 3 cells where the header has 2; quote cells that hold commas"},
		{"csv, a bare quote", "a.csv", "a,b\n1,2\n3,4\"\n", cell, `:3: column 4: bare " in non-quoted-field; double the quotes within a quoted cell`},
		{"csv, a quote never closed", "a.csv", "a,b\n1,2\n3,\"" + long + strings.Repeat("x", 2*bufferSize), cell, ":3: the row is longer than 16 MiB; is a quote not closed?"},
		{"csv, semicolons", "a.csv", "a;b\n1;2\n", nil, ":1: the header has no comma; save the table with commas between the cells"},
		{"csv, a column without name", "a.csv", "a, ,c\n", nil, ":1: column 2 has no name; the first row must name the columns, such as event_time"},
		{"csv, a column twice", "a.csv", "a,b, a\n", nil, `:1: two columns are called "a"; rename or remove one`},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, c.file, c.content)
			got, err := readAll(t, open(t, path))
			if err == nil || err.Error() != path+c.want {
				t.Errorf("got %v\nwant %s%s", err, path, c.want)
			}
			if !slices.Equal(got, c.before) {
				t.Errorf("before it %.300v, want %.300v", got, c.before)
			}
		})
	}
}

// flip spoils the checksum of a gzip file, which stands before its length.
func flip(s string) string {
	b := []byte(s)
	b[len(b)-8] ^= 1
	return string(b)
}

// Line by line or row by row: as long as the limit is not too long.
func TestNextLongestLine(t *testing.T) {
	longest := strings.Repeat("x", MaxLine)
	got, err := readAll(t, open(t, write(t, "a", longest+"\r\n{}\n")))
	if err != nil || len(got) != 2 || got[0].value != longest {
		t.Errorf("%d lines, %v", len(got), err)
	}
}

// Wherever a compressed file breaks off, its whole lines come out, half a line never does, and the error says what to do.
func TestNextTruncated(t *testing.T) {
	var text strings.Builder
	for i := range 500 {
		fmt.Fprintf(&text, "{\"n\":%d,\"x\":\"%x\"}\n", i, i*i*7919)
	}
	lines := strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
	for name, whole := range map[string]string{"gzip": gz(t, text.String()), "zstd": zst(t, text.String())} {
		for _, n := range []int{6, 9, 12, 40, len(whole) / 2, len(whole) - 5, len(whole) - 1} {
			path := write(t, "a", whole[:n])
			got, err := readAll(t, open(t, path))
			if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.HasPrefix(err.Error(), path+":") ||
				!strings.Contains(err.Error(), "the compressed data breaks off; copy the file again or wait until it is written") {
				t.Errorf("%s, %d of %d bytes: %v", name, n, len(whole), err)
			}
			for i, r := range got {
				if r.value != lines[i] || r.line != int64(i+1) {
					t.Fatalf("%s, %d of %d bytes: line %d is %q at %d", name, n, len(whole), i+1, r.value, r.line)
				}
			}
		}
	}
}

func TestNextGoesThroughFilesInOrder(t *testing.T) {
	paths := []string{
		write(t, "b.jsonl", "1\n2"), write(t, "a.csv", "item_id\n3\n"), write(t, "empty", ""), Stdin, write(t, "c.gz", gz(t, "6\n")),
	}
	r, err := Open(paths, strings.NewReader("4\n5\n"))
	if err != nil {
		t.Fatal(err)
	}
	if file, line := r.Where(); file != "" || line != 0 {
		t.Errorf("before the first: %s:%d", file, line)
	}
	var got []string
	for {
		value, err := r.Next()
		file, line := r.Where()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s:%d: %s", filepath.Base(file), line, value))
	}
	want := []string{"b.jsonl:1: 1", "b.jsonl:2: 2", `a.csv:2: {"item_id":"3"}`, "-:1: 4", "-:2: 5", "c.gz:1: 6"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if file, line := r.Where(); filepath.Base(file) != "c.gz" || line != 1 {
		t.Errorf("at the end: %s:%d, want the last event", file, line)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// A fault in one file is no reason to go on with the next as if nothing were missing.
func TestNextStopsAtAFault(t *testing.T) {
	bad := write(t, "bad.csv", "a;b\n")
	got, err := readAll(t, open(t, write(t, "a", "1\n"), bad, write(t, "c", "2\n")))
	if err == nil || !strings.HasPrefix(err.Error(), bad+":1: ") || !slices.Equal(got, []row{{"1", 1}}) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestNextReadsStdin(t *testing.T) {
	for _, input := range []string{"1\n2\n", gz(t, "1\n2"), zst(t, "1\n2\n"), "\xef\xbb\xbf1\n2"} {
		r, err := Open([]string{Stdin}, strings.NewReader(input))
		if err != nil {
			t.Fatal(err)
		}
		got, err := readAll(t, r)
		if err != nil || !slices.Equal(got, []row{{"1", 1}, {"2", 2}}) {
			t.Errorf("%.20q: %v, %v", input, got, err)
		}
		if read, total := r.Progress(); read != int64(len(input)) || total != 0 {
			t.Errorf("%.20q: %d of %d bytes are read", input, read, total)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// failing gives text, then an error.
type failing struct {
	text io.Reader
	err  error
}

func (f failing) Read(b []byte) (int, error) {
	n, err := f.text.Read(b)
	if errors.Is(err, io.EOF) {
		err = f.err
	}
	return n, err
}

func TestNextReportsReadErrors(t *testing.T) {
	unplugged := errors.New("unplugged")
	r, err := Open([]string{Stdin}, failing{strings.NewReader("whole\nhalf of a"), unplugged})
	if err != nil {
		t.Fatal(err)
	}
	got, err := readAll(t, r)
	if !errors.Is(err, unplugged) || err.Error() != "-:2: unplugged" || !slices.Equal(got, []row{{"whole", 1}}) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	there, missing, gone := write(t, "a", "1\n"), filepath.Join(dir, "missing"), filepath.Join(dir, "gone")
	const once = "standard input (-) can be read only once"
	for _, c := range []struct {
		name  string
		paths []string
		stdin io.Reader
		want  string
	}{
		{"nothing", nil, nil, "no input: name a file, or - for standard input"},
		{
			"all that is missing at once",
			[]string{missing, there, gone},
			nil,
			"input: stat " + missing + ": no such file or directory\ninput: stat " + gone + ": no such file or directory",
		},
		{"a directory", []string{dir}, nil, "input: " + dir + " is a directory: name the files in it, in the order of their events"},
		{"stdin twice", []string{Stdin, there, Stdin}, strings.NewReader(""), once},
		{"no stdin", []string{Stdin}, nil, once},
	} {
		if r, err := Open(c.paths, c.stdin); err == nil || err.Error() != c.want || r != nil {
			t.Errorf("%s: got %v\nwant %s", c.name, err, c.want)
		}
	}
	if _, err := Open([]string{missing}, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("callers can't tell that a file is missing: %v", err)
	}
}

// A file may vanish after Open looked at it.
func TestNextMissingFile(t *testing.T) {
	path := write(t, "a", "1\n")
	r := open(t, path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
}

func TestProgress(t *testing.T) {
	first, second := gz(t, strings.Repeat("{\"a\":1}\n", 1000)), "{}\n"
	r := open(t, write(t, "a.gz", first), write(t, "b", second))
	want := int64(len(first) + len(second))
	if read, total := r.Progress(); read != 0 || total != want {
		t.Errorf("at first %d of %d, want 0 of %d", read, total, want)
	}
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if read, _ := r.Progress(); read == 0 || read > int64(len(first)) {
		t.Errorf("after an event of the first file, which has %d bytes, %d are read", len(first), read)
	}
	if _, err := readAll(t, r); err != nil {
		t.Fatal(err)
	}
	if read, total := r.Progress(); read != want || total != want {
		t.Errorf("at last %d of %d, want %d", read, total, want)
	}
	mixed, err := Open([]string{write(t, "a", second), Stdin}, strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	if _, total := mixed.Progress(); total != 0 {
		t.Errorf("with standard input the total is %d, want 0 for unknown", total)
	}
}

func TestClose(t *testing.T) {
	for _, content := range []string{"1\n2\n", gz(t, "1\n2\n"), zst(t, "1\n2\n")} {
		r := open(t, write(t, "a", content))
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if value, err := r.Next(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("Next after Close gives %q, %v", value, err)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	const n = 10_000
	event := `{"event_id":"01JBP7X8Q0W3M5N6R7S8T9V0AB","event_time":"2026-11-02T15:00:00.123+07:00","sender_id":"acct-0012345678",` +
		`"recipient_id":"+84912345678","item_id":"RR123456785VN","event_type":"posted","weight_g":1250}` + "\n"
	lines := strings.Repeat(event, n)
	table := "event_id,event_time,sender_id,recipient_id,item_id,event_type,weight_g\n" + strings.Repeat(
		"01JBP7X8Q0W3M5N6R7S8T9V0AB,2026-11-02T15:00:00.123+07:00,acct-0012345678,+84912345678,RR123456785VN,posted,1250\n", n)
	for _, c := range []struct{ name, file, content string }{
		{"plain", "a.jsonl", lines},
		{"gzip", "a.jsonl.gz", gz(b, lines)},
		{"zstd", "a.jsonl.zst", zst(b, lines)},
		{"csv", "a.csv", table},
	} {
		b.Run(c.name, func(b *testing.B) {
			path := write(b, c.file, c.content)
			b.ReportAllocs()
			for b.Loop() {
				r, err := Open([]string{path}, nil)
				if err != nil {
					b.Fatal(err)
				}
				events := 0
				for _, err = r.Next(); err == nil; _, err = r.Next() {
					events++
				}
				if !errors.Is(err, io.EOF) || events != n {
					b.Fatalf("%d events, %v", events, err)
				}
				if err := r.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
