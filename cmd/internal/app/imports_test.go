package app

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/parcelsentry/parcelsentry/"

// arrow says which packages of the project a package may import, tests aside, and why.
type arrow struct {
	from string
	to   []string
	why  string
}

var arrows = []arrow{
	{"windows", nil, "when and how many knows nothing else"},
	{"windows/memstore", []string{"windows"}, "a store knows what it stores"},
	{"windows/redisstore", []string{"windows"}, "a store knows what it stores"},
	{"windows/windowstest", []string{"windows"}, "the contract knows no store"},
	{"detector", []string{"windows"}, "what is unusual follows from counts"},
	{"detector/eval", nil, "it shows what the evaluation kit says"},
	{"detector/detectortest", []string{"detector", "windows"}, "scenarios run the detectors alone"},
	{"config", []string{"detector", "windows"}, "settings don't know who uses them"},
	{"cmd/internal/pipeline", []string{"detector", "windows"}, "the worker states the ports that it needs"},
	{"cmd/internal/kafkaio", []string{"cmd/internal/pipeline", "windows"}, "an adapter serves the worker's ports"},
	{"cmd/internal/codec", []string{"detector", "windows"}, "bytes to events and back"},
	{"cmd/internal/httpserver", nil, "it serves what it is handed"},
	{"cmd/internal/canary", nil, "a seal and an account, no IO"},
	{"cmd/internal/watchdog", nil, "it knows what hangs, not what that is"},
	{"cmd/internal/logfile", nil, "lines are lines"},
	{"cmd/internal/synth", nil, "made-up shipments are only bytes"},
	{"cmd/internal/testbed", nil, "it starts servers, and knows the service by its metrics alone"},
	{"cmd/internal/faults", []string{"cmd/internal/pipeline", "detector", "windows"}, "fault points stand around the worker's ports"},
	{"cmd/internal/backtest", []string{"cmd/internal/pipeline", "detector", "windows", "windows/memstore"}, "a replay is the worker over a file and memory"},
}

// pure packages import nothing that does IO, and from outside the standard library only what is listed.
var pure = map[string][]string{
	"windows":  {"github.com/cespare/xxhash/v2"}, // the hash that design and stored keys are fixed to; a pure function
	"detector": nil,
}

// impure are the parts of the standard library that a pure package has no business with.
var impure = []string{"net", "os", "log", "io", "runtime", "syscall", "embed", "testing"}

// TestArrows keeps imports pointing inwards.
func TestArrows(t *testing.T) {
	graph := packages(t)
	for _, rule := range arrows {
		imports, ok := graph[rule.from]
		if !ok {
			t.Errorf("package %s does not exist", rule.from)
			continue
		}
		for _, to := range imports {
			inside, ok := strings.CutPrefix(to, module)
			if ok && !slices.Contains(rule.to, inside) {
				t.Errorf("%s imports %s: %s", rule.from, inside, rule.why)
			}
		}
	}
	for name, imports := range graph {
		ruled := slices.ContainsFunc(arrows, func(a arrow) bool { return a.from == name })
		if !ruled && !strings.HasPrefix(name, "cmd/") && !strings.HasPrefix(name, "deploy") {
			t.Errorf("package %s has no rule here", name)
		}
		if name != "cmd/internal/kafkaio" && slices.ContainsFunc(imports, func(i string) bool {
			return strings.HasPrefix(i, "github.com/segmentio/kafka-go")
		}) {
			t.Errorf("%s imports kafka-go: its traps are handled in kafkaio alone", name)
		}
		if name != "cmd/bench" && slices.ContainsFunc(imports, func(i string) bool { return strings.HasPrefix(i, "github.com/go-analyze/charts") }) {
			t.Errorf("%s imports charts: the service draws nothing, and stays small", name)
		}
		for _, i := range imports {
			if strings.Contains(i, "/kfake") || strings.Contains(i, "/miniredis") {
				if name != "cmd/demo" {
					t.Errorf("%s imports %s: stand-ins are for the demo and tests", name, i)
				}
			}
		}
	}
}

// TestPure keeps detection and windows free of IO.
func TestPure(t *testing.T) {
	graph := packages(t)
	for name, allowed := range pure {
		for _, i := range graph[name] {
			first, _, _ := strings.Cut(i, "/")
			switch {
			case strings.HasPrefix(i, module), slices.Contains(allowed, i):
			case strings.Contains(first, "."):
				t.Errorf("%s imports %s: a pure package stands on the standard library", name, i)
			case slices.Contains(impure, first):
				t.Errorf("%s imports %s: a pure package does no IO", name, i)
			}
		}
	}
}

// packages gives the direct imports of every package of the module, by path within it.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	graph := map[string][]string{}
	d := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return graph
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		graph[strings.TrimPrefix(p.ImportPath, module)] = p.Imports
	}
}
