package detector_test

import (
	"os"
	"strings"
	"testing"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/detector/detectortest"
)

func TestScenarios(t *testing.T) {
	detectortest.Run(t, detector.DefaultSettings(), "testdata/*.test")
}

// The scenarios that the README shows hold.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	played := 0
	for i, block := range strings.Split(string(text), "```\n") {
		if i%2 == 0 || !strings.HasPrefix(block, "load ") {
			continue
		}
		played++
		s, err := detectortest.Parse("README.md", strings.NewReader(block))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Play(detector.DefaultSettings()); err != nil {
			t.Error(err)
		}
	}
	if played < 2 {
		t.Errorf("%d scenarios are in it", played)
	}
}
