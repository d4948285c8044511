package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestDockerfile(t *testing.T) {
	text := read(t, "Dockerfile")
	module := read(t, filepath.Join("..", "go.mod"))

	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(module)[1]
	if !strings.Contains(text, "FROM golang:"+version+" AS build\n") {
		t.Errorf("go.mod wants Go %s, the build stage is another", version)
	}
	stages := regexp.MustCompile(`(?m)^FROM (\S+)`).FindAllStringSubmatch(text, -1)
	if last := stages[len(stages)-1][1]; !strings.HasSuffix(last, ":nonroot") {
		t.Errorf("the service runs as root in %s", last)
	}

	// Sources are copied from the root of the repository.
	copied := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^COPY (\S.*) (\S+)$`).FindAllStringSubmatch(text, -1) {
		if strings.HasPrefix(match[1], "--from=") {
			continue
		}
		for source := range strings.FieldsSeq(match[1]) {
			copied[source] = true
			if _, err := os.Stat(filepath.Join("..", source)); err != nil {
				t.Errorf("copies what is not there: %v", err)
			}
		}
	}
	built := regexp.MustCompile(`(?m)go build .* \./(\S+)$`).FindStringSubmatch(text)
	if built == nil {
		t.Fatal("builds nothing")
	}
	if _, err := os.Stat(filepath.Join("..", built[1])); err != nil {
		t.Errorf("builds what is not there: %v", err)
	}
	for _, need := range []string{"go.mod", "go.sum", strings.Split(built[1], "/")[0]} {
		if !copied[need] {
			t.Errorf("does not copy %s", need)
		}
	}
}
