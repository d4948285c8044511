package app

import (
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// TestEveryMetricIsShown: whatever the service exports of its own is on the dashboard, and is known to the tests of
// the shipped queries.
func TestEveryMetricIsShown(t *testing.T) {
	s, err := New(Options{Config: withCanaries(t), Log: slog.New(slog.DiscardHandler), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	var shown [2]string
	for i, file := range []string{"../../../deploy/grafana/dashboards/parcelsentry.json", "../../../deploy/promql_test.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		shown[i] = string(text)
	}
	descs := make(chan *prometheus.Desc)
	go func() {
		defer close(descs)
		s.Registry().Describe(descs)
	}()
	n := 0
	for d := range descs {
		name := regexp.MustCompile(`fqName: "([^"]+)"`).FindStringSubmatch(d.String())[1]
		if !strings.HasPrefix(name, "parcelsentry_") {
			continue
		}
		n++
		if !regexp.MustCompile(name + `(_bucket)?\{`).MatchString(shown[0]) {
			t.Errorf("%s is on no panel of the dashboard", name)
		}
		if !strings.Contains(shown[1], `"`+name+`"`) {
			t.Errorf("deploy/promql_test.go does not know %s", name)
		}
	}
	if n < 30 {
		t.Errorf("only %d metrics", n)
	}
}
