package chaos

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/testbed"
)

// scrapeInterval is how often a member's metrics are looked at: of one that is killed the last look counts.
const scrapeInterval = 200 * time.Millisecond

// member is the service in a process of its own.
type member struct {
	*testbed.Process
	address string // of its HTTP server
	log     string

	stop    context.CancelFunc
	stopped sync.WaitGroup
	mu      sync.Mutex
	metrics testbed.Metrics
}

// watch scrapes the member until it ends.
func (m *member) watch(ctx context.Context) {
	ctx, m.stop = context.WithCancel(ctx)
	m.stopped.Go(func() {
		for m.Running() && testbed.Pause(ctx, scrapeInterval) == nil {
			m.scrape(ctx)
		}
	})
}

// scrape keeps what the member says of itself; a look that fails leaves the last one.
func (m *member) scrape(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	found, err := testbed.Scrape(ctx, m.address)
	if err != nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(found) > 0 {
		m.metrics = found
	}
}

// metric sums a metric over all its labels.
func (m *member) metric(name string) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.metrics.Sum(name)
}

// die kills the member.
func (m *member) die(ctx context.Context) {
	m.scrape(ctx)
	m.Kill()
	m.unwatch()
}

// leave asks the member to end, and gives what is wrong with how it does.
func (m *member) leave(ctx context.Context) error {
	const patience = 40 * time.Second
	m.scrape(ctx)
	m.Signal(syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := m.Wait(ctx)
	if err != nil {
		m.Kill()
		err = fmt.Errorf("%s was asked to end: %w", m.Name, err)
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
