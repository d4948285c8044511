package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/parcelsentry/parcelsentry/cmd/internal/canary"
	"github.com/parcelsentry/parcelsentry/cmd/internal/codec"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/config"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// withCanaries gives the default configuration with canaries on.
func withCanaries(t *testing.T) config.Config {
	t.Helper()
	c := config.Default()
	c.HTTP.Address = "127.0.0.1:0"
	c.Canary = config.Canary{Interval: config.Duration(5 * time.Minute), Timeout: config.Duration(time.Minute)}
	c.Canary.KeyFile = filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(c.Canary.KeyFile, []byte(strings.Repeat("k", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCanaryIsNoShipment: whoever has no key decodes a canary as an event that is no shipment, and no configuration can
// make it one.
func TestCanaryIsNoShipment(t *testing.T) {
	c := config.Default()
	set, err := NewSet(&c)
	if err != nil {
		t.Fatal(err)
	}
	decoders, err := NewDecoders(&c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	var e detector.Event
	err = decoders.New().DecodeInto(&e, canary.Value("abc", now), windows.Coordinates{}, now)
	if err != nil || set.Admit(&e) != detector.NotShipment {
		t.Errorf("%+v is %s, %v", e, set.Admit(&e), err)
	}
	c.Events.ShipmentTypes = append(c.Events.ShipmentTypes, canary.EventType)
	if err := c.Validate(); err == nil {
		t.Errorf("%s may be a shipment", canary.EventType)
	}
}

// TestCanaryComesBack: two canaries leave; the alert of one is heard, twice, and the other is given up.
func TestCanaryComesBack(t *testing.T) {
	c := withCanaries(t)
	flock, err := newCanaries(&c, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	flock.account.Sent("abc", 3, now)
	flock.account.Sent("def", 4, now.Add(-time.Minute))
	alert := func(id string) pipeline.Record {
		return pipeline.Record{Value: codec.AppendAlert(nil, &detector.Alert{ID: "x", Fingerprint: "y", EventID: id})}
	}
	for _, id := range []string{"abc", "abc", "of another instance"} {
		flock.heard(alert(id))
	}
	flock.heard(pipeline.Record{Value: []byte("no alert")})
	flock.miss(now)
	flock.account.Sent("ghi", 4, now.Add(-time.Minute))
	flock.miss(now)
	for name, got := range map[string][2]float64{
		"back":                   {testutil.ToFloat64(flock.metrics.total.WithLabelValues("back")), 1},
		"missing":                {testutil.ToFloat64(flock.metrics.total.WithLabelValues("missing")), 2},
		"missing of partition 3": {testutil.ToFloat64(flock.metrics.missing.WithLabelValues("3")), 0},
		"missing of partition 4": {testutil.ToFloat64(flock.metrics.missing.WithLabelValues("4")), 2},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %v, want %v", name, got[0], got[1])
		}
	}
	flock.account.Sent("jkl", 4, now)
	flock.heard(alert("jkl"))
	if n := testutil.ToFloat64(flock.metrics.missing.WithLabelValues("4")); n != 0 {
		t.Errorf("one is back, and %v in a row are missing", n)
	}
}

// TestCanaryKey: without a good key the service does not start.
func TestCanaryKey(t *testing.T) {
	c := withCanaries(t)
	for _, key := range []string{"", "too short"} {
		if err := os.WriteFile(c.Canary.KeyFile, []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := New(Options{Config: c, Log: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(err.Error(), "canary.key_file") {
			t.Errorf("with the key %q: %v", key, err)
		}
	}
}
