package bench

import (
	"strings"
	"testing"
	"time"
)

func TestLine(t *testing.T) {
	r := Result{
		Workload: "W1", Events: 2_000_000, Elapsed: 8 * time.Second, Judged: 7500 * time.Millisecond, Warm: 3 * time.Second,
		Job: 5 * time.Second, Redis: 3 * time.Second, Broker: 800 * time.Millisecond,
		PeakMemory: 90 << 20, RedisMemory: 36 << 20, RedisGrowth: 30_000_000, Keys: 150_000, Received: 241_000_000, Sent: 62_500_000,
		Digest: Digest{Alerts: 5616, Checksum: 0xabc}, Flagged: 12,
	}
	const want = "bench-e2e workload=W1 events=2000000 seconds=8.00 judged_seconds=7.50 events_per_s=250000 warm_events_per_s=300000 " +
		"job_us=2.50 redis_us=1.50 broker_us=0.40 system_us=4.40 rss_mib=90 redis_mib=36 redis_in_b=120.5 redis_out_b=31.2 redis_key_b=200 alerts=5616 flagged=12 checksum=0000000000000abc "
	if got := r.Line(); got != want+"p50_ms=- p99_ms=-" {
		t.Errorf("the line is\n%s, want\n%s", got, want)
	}
	for ms := range 200 {
		r.Delays = append(r.Delays, time.Duration(ms+1)*time.Millisecond)
	}
	if got := r.Line(); got != want+"p50_ms=100.0 p99_ms=198.0" {
		t.Errorf("with delays the line is\n%s", got)
	}
	r.Curve, r.At, r.Cut = "senders", "1000", true
	if got := r.Line(); got != "bench-e2e curve=senders at=1000 "+strings.TrimPrefix(want, "bench-e2e ")+"p50_ms=100.0 p99_ms=198.0 cut=true" {
		t.Errorf("the line of a point that was cut is\n%s", got)
	}
}

func TestMedian(t *testing.T) {
	all := []Result{{Elapsed: 3, Flagged: 3}, {Elapsed: 1, Flagged: 1}, {Elapsed: 2, Flagged: 2}}
	if got := median(all); got.Flagged != 2 {
		t.Errorf("the median run is %d", got.Flagged)
	}
}
