package detectortest

import (
	"path/filepath"
	"testing"

	"github.com/parcelsentry/parcelsentry/detector"
)

// Run plays every scenario file that glob matches, starting from settings, and fails t for each that fails. A glob
// that matches nothing fails too.
func Run(t testing.TB, settings detector.Settings, glob string) {
	t.Helper()
	files, err := filepath.Glob(glob)
	if err != nil {
		t.Fatalf("%s: %v", glob, err)
	}
	if len(files) == 0 {
		t.Fatalf("%s matches no file", glob)
	}
	for _, file := range files {
		check := func(t testing.TB) {
			t.Helper()
			if err := RunFile(file, settings); err != nil {
				t.Error(err)
			}
		}
		if t, ok := t.(*testing.T); ok {
			t.Run(filepath.Base(file), func(t *testing.T) { check(t) })
			continue
		}
		check(t)
	}
}
