package app

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/parcelsentry/parcelsentry/cmd/internal/watchdog"
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
		time.Sleep(4 * time.Minute) // of the bubble's clock
		synctest.Wait()
		if logged.Len() > 0 {
			t.Errorf("logged before time: %s", &logged)
		}
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		got := logged.String()
		if strings.Count(got, "no longer healthy") != 1 || !strings.Contains(got, "partition 3 of shipments hangs in") ||
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
		cancel()
		<-done
	})
}
