package deploy_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestPeersScript shows that it can be read, and that it says what is missing before it starts anything.
func TestPeersScript(t *testing.T) {
	const script = "bench/peers.sh"
	if out, err := exec.Command("bash", "-n", script).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	folder := t.TempDir()
	run := func(want string) {
		t.Helper()
		cmd := exec.Command(script)
		cmd.Env = append(os.Environ(), "PEERS="+filepath.Join(folder, "peers"), "WORK="+filepath.Join(folder, "work"))
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(string(out), want) {
			t.Errorf("%v, and it printed:\n%s\nwant exit status 2 and:\n%s", err, out, want)
		}
	}
	run("name the folder with the other engines")
	if err := os.MkdirAll(filepath.Join(folder, "peers"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "peers", "measure.sh"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	run("which starts their broker")
	if _, err := os.Stat(filepath.Join(folder, "work")); err == nil {
		t.Error("it has begun to work")
	}
}
