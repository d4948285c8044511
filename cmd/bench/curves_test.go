package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/bench"
)

func TestPick(t *testing.T) {
	for names, want := range map[string]string{"": "", "late": "late", "late senders": "senders late", "nonsense": "error", "all nonsense": "error"} {
		picked, err := pick(strings.Fields(names))
		var got []string
		for _, c := range picked {
			got = append(got, c.Name)
		}
		if err != nil {
			got = []string{"error"}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q picks %q, %v", names, got, err)
		}
	}
	if every, err := pick([]string{"all"}); err != nil || len(every) != len(bench.Curves()) {
		t.Errorf("all picks %d, %v", len(every), err)
	}
}

// results are a curve of three points, the last cut.
func results() (*bench.Curve, []bench.Result) {
	r := bench.Result{At: "1000", Events: 1000, Elapsed: time.Second, Job: 5 * time.Millisecond, Keys: 1}
	slow, cut := r, r
	slow.At, slow.Elapsed = "10000", 2*time.Second
	cut.At, cut.Cut, cut.Elapsed = "100000", true, 3*time.Second
	return &bench.Curve{Name: "senders", Varies: "senders & more"}, []bench.Result{r, slow, cut}
}

func TestPlot(t *testing.T) {
	c, all := results()
	for n := 1; n <= len(all); n++ {
		svg, err := plot(c, all[:n])
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%v:\n%s", err, svg)
			}
			if text, ok := token.(xml.CharData); ok {
				texts = append(texts, string(text))
			}
		}
		shown := strings.Join(texts, "|")
		for _, want := range []string{"senders & more", "events/s", "system µs an event", "1000"} {
			if !strings.Contains(shown, want) {
				t.Errorf("the plot of %d points shows %q, not %q", n, shown, want)
			}
		}
		if got := strings.Contains(shown, "100000 (cut)"); got != (n == 3) {
			t.Errorf("the plot of %d points shows %q", n, shown)
		}
	}
}

func TestRoundUp(t *testing.T) {
	for v, want := range map[float64]float64{0: 1, 0.7: 1, 1: 1, 1.01: 2, 2.1: 2.5, 26: 50, 99: 100, 123_456: 200_000} {
		if got := roundUp(v); got < want*0.999 || got > want*1.001 {
			t.Errorf("%v is rounded up to %v, not %v", v, got, want)
		}
	}
}

func TestKeep(t *testing.T) {
	root := t.TempDir()
	folder := filepath.Join(root, "performance")
	c, all := results()
	var out bytes.Buffer
	table := bench.Table(c, all)
	if err := keep(&out, folder, c, all); err != nil || !strings.Contains(out.String(), table) {
		t.Fatalf("%v, printed %q", err, out.String())
	}
	path := filepath.Join(root, page)
	if err := os.WriteFile(path, []byte("# Curves\n\n<!-- senders -->\nold\n<!-- end of senders -->\n\nThe end.\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it replaces what it wrote
		if err := keep(&out, folder+"/", c, all); err != nil {
			t.Fatal(err)
		}
		want := "# Curves\n\n<!-- senders -->\n![senders & more](performance/senders.svg)\n\n" + table + "<!-- end of senders -->\n\nThe end.\n"
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%v, the page is\n%s\nwant\n%s", err, got, want)
		}
	}
	if got, err := os.ReadFile(filepath.Join(folder, "senders.md")); err != nil || string(got) != table {
		t.Errorf("%v: %s", err, got)
	}
	if text, ok := place("no marks", "senders", "x"); ok || text != "no marks" {
		t.Errorf("a page without marks becomes %q", text)
	}
}

// TestPageHasAPlaceForEachCurve looks at the page that is shipped.
func TestPageHasAPlaceForEachCurve(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", page))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range bench.Curves() {
		if _, ok := place(string(text), c.Name, ""); !ok {
			t.Errorf("no place for %s", c.Name)
		}
	}
	if got, want := strings.Count(string(text), "<!-- end of "), len(bench.Curves()); got != want {
		t.Errorf("places for %d curves, there are %d", got, want)
	}
}
