package bench

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Result is what came of a run.
type Result struct {
	Workload string
	Events   int64
	// Elapsed is from the first record to the last one stored in Redis and committed, Judged to the last one judged. The start of
	// the process lies before.
	Elapsed, Judged time.Duration
	// Warm is how long it took from half of the events to 95 % of them.
	Warm time.Duration
	// Job, Redis and Broker are CPU times; Job has that of the process's start in it.
	Job, Redis, Broker time.Duration
	// PeakMemory is the job's, RedisMemory what Redis says that it uses, in bytes.
	PeakMemory, RedisMemory int64
	Digest                  Digest
	Flagged                 int64
	// Delays of alerts, by rising length; none without the second phase.
	Delays []time.Duration
}

// warmFrom and warmTo bound the part of the input by which the pace of a warm service is told: nothing is cold any more, and
// no partition is at its end.
const warmFrom, warmTo = 0.50, 0.95

// Line gives the run as a line of fields. CPU is in microseconds an event; what was not measured is a dash.
func (r *Result) Line() string {
	us := func(d time.Duration) string {
		return fmt.Sprintf("%.2f", float64(d.Nanoseconds())/1000/float64(r.Events))
	}
	pace := func(share float64, d time.Duration) string {
		if d <= 0 {
			return "-"
		}
		return fmt.Sprintf("%.0f", share*float64(r.Events)/d.Seconds())
	}
	return fmt.Sprintf(
		"bench-e2e workload=%s events=%d seconds=%.2f judged_seconds=%.2f events_per_s=%s warm_events_per_s=%s job_us=%s redis_us=%s broker_us=%s system_us=%s "+
			"rss_mib=%.0f redis_mib=%.0f alerts=%d flagged=%d checksum=%016x p50_ms=%s p99_ms=%s",
		r.Workload, r.Events, r.Elapsed.Seconds(), r.Judged.Seconds(), pace(1, r.Elapsed), pace(warmTo-warmFrom, r.Warm),
		us(r.Job), us(r.Redis), us(r.Broker), us(r.Job+r.Redis+r.Broker), mib(r.PeakMemory), mib(r.RedisMemory),
		r.Digest.Alerts, r.Flagged, r.Digest.Checksum, quantile(r.Delays, 0.50), quantile(r.Delays, 0.99),
	)
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// quantile gives one of delays by rising length, in milliseconds: the shortest that at least that share is no longer than.
func quantile(delays []time.Duration, share float64) string {
	if len(delays) == 0 {
		return "-"
	}
	i := int(math.Ceil(share*float64(len(delays)))) - 1
	return fmt.Sprintf("%.1f", float64(delays[max(i, 0)].Microseconds())/1000)
}

// median gives the run whose elapsed time is in the middle.
func median(all []Result) Result {
	sorted := slices.Clone(all)
	slices.SortFunc(sorted, func(a, b Result) int { return int(a.Elapsed - b.Elapsed) })
	return sorted[len(sorted)/2]
}
