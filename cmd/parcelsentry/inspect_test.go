package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parcelsentry/parcelsentry/cmd/internal/codec"
)

// TestInspect: what a seed counted can be looked at, under the names that alerts use.
func TestInspect(t *testing.T) {
	in, conf := filepath.Join(t.TempDir(), "in.jsonl"), configAt(t)
	err := os.WriteFile(in, []byte(`{"event_time":"2026-01-05T10:00:00Z","sender_id":"S","recipient_id":"R","origin":"HAN","destination":"SGN"}
{"event_time":"2026-01-06T11:30:00Z","sender_id":"S","recipient_id":"R","origin":"HAN","destination":"SGN"}
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	must(t, "", "seed", "--config", conf, "--input", in, "--until", "2026-01-15T00:00:00Z")
	for _, c := range []struct {
		kind, id string
		want     []string
	}{
		{"sender", codec.Pseudonym(nil, "sender", "S"), []string{"2 events, the first at 2026-01-05T10:00:00Z", "parcels ", "2026-01-06T11:00:00Z", "parcels to a place", "met "}},
		{"recipient", codec.Pseudonym(nil, "recipient", "R"), []string{"2 events", "parcels "}},
		{"lane", "HAN > SGN", []string{"lane HAN > SGN: 2 events", "parcels "}},
	} {
		out, _ := must(t, "", "inspect", "--config", conf, c.kind, c.id)
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s %s: it lacks %q:\n%s", c.kind, c.id, want, out)
			}
		}
	}
	if code, _, stderr := parcelsentry(t, "", "inspect", "--config", conf, "sender", "S"); code != exitFailed || !strings.Contains(stderr, "pseudonyms") {
		t.Errorf("exit status %d: %s", code, stderr)
	}
	if code, _, stderr := parcelsentry(t, "", "inspect", "--config", conf, "parcel", "S"); code != exitUsage || !strings.Contains(stderr, "sender") {
		t.Errorf("exit status %d: %s", code, stderr)
	}
}
