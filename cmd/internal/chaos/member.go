package chaos

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// scrapeInterval is how often a member's metrics are looked at: of one that is killed the last look counts.
const scrapeInterval = 200 * time.Millisecond

// member is the service in a process of its own.
type member struct {
	*child
	address string // of its HTTP server
	log     string

	stop    context.CancelFunc
	stopped sync.WaitGroup
	mu      sync.Mutex
	metrics map[string]float64 // by name and labels
}

// watch scrapes the member until it ends.
func (m *member) watch(ctx context.Context) {
	ctx, m.stop = context.WithCancel(ctx)
	m.stopped.Go(func() {
		for m.running() && pause(ctx, scrapeInterval) == nil {
			m.scrape(ctx)
		}
	})
}

// scrape keeps what the member says of itself; a look that fails leaves the last one.
func (m *member) scrape(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	body, err := get(ctx, "http://"+m.address+"/metrics")
	if err != nil {
		return
	}
	defer body.Close()
	found := parseMetrics(body)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(found) > 0 {
		m.metrics = found
	}
}

func get(ctx context.Context, url string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		answer.Body.Close()
		return nil, fmt.Errorf("%s: %s", url, answer.Status)
	}
	return answer.Body, nil
}

// parseMetrics reads the text format as far as it is needed: a name with labels, and a value.
func parseMetrics(r io.Reader) map[string]float64 {
	found := map[string]float64{}
	for lines := bufio.NewScanner(r); lines.Scan(); {
		line := lines.Text()
		if i := strings.LastIndexByte(line, ' '); i > 0 && strings.HasPrefix(line, "parcelsentry_") {
			if v, err := strconv.ParseFloat(line[i+1:], 64); err == nil {
				found[line[:i]] = v
			}
		}
	}
	return found
}

// metric sums a metric over all its labels.
func (m *member) metric(name string) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	sum := 0.0
	for k, v := range maps.All(m.metrics) {
		if k == name || strings.HasPrefix(k, name+"{") {
			sum += v
		}
	}
	return sum
}

// die kills the member.
func (m *member) die(ctx context.Context) {
	m.scrape(ctx)
	m.kill()
	m.unwatch()
}

// leave asks the member to end, and gives what is wrong with how it does.
func (m *member) leave(ctx context.Context) error {
	const patience = 40 * time.Second
	m.scrape(ctx)
	m.signal(syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := m.wait(ctx)
	if err != nil {
		m.kill()
		err = fmt.Errorf("%s was asked to end: %w", m.name, err)
	}
	m.unwatch()
	return err
}

func (m *member) unwatch() {
	m.stop()
	m.stopped.Wait()
}

// logged tells whether the member's log holds a text.
func (m *member) logged(text string) bool {
	b, err := os.ReadFile(m.log)
	return err == nil && strings.Contains(string(b), text)
}
