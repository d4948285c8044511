package app

import (
	"bytes"
	"context"
	"log/slog"
	"runtime/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parcelsentry/parcelsentry/cmd/internal/watchdog"
)

// hangs shows what the watchdog sees: whoever starts the process anew takes the evidence away.
type hangs struct {
	dog *watchdog.Watchdog
	log *slog.Logger
}

// run logs a hang when it begins, with the stacks of all goroutines, until ctx ends.
func (h hangs) run(ctx context.Context) {
	const interval = 10 * time.Second // a probe of Kubernetes kills after 30 s, as it ships
	ticks := time.NewTicker(interval)
	defer ticks.Stop()
	stuck := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		err := h.dog.Stuck()
		if err != nil && !stuck {
			h.log.Error("no longer healthy: something hangs", "error", err, "goroutines", stacks())
		}
		stuck = err != nil
	}
}

// stacks gives where the goroutines are, those at the same place together. Stacks hold no values of records.
func stacks() string {
	const most = 64 << 10 // the commonest come first
	var b bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&b, 1); err != nil {
		return err.Error()
	}
	return string(b.Bytes()[:min(b.Len(), most)])
}

var operationSeconds = prometheus.NewDesc("parcelsentry_operation_seconds",
	"For how long the call or step of this process that has been under way longest has been, by operation.", []string{"operation"}, nil)

// Describe implements prometheus.Collector.
func (h hangs) Describe(to chan<- *prometheus.Desc) { to <- operationSeconds }

// Collect implements prometheus.Collector.
func (h hangs) Collect(to chan<- prometheus.Metric) {
	for operation, d := range h.dog.Longest() {
		to <- prometheus.MustNewConstMetric(operationSeconds, prometheus.GaugeValue, d.Seconds(), operation)
	}
}
