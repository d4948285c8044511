package deploy_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestREADME(t *testing.T) {
	text := read(t, "README.md")
	links := regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(text, -1)
	if len(links) == 0 {
		t.Fatal("links to nothing")
	}
	linked := map[string]bool{}
	for _, link := range links {
		path, _, _ := strings.Cut(link[1], "#")
		linked[strings.TrimSuffix(path, "/")] = true
		if strings.Contains(path, "://") || path == "" {
			continue
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("links to what is not there: %v", err)
		}
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if name != "README.md" && name != results && !strings.HasSuffix(name, ".go") && !linked[name] {
			t.Errorf("does not tell what %s is", name)
		}
	}
	makefile := read(t, "../Makefile")
	for _, match := range regexp.MustCompile("`make ([a-z0-9-]+)`").FindAllStringSubmatch(text, -1) {
		if !strings.Contains(makefile, "\n"+match[1]+":") {
			t.Errorf("names make %s, which the Makefile does not know", match[1])
		}
	}
}
