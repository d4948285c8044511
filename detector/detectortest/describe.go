package detectortest

import (
	"fmt"
	"strings"
	"time"

	"github.com/parcelsentry/parcelsentry/detector"
)

func clock(t time.Time) string { return t.Format("2006-01-02T15:04:05") }

// describe writes an alert as the line that would expect it, and when it came.
func describe(a *detector.Alert) string {
	var b strings.Builder
	fmt.Fprintf(&b, "alert %s %s %s observed=%v expected=%v score=%v severity=%s items=%d held=%d",
		a.Activity, a.Rule, refer(a.Entity), a.Observed, a.Expected, a.Score, a.Severity, a.ItemsTotal, a.Held)
	if a.Late {
		b.WriteString(" late=yes")
	}
	if len(a.Reasons) > 0 {
		b.WriteString(" reasons=" + reasons(a))
	}
	fmt.Fprintf(&b, ", at %s", clock(a.EventAt))
	return b.String()
}

// describeLast tells what the rules made of an entity's last event.
func (w *world) describeLast(s subject) string {
	c := w.known(s).last
	if c.Outcome == "" {
		return "there is none"
	}
	if c.Findings == nil {
		return string(c.Outcome) + ", so nothing was judged"
	}
	var all []string
	for i := range c.Findings {
		if c.Findings[i].Rule == "" {
			continue // the event lacks what this rule judges
		}
		all = append(all, describeFinding(&c.Findings[i]))
	}
	if c.Held {
		all = append(all, "held back by the cooldown")
	}
	return strings.Join(all, "; ")
}

func describeFinding(f *detector.Finding) string {
	if f.Abstained != "" {
		return f.Rule + " abstains: " + f.Abstained
	}
	return fmt.Sprintf("%s scores %.3g of %g (observed %g, expected %.3g)", f.Rule, f.Score, f.Threshold, f.Observed, f.Expected)
}
