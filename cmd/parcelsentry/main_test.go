package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	shipped     = "../../config/parcelsentry.yaml"
	requireData = "PARCELSENTRY_REQUIRE_DATA"
	testData    = "PARCELSENTRY_TEST_DATA"
)

// parcelsentry runs a command line as main does.
func parcelsentry(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	s := &shell{ctx: t.Context(), stdin: strings.NewReader(stdin), stdout: &out, stderr: &errs}
	code = execute(s, args)
	return code, out.String(), errs.String()
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--help"}, exitDone, "Run history"},
		{[]string{"--version"}, exitDone, ""},
		{nil, exitUsage, "run"},
		{[]string{"relay"}, exitUsage, "relay"},
		{[]string{"run"}, exitUsage, "--config"},
		{[]string{"replay", "--config", shipped}, exitUsage, "--input"},
		{[]string{"replay", "--config", shipped, "--input", "-", "--alerts", "-", "--scores", "-"}, exitUsage, "standard output"},
		{[]string{"replay", "--config", shipped, "--input", "nowhere.jsonl"}, exitFailed, "nowhere.jsonl"},
		{[]string{"run", "--config", "nowhere.yaml"}, exitFailed, "nowhere.yaml"},
		{[]string{"generate", "--senders", "-1"}, exitUsage, "enders"},
	} {
		code, stdout, stderr := parcelsentry(t, "", c.args...)
		if code != c.code || !strings.Contains(stdout+stderr, c.says) {
			t.Errorf("%v: exit status %d, want %d; said %q, want %q", c.args, code, c.code, stdout+stderr, c.says)
		}
	}
}

// TestCheckNamesEveryFault holds what is printed for each wrong configuration against the faults that its comments
// announce.
func TestCheckNamesEveryFault(t *testing.T) {
	files, err := filepath.Glob("../../config/testdata/invalid/*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	want := regexp.MustCompile(`(?m)^\s*# want (\d+:\d+) `)
	for _, file := range files {
		code, _, stderr := parcelsentry(t, "", "check", file)
		if code != exitUsage {
			t.Errorf("%s: exit status %d, want %d", file, code, exitUsage)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		faults := want.FindAllStringSubmatch(string(text), -1)
		if len(faults) == 0 {
			t.Errorf("%s: announces no fault", file)
		}
		for _, f := range faults {
			if !strings.Contains(stderr, filepath.Base(file)+":"+f[1]+": ") {
				t.Errorf("%s: no fault at %s in:\n%s", file, f[1], stderr)
			}
		}
	}
}

func TestCheckGood(t *testing.T) {
	code, stdout, stderr := parcelsentry(t, "", "check", shipped, "../../deploy/parcelsentry.yaml")
	if code != exitDone || strings.Count(stdout, ": good, hash ") != 2 {
		t.Errorf("exit status %d\n%s%s", code, stdout, stderr)
	}
	code, stdout, _ = parcelsentry(t, "", "check", "--print", shipped)
	if code != exitDone || !strings.Contains(stdout, "detectors:") {
		t.Errorf("exit status %d\n%s", code, stdout)
	}
}

const scoresHeader = "event_id,score,limit,burst,surge,fanout,route,slow_route,weight,value,fanin,lane_burst,structuring\n"

func TestGenerateThenReplay(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	generate := []string{"generate", "--days", "40", "--senders", "200", "--seed", "3", "--output", file("a.jsonl"), "--incidents", file("incidents.jsonl")}
	if code, _, stderr := parcelsentry(t, "", generate...); code != exitDone {
		t.Fatalf("generate: exit status %d: %s", code, stderr)
	}
	var outputs []string
	for i := range 2 {
		alerts, scores := file(fmt.Sprintf("alerts%d", i)), file(fmt.Sprintf("scores%d", i))
		code, _, stderr := parcelsentry(t, "", "replay", "--config", shipped, "--input", file("a.jsonl"), "--alerts", alerts, "--scores", scores)
		if code != exitDone {
			t.Fatalf("replay: exit status %d: %s", code, stderr)
		}
		outputs = append(outputs, read(t, alerts)+read(t, scores))
	}
	if outputs[0] != outputs[1] {
		t.Error("two replays of one file differ")
	}
	if !strings.Contains(outputs[0], `"activity":"create"`) || !strings.Contains(outputs[0], scoresHeader) {
		t.Error("no alerts or no scores")
	}
	left, _ := filepath.Glob(file("*" + partial))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestOutputToAPipe writes to what is no ordinary file, which must still be that afterwards.
func TestOutputToAPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	lines := make(chan int, 1)
	go func() {
		b, _ := os.ReadFile(pipe)
		lines <- bytes.Count(b, []byte("\n"))
	}()
	code, _, stderr := parcelsentry(t, "", "generate", "--days", "20", "--each", "0", "--output", pipe)
	if n := <-lines; code != exitDone || n == 0 {
		t.Errorf("exit status %d, %d lines: %s", code, n, stderr)
	}
	if info, err := os.Lstat(pipe); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		t.Errorf("the pipe has become %v (%v)", info, err)
	}
}

// TestReplayNamesBadLines shows that a bad line is told and the lines around it count.
func TestReplayNamesBadLines(t *testing.T) {
	input := `{"event_id":"a","event_time":"2026-03-02T10:00:00Z","sender_id":"s"}
{"event_id":"b","event_time":"yesterday","sender_id":"s"}
not json
{"event_id":"c","event_time":"2026-03-02T11:00:00Z","sender_id":"s"}
`
	code, stdout, stderr := parcelsentry(t, input, "replay", "--config", shipped, "--input", "-", "--scores", "-")
	if code != exitDone {
		t.Fatalf("exit status %d: %s", code, stderr)
	}
	want := scoresHeader + "a" + strings.Repeat(",0.000000", 12) + "\nc,1.362945,0.000000,1.362945,0.114123" + strings.Repeat(",0.000000", 8) + "\n"
	if stdout != want {
		t.Errorf("scores\n%s, want\n%s", stdout, want)
	}
	for _, part := range []string{"line 2: malformed: event_time", "line 3: malformed", "2 not counted"} {
		if !strings.Contains(stderr, part) {
			t.Errorf("does not say %q:\n%s", part, stderr)
		}
	}
}

// TestReplayRealData replays the real shipment logs on the shipped configuration, twice each.
func TestReplayRealData(t *testing.T) {
	dir := os.Getenv(testData)
	if dir == "" {
		if os.Getenv(requireData) != "" {
			t.Fatalf("%s is not set, and %s wants real data", testData, requireData)
		}
		t.Skipf("%s is not set: this test needs real shipment logs", testData)
	}
	for name, events := range map[string]int{"shipments_sendy.jsonl.gz": 28_269, "shipments_olist.jsonl.gz": 12_254} {
		t.Run(name, func(t *testing.T) {
			out := t.TempDir()
			var outputs []string
			for i := range 2 {
				alerts, scores := filepath.Join(out, fmt.Sprint("alerts", i)), filepath.Join(out, fmt.Sprint("scores", i))
				code, _, stderr := parcelsentry(t, "", "replay", "--config", shipped, "--input", filepath.Join(dir, name), "--alerts", alerts, "--scores", scores)
				if code != exitDone {
					t.Fatalf("exit status %d: %s", code, stderr)
				}
				if n := strings.Count(read(t, scores), "\n") - 1; n != events {
					t.Errorf("%d scores, want one for each of %d events; said: %s", n, events, stderr)
				}
				outputs = append(outputs, read(t, alerts)+read(t, scores))
			}
			if outputs[0] != outputs[1] {
				t.Error("two replays differ")
			}
		})
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
