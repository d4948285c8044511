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
	// Curve and At name the point of a curve that it is, if it is one.
	Curve, At string
	// Events are those that were measured, all of the input unless it was Cut: ended before it was done.
	Events int64
	Cut    bool
	// Elapsed is from the first record to the last one stored in Redis and committed, Judged to the last one judged. The start of
	// the process lies before.
	Elapsed, Judged time.Duration
	// Warm is how long it took from half of the events to 95 % of them.
	Warm time.Duration
	// Job, Redis and Broker are CPU times; Job has that of the process's start in it.
	Job, Redis, Broker time.Duration
	// PeakMemory is the job's, RedisMemory what Redis says that it uses, RedisGrowth how much more that is than when it was empty;
	// in bytes.
	PeakMemory, RedisMemory, RedisGrowth int64
	// Received and Sent are the bytes that went to Redis and came from it, Keys those that it has at the end.
	Received, Sent, Keys int64
	Digest               Digest
	Flagged              int64
	// Delays of alerts, by rising length; none without the second phase.
	Delays []time.Duration
}

// warmFrom and warmTo bound the part of the input by which the pace of a warm service is told: nothing is cold any more, and
// no partition is at its end.
const warmFrom, warmTo = 0.50, 0.95

// System is the CPU time of all together.
func (r *Result) System() time.Duration { return r.Job + r.Redis + r.Broker }

// Pace is the number of events a second, 0 if it took no time.
func (r *Result) Pace() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.Events) / r.Elapsed.Seconds()
}

// PerEvent gives a time in microseconds an event.
func (r *Result) PerEvent(d time.Duration) float64 {
	return float64(d.Nanoseconds()) / 1000 / float64(r.Events)
}

// Line gives the run as a line of fields. CPU is in microseconds an event; what was not measured is a dash.
func (r *Result) Line() string {
	us := func(d time.Duration) string { return fmt.Sprintf("%.2f", r.PerEvent(d)) }
	share := func(format string, n, of int64) string {
		if of == 0 {
			return "-"
		}
		return fmt.Sprintf(format, float64(n)/float64(of))
	}
	pace := func(share float64, d time.Duration) string {
		if d <= 0 {
			return "-"
		}
		return fmt.Sprintf("%.0f", share*float64(r.Events)/d.Seconds())
	}
	point, cut := "", ""
	if r.Curve != "" {
		point = fmt.Sprintf("curve=%s at=%s ", r.Curve, r.At)
	}
	if r.Cut {
		cut = " cut=true"
	}
	return fmt.Sprintf(
		"bench-e2e %sworkload=%s events=%d seconds=%.2f judged_seconds=%.2f events_per_s=%s warm_events_per_s=%s job_us=%s redis_us=%s broker_us=%s system_us=%s "+
			"rss_mib=%.0f redis_mib=%.0f redis_in_b=%s redis_out_b=%s redis_key_b=%s alerts=%d flagged=%d checksum=%016x p50_ms=%s p99_ms=%s%s",
		point, r.Workload, r.Events, r.Elapsed.Seconds(), r.Judged.Seconds(), pace(1, r.Elapsed), pace(warmTo-warmFrom, r.Warm),
		us(r.Job), us(r.Redis), us(r.Broker), us(r.System()), mib(r.PeakMemory), mib(r.RedisMemory),
		share("%.1f", r.Received, r.Events), share("%.1f", r.Sent, r.Events), share("%.0f", r.RedisGrowth, r.Keys),
		r.Digest.Alerts, r.Flagged, r.Digest.Checksum, quantile(r.Delays, 0.50), quantile(r.Delays, 0.99), cut,
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
