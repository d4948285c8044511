package bench

import (
	"fmt"
	"hash/fnv"
	"time"
)

// The rule of W1, as the configuration of the service has it, too.
const (
	rulePane      = time.Minute
	ruleWindow    = 10 * time.Minute
	ruleShipments = 40
	ruleSilence   = 10 * time.Minute
)

// A Said is what an alert comes down to when engines are compared.
type Said struct {
	Sender string
	Count  int64
	// WindowEnd is where the newest pane of the window ends.
	WindowEnd time.Time
}

// A Rule is the oracle of W1: it knows the time of every event and counts anew each time. A sender's events must come in order.
type Rule struct {
	senders map[string]*history
}

type history struct {
	recent []time.Time // events in panes that the window still covers
	told   time.Time   // the last alert, zero for none
}

// Observe takes an event, and tells whether it makes an alert.
func (r *Rule) Observe(sender string, at time.Time) (Said, bool) {
	if r.senders == nil {
		r.senders = map[string]*history{}
	}
	h := r.senders[sender]
	if h == nil {
		h = &history{}
		r.senders[sender] = h
	}
	end := at.Truncate(rulePane).Add(rulePane)
	for len(h.recent) > 0 && h.recent[0].Before(end.Add(-ruleWindow)) {
		h.recent = h.recent[1:]
	}
	h.recent = append(h.recent, at)
	if len(h.recent) < ruleShipments || !h.told.IsZero() && at.Sub(h.told) < ruleSilence {
		return Said{}, false
	}
	h.told = at
	return Said{Sender: sender, Count: int64(len(h.recent)), WindowEnd: end}, true
}

// A Digest sums alerts up so that two engines compare, whatever the order.
type Digest struct {
	Alerts   int
	Checksum uint64
}

// Add takes an alert. The sum is that of the 64 bits of FNV-1a over "sender|count|window end", as the other engines' harness
// makes it.
func (d *Digest) Add(s Said) {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s|%d|%s", s.Sender, s.Count, s.WindowEnd.UTC().Format(time.RFC3339))
	d.Alerts++
	d.Checksum += h.Sum64()
}
