package testbed

import (
	"strings"
	"testing"
)

func TestParseMetrics(t *testing.T) {
	m := parseMetrics(strings.NewReader(`# HELP parcelsentry_lost_records_total Records.
parcelsentry_lost_records_total 12
parcelsentry_rewinds_total{cause="refused"} 2
parcelsentry_rewinds_total{cause="lost_state"} 1
go_goroutines 9
`))
	if got := m.Sum("parcelsentry_lost_records_total"); got != 12 {
		t.Errorf("lost %v, want 12", got)
	}
	if got := m.Sum("parcelsentry_rewinds_total"); got != 3 {
		t.Errorf("rewinds %v, want 3", got)
	}
	if got := m.Sum("go_goroutines"); got != 0 {
		t.Errorf("another's metric is %v", got)
	}
}
