package bench

import (
	"fmt"
	"strings"
)

// Table gives a curve in Markdown, a row a point.
func Table(c *Curve, results []Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | events | events/s | service µs | Redis µs | broker µs | system µs | service MiB | Redis MiB | to Redis B | from Redis B | a key B |\n", c.Varies)
	b.WriteString("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for i := range results {
		r := &results[i]
		at := r.At
		if r.Cut {
			at += " (cut)"
		}
		key := "-"
		if r.Keys > 0 {
			key = fmt.Sprint(r.RedisGrowth / r.Keys)
		}
		fmt.Fprintf(&b, "| %s | %d | %.0f | %.2f | %.2f | %.2f | %.2f | %.0f | %.0f | %.0f | %.0f | %s |\n",
			at, r.Events, r.Pace(), r.PerEvent(r.Job), r.PerEvent(r.Redis), r.PerEvent(r.Broker), r.PerEvent(r.System()),
			mib(r.PeakMemory), mib(r.RedisMemory), float64(r.Received)/float64(r.Events), float64(r.Sent)/float64(r.Events), key)
	}
	return b.String()
}
