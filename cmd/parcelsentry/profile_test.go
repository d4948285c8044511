package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
)

// configAt writes a configuration whose Redis is a new one.
func configAt(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "parcelsentry.yaml")
	text := fmt.Sprintf("redis:\n  addresses: [%q]\n", miniredis.RunT(t).Addr())
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// must runs a command line that has to work, and gives what it said.
func must(t *testing.T, stdin string, args ...string) (stdout, stderr string) {
	t.Helper()
	code, stdout, stderr := parcelsentry(t, stdin, args...)
	if code != exitDone {
		t.Fatalf("%v: exit status %d: %s", args, code, stderr)
	}
	return stdout, stderr
}

// TestProfilesThereAndBack: what a replay wrote goes into one Redis, out of it, into another, and is the same.
func TestProfilesThereAndBack(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	must(t, "", "generate", "--days", "20", "--senders", "40", "--each", "0", "--output", file("a.jsonl"))
	must(t, "", "replay", "--config", shipped, "--input", file("a.jsonl"), "--profiles-out", file("p.jsonl"))
	days := strings.Count(read(t, file("p.jsonl")), "\n")
	first, second := configAt(t), configAt(t)
	if code, _, stderr := parcelsentry(t, "", "profile", "export", "--config", first); code != exitFailed || !strings.Contains(stderr, "no profile is recorded") {
		t.Errorf("exit status %d: %s", code, stderr)
	}
	for range 2 { // the second time changes nothing
		_, said := must(t, "", "profile", "import", "--config", first, "--input", file("p.jsonl"))
		if !strings.Contains(said, fmt.Sprintf("imported the profiles of %d days, ", days)) {
			t.Errorf("said %q, want %d days", said, days)
		}
	}
	must(t, "", "profile", "export", "--config", first, "--output", file("q.jsonl.gz"))
	must(t, "", "profile", "import", "--config", second, "--input", file("q.jsonl.gz"))
	if out, _ := must(t, "", "profile", "export", "--config", second); out != read(t, file("p.jsonl")) {
		t.Error("the profiles are others than those that the replay wrote")
	}
}

// TestImportOfAnotherProfile: a day that was decided otherwise is named, with what to do.
func TestImportOfAnotherProfile(t *testing.T) {
	dir, conf := t.TempDir(), configAt(t)
	for seed := range 2 {
		in, out := filepath.Join(dir, "in"), filepath.Join(dir, fmt.Sprint("out", seed))
		must(t, "", "generate", "--days", "20", "--senders", "20", "--each", "0", "--seed", fmt.Sprint(seed), "--output", in)
		must(t, "", "replay", "--config", shipped, "--input", in, "--profiles-out", out)
	}
	must(t, "", "profile", "import", "--config", conf, "--input", filepath.Join(dir, "out0"))
	code, _, stderr := parcelsentry(t, "", "profile", "import", "--config", conf, "--input", filepath.Join(dir, "out1"))
	// The first day, in UTC, knows nothing in either.
	if code != exitFailed || !strings.Contains(stderr, "2026-01-05 has another profile") || !strings.Contains(stderr, ":profile:{profile}:*") {
		t.Errorf("exit status %d: %s", code, stderr)
	}
}

func TestProfileShow(t *testing.T) {
	dir, conf := t.TempDir(), configAt(t)
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	must(t, "", "generate", "--days", "40", "--senders", "100", "--each", "0", "--output", in)
	must(t, "", "replay", "--config", shipped, "--input", in, "--profiles-out", out)
	shown, _ := must(t, "", "profile", "show", "--config", shipped, "--input", out)
	for _, part := range []string{", in force on 2026-02-1", "sender: parcels", "  03 ", "lane_burst", "all rules"} {
		if !strings.Contains(shown, part) {
			t.Errorf("shows no %q:\n%s", part, shown)
		}
	}
	must(t, "", "profile", "import", "--config", conf, "--input", out)
	if again, _ := must(t, "", "profile", "show", "--config", conf); again != shown {
		t.Errorf("from Redis:\n%s, from the file:\n%s", again, shown)
	}
	young, _ := must(t, "", "profile", "show", "--config", conf, "--day", "2026-01-06")
	if !strings.Contains(young, "in force on 2026-01-06") || !strings.Contains(young, "learning: not calibrated yet") {
		t.Errorf("the second day shows\n%s", young)
	}
	code, _, stderr := parcelsentry(t, "", "profile", "show", "--config", conf, "--day", "2025-01-01")
	if code != exitUsage || !strings.Contains(stderr, "there are 4") {
		t.Errorf("exit status %d: %s", code, stderr)
	}
}

func TestProfilesThatCannotBeRead(t *testing.T) {
	for text, want := range map[string]string{
		"":     "holds no profiles",
		"{}\n": ":1: ",
		`{"day":"2026-03-02"}` + "\n" + `{"day":"2026-03-01"}`: ":2: 2026-03-01 comes after",
	} {
		code, _, stderr := parcelsentry(t, text, "profile", "import", "--config", shipped, "--input", "-")
		if code != exitFailed || !strings.Contains(stderr, want) {
			t.Errorf("%q: exit status %d: %s", text, code, stderr)
		}
	}
}

// TestReplayWithItsOwnProfiles gives the same bytes as the replay that wrote them, and so it does with the first half of
// them: the others are built on the last.
func TestReplayWithItsOwnProfiles(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	must(t, "", "generate", "--days", "40", "--senders", "200", "--output", file("in.jsonl"))
	replay := func(name string, more ...string) string {
		args := append([]string{
			"replay", "--config", shipped, "--input", file("in.jsonl"), "--alerts", file("a"), "--scores", file("s"),
			"--profiles-out", file(name),
		}, more...)
		_, said := must(t, "", args...)
		return said[strings.Index(said, "judged by"):] + read(t, file("a")) + read(t, file("s")) + read(t, file(name))
	}
	said, first, _ := strings.Cut(replay("p.jsonl.zst"), "\n")
	if !strings.Contains(said, "built from the input alone") || !strings.Contains(first, `"profile_id"`) {
		t.Fatalf("%s\n%.400s", said, first)
	}
	said, again, _ := strings.Cut(replay("q.jsonl.zst", "--profiles", file("p.jsonl.zst")), "\n")
	if said != "judged by recorded profiles" || again != first {
		t.Errorf("%s; the same output: %v", said, again == first)
	}
	replay("plain.jsonl", "--profiles", file("p.jsonl.zst"))
	lines := strings.SplitAfter(read(t, file("plain.jsonl")), "\n")
	if err := os.WriteFile(file("half"), []byte(strings.Join(lines[:20], "")), 0o600); err != nil {
		t.Fatal(err)
	}
	said, again, _ = strings.Cut(replay("r.jsonl.zst", "--profiles", file("half")), "\n")
	if !strings.Contains(said, fmt.Sprint(len(lines)-1-20, " more days")) || again != first {
		t.Errorf("%s; the same output: %v", said, again == first)
	}
}
