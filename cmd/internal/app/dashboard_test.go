package app_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/testbed"
	"github.com/parcelsentry/parcelsentry/windows/windowstest"
)

// TestDashboard runs the service under a real Prometheus and puts every query of the shipped dashboard to it: each must
// give numbers while shipments come in.
func TestDashboard(t *testing.T) {
	binary := windowstest.Server(t, "PARCELSENTRY_TEST_PROMETHEUS")
	b := newBench(t)
	b.withCanaries()
	service, stop := b.serve()
	defer stop()
	p := startPrometheus(t, binary, service.Address())
	defer p.stop()

	// Shipments keep coming, so that rates have something to rise.
	all := b.shipments(60_000)
	next := 0
	more := func() {
		part := all[next:min(next+1000, len(all))]
		if next += len(part); len(part) > 0 {
			b.produce(part)
		}
	}
	open := queries(t, "../../../deploy/grafana/dashboards/parcelsentry.json")
	if len(open) < 20 {
		t.Fatalf("only %d queries", len(open))
	}
	ticks := time.NewTicker(500 * time.Millisecond)
	defer ticks.Stop()
	for len(open) > 0 {
		more()
		var left []string
		for _, q := range open {
			if !p.numbers(q) {
				left = append(left, q)
			}
		}
		open = left
		select {
		case <-b.context().Done():
			t.Fatalf("no numbers for:\n%s", strings.Join(open, "\n"))
		case <-ticks.C:
		}
		if next == len(all) {
			t.Fatalf("all shipments are through, and there are no numbers for:\n%s", strings.Join(open, "\n"))
		}
	}
}

// queries reads a dashboard's queries, with values for Grafana's variables.
func queries(t *testing.T, file string) []string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal(data, &board); err != nil {
		t.Fatal(err)
	}
	variables := strings.NewReplacer("$__rate_interval", "15s", "$job", ".+", "$instance", ".+")
	var all []string
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			all = append(all, variables.Replace(target.Expr))
		}
	}
	return all
}

// promServer is a real Prometheus that scrapes the service every second.
type promServer struct {
	t       *testing.T
	address string
	cmd     *exec.Cmd
}

func startPrometheus(t *testing.T, binary, target string) *promServer {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yaml")
	yaml := fmt.Sprintf("global: {scrape_interval: 1s}\nscrape_configs: [{job_name: parcelsentry, static_configs: [{targets: [%q]}]}]\n", target)
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	port, err := testbed.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	p := &promServer{t: t, address: net.JoinHostPort(testbed.Host, strconv.Itoa(port))}
	p.cmd = exec.Command(binary, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+p.address, "--log.level=error")
	p.cmd.Stderr = os.Stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *promServer) stop() {
	_ = p.cmd.Process.Signal(os.Interrupt)
	_ = p.cmd.Wait()
}

// numbers reports whether the query gives at least one series, and not only NaN.
func (p *promServer) numbers(query string) bool {
	p.t.Helper()
	r, err := http.Get("http://" + p.address + "/api/v1/query?query=" + url.QueryEscape(query))
	if err != nil {
		return false // not up yet
	}
	defer r.Body.Close()
	var answer struct {
		Status, Error string
		Data          struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
		return false // still starting
	}
	if answer.Status != "success" {
		p.t.Fatalf("%s: %s", query, answer.Error)
	}
	for _, series := range answer.Data.Result {
		if text, ok := series.Value[1].(string); ok && text != "NaN" {
			return true
		}
	}
	return false
}
