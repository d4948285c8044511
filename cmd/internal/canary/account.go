package canary

import (
	"slices"
	"sync"
	"time"
)

// Account knows which canaries are out. Its methods may be called by several goroutines at once.
type Account struct {
	timeout time.Duration

	mu  sync.Mutex
	out map[string]sent // by id
}

type sent struct {
	partition int
	at        time.Time
}

// NewAccount makes an empty account that gives a canary up after the time-out.
func NewAccount(timeout time.Duration) *Account {
	return &Account{timeout: timeout, out: map[string]sent{}}
}

// Sent notes a canary that is about to be written to a partition.
func (a *Account) Sent(id string, partition int, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.out[id] = sent{partition, at}
}

// Back takes a canary whose alert has come back, and gives its partition and how long it took. False means that it is
// not out: somebody else's, back before, or given up.
func (a *Account) Back(id string, at time.Time) (partition int, took time.Duration, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, ok := a.out[id]
	delete(a.out, id)
	return s.partition, at.Sub(s.at), ok
}

// GiveUp takes out what has been out for the time-out, and gives the partition of each, ascending.
func (a *Account) GiveUp(at time.Time) []int {
	a.mu.Lock()
	defer a.mu.Unlock()
	var partitions []int
	for id, s := range a.out {
		if at.Sub(s.at) >= a.timeout {
			delete(a.out, id)
			partitions = append(partitions, s.partition)
		}
	}
	slices.Sort(partitions)
	return partitions
}
