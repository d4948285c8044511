package logfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFingerprint goes by what files hold and by their order, not by their names.
func TestFingerprint(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	print := func(paths ...string) string {
		t.Helper()
		name, err := Fingerprint(t.Context(), paths)
		if err != nil || len(name) != 16 {
			t.Fatalf("%q, %v", name, err)
		}
		return name
	}
	a, b, copied := write("a", "one\n"), write("b", "two\n"), write("c", "one\n")
	if print(a, b) != print(copied, b) {
		t.Error("a copy is another file")
	}
	seen := map[string]bool{}
	for _, paths := range [][]string{{a}, {b}, {a, b}, {b, a}, {a, a}, {write("both", "one\ntwo\n")}, {write("none", "")}} {
		if seen[print(paths...)] {
			t.Errorf("%v has the name of others", paths)
		}
		seen[print(paths...)] = true
	}
	for path, want := range map[string]string{Stdin: "standard input", dir: "no file", filepath.Join(dir, "nowhere"): "nowhere"} {
		if _, err := Fingerprint(t.Context(), []string{path}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
