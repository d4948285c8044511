package deploy_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// exitStatus runs a command and gives its exit status, and all that it printed.
func exitStatus(t *testing.T, cmd *exec.Cmd) (int, string) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v: %v", cmd, err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// TestCompareScript plays it in a small repository whose last commit allocates once more.
func TestCompareScript(t *testing.T) {
	const script, gate = "bench/compare.sh", "bench/gate.awk"
	for _, program := range []string{"git", "awk"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(program, "is not here")
		}
	}
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", root, "-c", "user.name=test", "-c", "user.email=test@example.invalid"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", cmd, err, out)
		}
	}
	write("deploy/"+script, read(t, script))
	write("deploy/"+gate, read(t, gate))
	write("go.mod", read(t, "../go.mod")) // it names benchstat
	write("go.sum", read(t, "../go.sum"))
	git("init", "--quiet")
	for allocations := 1; allocations <= 2; allocations++ {
		write("lane/lane_test.go", fmt.Sprintf(`package lane
import "testing"
var kept [][]byte
func BenchmarkLane(b *testing.B) {
	for b.Loop() {
		kept = make([][]byte, %d)
		for i := range kept[1:] { kept[i] = make([]byte, 8) }
	}
}
`, allocations))
		git("add", "--all")
		git("commit", "--quiet", "--message", "lane: allocates")
	}
	play := func(status int, want string, env ...string) {
		t.Helper()
		cmd := exec.Command(filepath.Join(root, "deploy", script))
		cmd.Env = append(os.Environ(), "PKG=./lane", "BENCH=", "COUNT=4", "BENCHTIME=100x", "GATE=", "BASE=", "NEW=")
		cmd.Env = append(cmd.Env, env...)
		if got, out := exitStatus(t, cmd); got != status || !strings.Contains(out, want) {
			t.Errorf("with %v it ends with %d and prints\n%s\nwant %d and %q", env, got, out, status, want)
		}
	}
	play(0, "allocs/op")
	play(1, "allocs/op: 2, was 1", "GATE=20")
	play(0, "new is", "GATE=1000000", "NEW=HEAD")
	play(2, "is no commit here", "BASE=nothing")
	play(2, "is not a number of percent", "GATE=much")
	write("scale/scale.go", "package scale\n")
	play(2, "no benchmarks", "PKG=./scale")
}

func TestGate(t *testing.T) {
	const script = "bench/gate.awk"
	if _, err := exec.LookPath("awk"); err != nil {
		t.Skip("awk is not here")
	}
	table := func(unit string, rows ...string) string {
		return ",old,,new,,,\n," + unit + ",CI," + unit + ",CI,vs base,P\n" + strings.Join(rows, "\n") + "\n\n"
	}
	for name, c := range map[string]struct {
		csv  string
		want []string // what is said to be worse, nothing for none
	}{
		"nothing":                    {"", nil},
		"slower within the gate":     {table("sec/op", "A-2,100,1%,119,1%,+19.00%,p=0.002 n=6", "geomean,100,,119,,+19%,"), nil},
		"slower beyond it":           {table("sec/op", "A-2,100,1%,130,1%,+30.00%,p=0.002 n=6", "B-2,100,9%,120,9%,~,p=0.2 n=6"), []string{"geomean of sec/op: 1.249"}},
		"slower by noise alone":      {table("sec/op", "A-2,100,1%,130,1%,~,p=0.3 n=6"), nil},
		"one slower, one faster":     {table("sec/op", "A-2,100,1%,150,1%,+50.00%,p=0.002 n=6", "B-2,100,1%,50,1%,-50.00%,p=0.002 n=6"), nil},
		"one that is gone":           {table("sec/op", "A-2,100,1%", "B-2,,,900,1%"), nil},
		"more allocations":           {table("allocs/op", "A-2,10,0%,10,0%,~,p=1 n=6", "B-2,10,0%,13,0%,+30.00%,p=0.002 n=6"), []string{"B-2 allocs/op: 13, was 10"}},
		"the first allocation":       {table("allocs/op", "A-2,0,0%,1,0%,?,p=0.002 n=6"), []string{"A-2 allocs/op: 1, was 0"}},
		"allocations within it":      {table("allocs/op", "A-2,10,0%,12,0%,+20.00%,p=0.002 n=6"), nil},
		"other units":                {table("B/op", "A-2,10,0%,99,0%,+890.00%,p=0.002 n=6"), nil},
		"every table by its package": {"pkg: x/a\n" + table("sec/op", "A-2,1,1%,1,1%,~,p=1 n=6") + "pkg: x/b\n" + table("sec/op", "A-2,1,1%,2,1%,+100.00%,p=0.002 n=6"), []string{"x/b geomean of sec/op: 2"}},
	} {
		cmd := exec.Command("awk", "-F,", "-v", "gate=20", "-f", script)
		cmd.Stdin = strings.NewReader(c.csv)
		status, out := exitStatus(t, cmd)
		if (status == 0) != (c.want == nil) || c.want == nil && out != "" {
			t.Errorf("%s: ends with %d and prints %q", name, status, out)
		}
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s: prints %q, want %q", name, out, want)
			}
		}
	}
}
