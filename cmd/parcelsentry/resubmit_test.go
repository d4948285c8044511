package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/parcelsentry/parcelsentry/cmd/internal/codec"
	"github.com/parcelsentry/parcelsentry/cmd/internal/kafkaio"
	"github.com/parcelsentry/parcelsentry/windows"
)

// letterAt writes a dead letter with its original to the topic.
func letterAt(t *testing.T, o kafkaio.Options, offset int64, value string) {
	t.Helper()
	d := codec.DeadLetter{
		Reason: "malformed", Field: "sender_id", Error: "sender_id: missing",
		At:         windows.Coordinates{Source: windows.Source{Topic: "shipments"}, Offset: offset},
		RecordTime: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC),
	}
	m := kafkaio.Message{Topic: "dead-letters", Key: []byte("shop"), Value: []byte(value)}
	for _, h := range codec.Headers(&d) {
		m.Headers = append(m.Headers, kafkaio.Header(h))
	}
	p := kafkaio.NewProducer(o)
	defer p.Close()
	if err := p.Write(t.Context(), []kafkaio.Message{m}); err != nil {
		t.Fatal(err)
	}
}

// TestResubmit: list, repair with a tool, try, write, and once more in vain.
func TestResubmit(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	o := kafkaio.Options{Brokers: cluster.ListenAddrs()}
	if err := kafkaio.CreateTopics(t.Context(), o,
		kafkaio.TopicSpec{Name: "shipments", Partitions: 1}, kafkaio.TopicSpec{Name: "dead-letters", Partitions: 1},
	); err != nil {
		t.Fatal(err)
	}
	for n := range int64(8) {
		letterAt(t, o, n, fmt.Sprintf(`{"event_time":"2026-03-02T10:0%d:00Z","sender":"shop"}`, n))
	}
	conf, file := filepath.Join(t.TempDir(), "conf.yaml"), filepath.Join(t.TempDir(), "letters.jsonl")
	if err := os.WriteFile(conf, fmt.Appendf(nil, "kafka: {brokers: [%q]}\n", cluster.ListenAddrs()[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	resubmit := func(stdin string, args ...string) (stdout, stderr string) {
		return must(t, stdin, append([]string{"resubmit", "--config", conf}, args...)...)
	}
	want := func(said string, all ...string) {
		t.Helper()
		for _, w := range all {
			if !strings.Contains(said, w) {
				t.Errorf("said\n%s\nwithout %q", said, w)
			}
		}
	}
	_, said := resubmit("", "--output", file)
	want(said, "shipments/0/0/0: malformed: sender_id: missing\n", "… and 3 more:\n       8 malformed sender_id\n",
		"8 dead letters listed, 0 of which can be counted as they are\n8 are left alone\n")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info, err)
	}
	listed, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	repaired := strings.Replace(string(listed), `"sender":`, `"sender_id":`, 5)
	_, said = resubmit(repaired, "--input", "-", "--dry-run")
	want(said, "5 dead letters would be written to shipments again\n3 are left alone\n")
	_, said = resubmit(repaired, "--input", "-")
	want(said, "5 dead letters written to shipments again\n3 are left alone\n")
	_, said = resubmit(repaired, "--input", "-")
	want(said, "0 dead letters written to shipments again\n3 are left alone\n5 were written again before\n")
	out, _ := resubmit("", "--output", "-")
	if n := strings.Count(out, "\n"); n != 3 {
		t.Errorf("%d dead letters left, want 3:\n%s", n, out)
	}
	for _, c := range []struct {
		stdin string
		args  []string
		code  int
		want  string
	}{
		{"", []string{"--reason", "late"}, exitUsage, "must be one of"},
		{"", []string{"--dry-run", "--output", file}, exitUsage, "can't be used together"},
		{"", []string{"--input", file, "--output", file}, exitUsage, "can't be used together"},
		{"", []string{"--since", "2026-03-02T00:00:00Z", "--until", "2026-03-02T00:00:00Z"}, exitUsage, "--since must be before"},
		{"", []string{"--input", "no such file"}, exitFailed, "no such file"},
		{repaired + "{\n", []string{"--input", "-", "--dry-run"}, exitFailed, ":9: "},
	} {
		code, _, stderr := parcelsentry(t, c.stdin, append([]string{"resubmit", "--config", conf}, c.args...)...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit status %d, want %d; said %q, want %q", c.args, code, c.code, stderr, c.want)
		}
	}
}
