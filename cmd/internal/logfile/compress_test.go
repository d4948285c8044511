package logfile

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCompress writes under each name what a Reader reads, and compresses where the name says so.
func TestCompress(t *testing.T) {
	text := strings.Repeat(`{"sender_id":"shop"}`+"\n", 1000)
	for name, small := range map[string]bool{"a.jsonl": false, "a.jsonl.gz": true, "a.ZST": true, "-": false} {
		var out bytes.Buffer
		w, err := Compress(name, &out)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.WriteString(w, text)
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		if out.Len() < len(text)/2 != small {
			t.Errorf("%s: %d bytes of %d", name, out.Len(), len(text))
		}
		file := filepath.Join(t.TempDir(), "in-"+name)
		if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := Open([]string{file}, nil)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for {
			line, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || string(line) != `{"sender_id":"shop"}` {
				t.Fatalf("%s: line %q, %v", name, line, err)
			}
			n++
		}
		if n != 1000 {
			t.Errorf("%s: %d lines", name, n)
		}
	}
}
