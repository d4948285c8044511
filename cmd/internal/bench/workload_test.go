package bench

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/app"
	"github.com/parcelsentry/parcelsentry/config"
)

var somewhere = place{broker: "127.0.0.1:9092", redis: []string{"127.0.0.1:6379"}, http: "127.0.0.1:9700", prefix: "w-1-", input: "in"}

func load(t *testing.T, workload string, overrides ...string) config.Config {
	t.Helper()
	text, err := settings(workload, somewhere, overrides)
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(workload, text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return c
}

func TestSettings(t *testing.T) {
	for workload, rules := range map[string]int{"W1": 1, "W2": 11} {
		c := load(t, workload)
		set, err := app.NewSet(&c)
		if err != nil {
			t.Fatal(err)
		}
		if got := set.Rules(); len(got) != rules || got[0] != "limit" {
			t.Errorf("%s has the rules %v", workload, got)
		}
		want := config.Topics{Shipments: "in", Alerts: "w-1-alerts", Flagged: "w-1-flagged", DeadLetters: "w-1-dead", Canary: config.Default().Kafka.Topics.Canary}
		if c.Kafka.Topics != want || c.Kafka.Group != "w-1-group" {
			t.Errorf("%s reads and writes %+v as %s", workload, c.Kafka.Topics, c.Kafka.Group)
		}
	}
	w1 := load(t, "W1")
	if l := w1.Detectors.Limit; time.Duration(l.Window) != ruleWindow || l.Shipments != ruleShipments || time.Duration(w1.Alerts.Cooldown) != ruleSilence {
		t.Errorf("the rule of W1 is %+v, silent for %v", l, w1.Alerts.Cooldown)
	}
}

func TestOverrides(t *testing.T) {
	c := load(t, "W2", "kafka.fetch_bytes=8MiB", "windows.working_set=64MiB", "events.shipment_types=[posted]")
	if c.Kafka.FetchBytes != 8<<20 || c.Windows.WorkingSet != 64<<20 || !slices.Equal(c.Events.ShipmentTypes, []string{"posted"}) {
		t.Errorf("overridden: %v %v %v", c.Kafka.FetchBytes, c.Windows.WorkingSet, c.Events.ShipmentTypes)
	}
	for _, bad := range []string{"kafka.fetch_bytes", "kafka.nothing=1", "kafka.fetch_bytes=[", "redis.flush_events=0"} {
		if _, err := settings("W2", somewhere, []string{bad}); err == nil || strings.TrimSpace(err.Error()) == "" {
			t.Errorf("%s is taken: %v", bad, err)
		}
	}
}
