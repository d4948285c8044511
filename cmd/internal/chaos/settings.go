package chaos

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/parcelsentry/parcelsentry/config"
)

// outputPartitions is how many partitions the topics of alerts and flagged shipments have; dead letters have one.
const outputPartitions = 2

// configure writes the service's configuration and reads it back. Sessions are short and flushes small, so that a run of
// seconds sees many of them.
func (r *Run) configure(redis []string) error {
	if err := os.WriteFile(filepath.Join(r.dir, "key"), []byte(strings.Repeat(r.name, 8)), 0o600); err != nil {
		return err
	}
	s := &r.scenario.setup
	quoted := make([]string, len(redis))
	for i, address := range redis {
		quoted[i] = fmt.Sprintf("%q", address)
	}
	yaml := fmt.Sprintf(`kafka:
  brokers: [%q]
  group: %[2]sgroup
  topics: {shipments: %[2]sshipments, alerts: %[2]salerts, flagged: %[2]sflagged, dead_letters: %[2]sdead}
  fetch_bytes: %[7]s
  fetch_wait: 20ms
  commit_interval: 200ms
  session_timeout: %[3]s
  heartbeat_interval: 300ms
  rebalance_timeout: 5s
redis:
  addresses: [%[4]s]
  cluster: %[5]t
  timeout: %[6]s
  flush_events: 300
  max_unflushed: 3000
  flush_interval: 100ms
  checkpoint_interval: 1s
events:
  allowed_lateness: 30d
privacy:
  key_file: key
windows:
  working_set: 1MiB
`, r.harness.brokers[0].Address, r.name, cmp.Or(s.session, "3s"), strings.Join(quoted, ", "), s.cluster, cmp.Or(s.redisTimeout, "2s"), cmp.Or(s.fetchBytes, "64KiB"))
	if s.forgets {
		yaml += limitAlone
	}
	r.file = filepath.Join(r.dir, "parcelsentry.yaml")
	if err := os.WriteFile(r.file, []byte(yaml), 0o600); err != nil {
		return err
	}
	c, err := config.LoadFile(r.file)
	r.config = c
	return err
}

// limitAlone lets all rules count and one fire, which needs no profile: what it finds is the same before a profile was lost and
// after it.
const limitAlone = `detectors:
  limit: {window: 24h, shipments: 12}
  burst: {threshold: 300}
  surge: {threshold: 300}
  fanout: {threshold: 300}
  fanin: {threshold: 300}
  lane_burst: {threshold: 300}
  structuring: {threshold: 300}
  route: {threshold: 300}
  slow_route: {threshold: 300}
  weight: {threshold: 300}
  value: {threshold: 300}
alerts:
  update_factor: 100
`
