package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestSeed(t *testing.T) {
	in, conf := filepath.Join(t.TempDir(), "in.jsonl.gz"), configAt(t)
	must(t, "", "generate", "--days", "20", "--senders", "50", "--each", "0", "--start", "2026-01-05T00:00:00Z", "--output", in)
	seed := []string{"seed", "--config", conf, "--input", in, "--until", "2026-01-15T00:00:00Z"}
	_, first := must(t, "", seed...)
	_, second := must(t, "", seed...)
	if strings.Contains(first, "counted before") || !strings.Contains(first, "are left to the service") || !strings.Contains(first, "not sent: ") {
		t.Errorf("said\n%s", first)
	}
	if !strings.Contains(second, "\n0 events counted, and ") {
		t.Errorf("the second time it said\n%s", second)
	}
	// The first day of the second half has no profile: it belongs to the service.
	days, _ := must(t, "", "profile", "export", "--config", conf)
	if n := strings.Count(days, "\n"); n != 10 {
		t.Errorf("profiles of %d days, want 10", n)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--input", in, "--until", "2999-01-01T00:00:00Z"}, exitUsage, "in the past"},
		{[]string{"--input", in, "--until", "soon"}, exitUsage, "until"},
		{[]string{"--input", in}, exitUsage, "--until"},
		{[]string{"--from-topic", "--input", in}, exitUsage, "or else"},
		{nil, exitUsage, "or else"},
		{[]string{"--input", "-", "--until", "2026-01-15T00:00:00Z"}, exitFailed, "write it to a file"},
		{[]string{"--input", in, "--until", "2026-01-16T00:00:00Z"}, exitFailed, "seeded until 2026-01-15T00:00:00.000Z already"},
		{[]string{"--input", in, "--input", in, "--until", "2026-01-15T00:00:00Z"}, exitFailed, "counts of other files"},
	} {
		code, _, stderr := parcelsentry(t, "", append([]string{"seed", "--config", conf}, c.args...)...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit status %d, want %d; said %q, want %q", c.args, code, c.code, stderr, c.want)
		}
	}
}
