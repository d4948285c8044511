package app

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/parcelsentry/parcelsentry/cmd/internal/watchdog"
	"github.com/parcelsentry/parcelsentry/config"
)

// TestHangIsLoggedOnce, with the stacks, before anybody starts the process anew.
func TestHangIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		h := hangs{watchdog.New(5*time.Minute, time.Now), slog.New(slog.NewTextHandler(&logged, nil))}
		task := h.dog.Watch("partition 3 of shipments", nil)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			h.run(ctx)
		}()
		task.Begin("apply")
		due := time.Now().Add(5 * time.Minute).Format("time=2006-01-02T15:04:05")
		time.Sleep(34 * time.Minute) // of the bubble's clock
		cancel()
		<-done
		got := logged.String()
		if !strings.HasPrefix(got, due) || strings.Count(got, "no longer healthy") != 1 || !strings.Contains(got, "partition 3 of shipments hangs in") ||
			!strings.Contains(got, "TestHangIsLoggedOnce") {
			t.Errorf("logged %s", got)
		}
		reg := prometheus.NewPedanticRegistry()
		reg.MustRegister(h)
		if err := testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP parcelsentry_operation_seconds For how long the call or step of this process that has been under way longest has been, by operation.
# TYPE parcelsentry_operation_seconds gauge
parcelsentry_operation_seconds{operation="apply"} 2040
`)); err != nil {
			t.Error(err)
		}
	})
}

// TestHangFailsLiveness: /-/healthy says what hangs as long as it does.
func TestHangFailsLiveness(t *testing.T) {
	c := config.Default()
	c.HTTP = config.HTTP{Address: "127.0.0.1:0", StuckAfter: 1} // at once
	s, err := New(Options{Config: c, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.http.Run(ctx) }()
	<-s.Listening()
	want := func(status int, text string) {
		t.Helper()
		r, err := http.Get("http://" + s.Address() + "/-/healthy")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		body, _ := io.ReadAll(r.Body)
		if r.StatusCode != status || !strings.HasPrefix(string(body), text) {
			t.Errorf("%d %s, want %d %s", r.StatusCode, body, status, text)
		}
	}
	task := s.watchdog.Watch("partition 3 of shipments", func() string { return "record 17" })
	want(200, "healthy\n")
	task.Begin("apply")
	want(503, `not healthy: partition 3 of shipments hangs in "apply" at record 17 for`)
	task.End("apply")
	want(200, "healthy\n")
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
