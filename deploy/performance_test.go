package deploy_test

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// results is the folder of tables and plots of curves; it comes with the first.
const results = "performance"

// TestPerformance holds what the page shows to the results beside it. That it has a place for every curve is tested beside the
// command that draws them.
func TestPerformance(t *testing.T) {
	text := read(t, "PERFORMANCE.md")
	known := map[string]bool{}
	for _, mark := range regexp.MustCompile(`<!-- ([a-z_]+) -->\n`).FindAllStringSubmatch(text, -1) {
		name := mark[1]
		known[name] = true
		_, rest, _ := strings.Cut(text, mark[0])
		shown, _, ended := strings.Cut(rest, "<!-- end of "+name+" -->")
		if !ended {
			t.Errorf("the place for %s does not end", name)
			continue
		}
		table, err := os.ReadFile(filepath.Join(results, name+".md"))
		if shown == "" && errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil || !strings.HasSuffix(shown, "]("+results+"/"+name+".svg)\n\n"+string(table)) {
			t.Errorf("%s: %v, shows\n%s\nwant a plot, and\n%s", name, err, shown, table)
		}
	}
	if len(known) == 0 {
		t.Error("has no place for any curve")
	}
	entries, err := os.ReadDir(results)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, entry := range entries {
		name := entry.Name()
		kind := filepath.Ext(name)
		if !known[strings.TrimSuffix(name, kind)] || kind != ".md" && kind != ".svg" {
			t.Errorf("%s/%s belongs to no curve", results, name)
		}
		if kind == ".svg" {
			wellFormed(t, filepath.Join(results, name))
		}
	}
	for _, target := range regexp.MustCompile("`make ([a-z0-9-]+)").FindAllStringSubmatch(text, -1) {
		if !strings.Contains(read(t, "../Makefile"), "\n"+target[1]+":") {
			t.Errorf("names make %s, which the Makefile does not know", target[1])
		}
	}
}

// wellFormed reads a whole XML file.
func wellFormed(t *testing.T, path string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(read(t, path))); ; {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return
		}
	}
}
