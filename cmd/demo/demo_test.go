package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func newDemo(o options) (*demo, *bytes.Buffer) {
	var out bytes.Buffer
	return &demo{options: o, out: &out, log: slog.New(slog.DiscardHandler)}, &out
}

// TestDemo plays the demo at a quicker pace: an alert for each planted incident, and nothing left running.
func TestDemo(t *testing.T) {
	defer goleak.VerifyNone(t)
	d, out := newDemo(options{For: 20 * time.Minute, Play: time.Second, HTTP: "127.0.0.1:0", Seed: 1})
	if err := d.run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text := out.String()
	found, missed := strings.Count(text, "  found   planted "), strings.Count(text, "  missed  planted ")
	if found < 6 || missed > 0 {
		t.Errorf("%d incidents found, %d missed:\n%s", found, missed, text)
	}
	for _, part := range []string{"metrics at http://127.0.0.1:", "observed ", "expected ", "would have stayed silent"} {
		if !strings.Contains(text, part) {
			t.Errorf("does not say %q:\n%s", part, text)
		}
	}
}

// TestDemoOfAFile plays a file, a bad line included.
func TestDemoOfAFile(t *testing.T) {
	defer goleak.VerifyNone(t)
	file := filepath.Join(t.TempDir(), "shipments.jsonl")
	lines := strings.Repeat(`{"event_time":"2026-03-02T10:00:00Z","sender_id":"shop","item_id":"parcel"}`+"\n", 40) + "no shipment\n"
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	d, out := newDemo(options{For: 10 * time.Minute, Play: 100 * time.Millisecond, HTTP: "127.0.0.1:0", Input: file})
	if err := d.run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(out.String(), "parcels in 6 h") || !strings.Contains(out.String(), "for 41 shipments") {
		t.Errorf("no alert for forty parcels at once:\n%s", out)
	}
}

// TestDemoEndsWhenAsked is Ctrl-C in the middle.
func TestDemoEndsWhenAsked(t *testing.T) {
	defer goleak.VerifyNone(t)
	d, out := newDemo(options{Play: time.Hour, HTTP: "127.0.0.1:0", Seed: 1})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d.out = writerFunc(func(b []byte) (int, error) {
		if bytes.Contains(b, []byte("shipments of the past")) {
			cancel()
		}
		return out.Write(b)
	})
	if err := d.run(ctx); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
