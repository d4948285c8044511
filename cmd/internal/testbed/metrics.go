package testbed

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Metrics are the service's own, by name and labels as they are written.
type Metrics map[string]float64

// Scrape asks the service at an address for its metrics.
func Scrape(ctx context.Context, address string) (Metrics, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", request.URL, answer.Status)
	}
	return parseMetrics(answer.Body), nil
}

// parseMetrics reads the text format as far as it is needed: a name with labels, and a value.
func parseMetrics(r io.Reader) Metrics {
	found := Metrics{}
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

// Sum adds a metric up over all its labels.
func (m Metrics) Sum(name string) float64 {
	sum := 0.0
	for k, v := range m {
		if k == name || strings.HasPrefix(k, name+"{") {
			sum += v
		}
	}
	return sum
}

// Add adds what another process says of itself.
func (m Metrics) Add(other Metrics) {
	for name, v := range other {
		m[name] += v
	}
}
