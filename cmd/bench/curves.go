package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/parcelsentry/parcelsentry/cmd/internal/bench"
)

// all asks for every curve.
const all = "all"

// pick gives the curves that are asked for, in their own order; unknown names are an error.
func pick(names []string) ([]bench.Curve, error) {
	asked := map[string]bool{}
	for _, name := range names {
		asked[name] = true
	}
	var picked []bench.Curve
	var known []string
	for _, c := range bench.Curves() {
		if asked[c.Name] || asked[all] {
			picked = append(picked, c)
		}
		delete(asked, c.Name)
		known = append(known, c.Name)
	}
	delete(asked, all)
	for name := range asked {
		return nil, fmt.Errorf("no curve is called %s: there are %s, and %s", name, strings.Join(known, ", "), all)
	}
	return picked, nil
}

// page is the file beside the folder of results that shows them.
const page = "PERFORMANCE.md"

// keep shows a curve, and writes its table and its plot to a folder: NAME.md and NAME.svg. Where a page lies beside the folder and
// has a place for the curve, they go there, too.
func keep(out io.Writer, folder string, c *bench.Curve, results []bench.Result) error {
	table := bench.Table(c, results)
	fmt.Fprintf(out, "\n%s\n", table)
	picture, err := plot(c, results)
	if err != nil {
		return fmt.Errorf("plot %s: %w", c.Name, err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, c.Name+".md"), []byte(table), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, c.Name+".svg"), picture, 0o644); err != nil {
		return err
	}
	path := filepath.Join(filepath.Dir(filepath.Clean(folder)), page)
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	shown := fmt.Sprintf("![%s](%s/%s.svg)\n\n%s", c.Varies, filepath.Base(folder), c.Name, table)
	if changed, ok := place(string(text), c.Name, shown); ok {
		return os.WriteFile(path, []byte(changed), 0o644)
	}
	return nil
}

// place puts a text between the marks of a name, instead of what stands there; false if the page has no such marks.
func place(page, name, text string) (string, bool) {
	begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->"
	before, rest, found := strings.Cut(page, begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		return page, false
	}
	return before + begin + text + end + after, true
}
