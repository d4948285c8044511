package httpserver

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a server for the time of the test and gives its root URL and a function that stops it and gives what Run
// returned.
func serve(t *testing.T, o Options) (url string, stop func() error) {
	t.Helper()
	o.Address = "127.0.0.1:0"
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
	s := New(o)
	if s.Address() != "" {
		t.Errorf("address before listening: %q", s.Address())
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	select {
	case <-s.Listening():
	case err := <-done:
		t.Fatal(err)
	}
	var result error
	stopped := false
	stop = func() error {
		if !stopped {
			cancel()
			result, stopped = <-done, true
		}
		return result
	}
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return "http://" + s.Address(), stop
}

func get(t *testing.T, method, url, accept string) (status int, contentType, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", accept)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	all, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("Content-Type"), string(all)
}

func TestAnswers(t *testing.T) {
	registry := prometheus.NewRegistry()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "parcelsentry_made_up_total", Help: "Made up."})
	counter.Add(3)
	registry.MustRegister(counter)
	url, _ := serve(t, Options{Registry: registry, Ready: func() error { return errors.New("the group is not joined") }})
	for _, c := range []struct {
		name, method, path, accept string
		status                     int
		contentType, body          string
	}{
		{"index", "GET", "/", "", 200, "text/html", `href="/metrics"`},
		{"metrics", "GET", "/metrics", "", 200, "text/plain", "parcelsentry_made_up_total 3\n"},
		{"open metrics", "GET", "/metrics", "application/openmetrics-text; version=1.0.0", 200, "application/openmetrics-text", "# EOF\n"},
		{"healthy without a check", "GET", "/-/healthy", "", 200, "text/plain", "healthy\n"},
		{"not ready", "GET", "/-/ready", "", 503, "text/plain", "not ready: the group is not joined\n"},
		{"unknown path", "GET", "/secret", "", 404, "text/plain", "not found"},
		{"changing nothing", "POST", "/-/ready", "", 405, "text/plain", "Method Not Allowed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, contentType, body := get(t, c.method, url+c.path, c.accept)
			if status != c.status || !strings.HasPrefix(contentType, c.contentType) || !strings.Contains(body, c.body) {
				t.Errorf("got %d, %s, %q; want %d, %s, %q", status, contentType, body, c.status, c.contentType, c.body)
			}
		})
	}
}

func TestReadinessFollowsTheCheck(t *testing.T) {
	state := make(chan error, 1)
	url, _ := serve(t, Options{Ready: func() error { return <-state }})
	for _, c := range []struct {
		state  error
		status int
	}{{errors.New("redis is away"), 503}, {nil, 200}, {errors.New("redis is away"), 503}} {
		state <- c.state
		if status, _, body := get(t, "GET", url+"/-/ready", ""); status != c.status {
			t.Errorf("with %v: %d %q", c.state, status, body)
		}
	}
}

func TestACollectorThatFailsLeavesTheOthers(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(broken{}, prometheus.NewGauge(prometheus.GaugeOpts{Name: "good", Help: "Good."}))
	url, _ := serve(t, Options{Registry: registry})
	if status, _, body := get(t, "GET", url+"/metrics", ""); status != 200 || !strings.Contains(body, "good 0") {
		t.Errorf("%d %s", status, body)
	}
}

type broken struct{}

func (broken) Describe(chan<- *prometheus.Desc) {}
func (broken) Collect(to chan<- prometheus.Metric) {
	to <- prometheus.NewInvalidMetric(prometheus.NewDesc("broken", "Broken.", nil, nil), errors.New("broken"))
}

// A request under way when the end comes is answered; none is taken afterwards.
func TestStopsGracefully(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	url, stop := serve(t, Options{Healthy: func() error {
		close(asked)
		<-release
		return nil
	}})
	answered := make(chan int, 1)
	go func() {
		response, err := http.Get(url + "/-/healthy")
		if err != nil {
			answered <- 0
			return
		}
		response.Body.Close()
		answered <- response.StatusCode
	}()
	<-asked
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	untilRefused(t, strings.TrimPrefix(url, "http://"))
	close(release)
	if status := <-answered; status != 200 {
		t.Errorf("status %d", status)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if _, err := http.Get(url); err == nil {
		t.Error("still serving")
	}
}

// untilRefused returns once the address takes no connections any more.
func untilRefused(t *testing.T, address string) {
	t.Helper()
	for t.Context().Err() == nil {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		conn.Close()
	}
}

func TestAddressInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s := New(Options{Address: taken.Addr().String(), Registry: prometheus.NewRegistry()})
	if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), taken.Addr().String()) {
		t.Errorf("got %v, want an error that names the address", err)
	}
	if s.Address() != "" {
		t.Errorf("address %q", s.Address())
	}
}
