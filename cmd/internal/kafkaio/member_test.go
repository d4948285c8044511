package kafkaio

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/windows"
)

// ledger is what all members of a group together have done, and finds fault with it as it happens.
type ledger struct {
	t       *testing.T
	mu      sync.Mutex
	changed chan struct{} // closed and replaced with every change
	// read counts how often each record was read, committed is the last committed offset, holders how many workers
	// a partition has now, starts how many it has had.
	read      map[int]map[int64]int
	committed map[int]int64
	holders   map[int]int
	starts    map[int]int
}

func newLedger(t *testing.T) *ledger {
	return &ledger{
		t: t, changed: make(chan struct{}), read: map[int]map[int64]int{}, committed: map[int]int64{},
		holders: map[int]int{}, starts: map[int]int{},
	}
}

// note changes the ledger.
func (l *ledger) note(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
	close(l.changed)
	l.changed = make(chan struct{})
}

// until waits for a condition of the ledger.
func (l *ledger) until(ctx context.Context, what string, condition func() bool) {
	l.t.Helper()
	for {
		l.mu.Lock()
		ok, changed := condition(), l.changed
		l.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			l.t.Fatalf("never: %s; committed %v, holders %v", what, l.committed, l.holders)
		}
	}
}

func (l *ledger) sum(of map[int]int64) int64 {
	var n int64
	for _, v := range of {
		n += v
	}
	return n
}

// work reads a partition as the pipeline does, in small: it commits now and then, and what is left when ctx ends.
func (l *ledger) work(ctx context.Context, partition int, s pipeline.Source) error {
	flush := context.WithoutCancel(ctx)
	start, err := s.Committed(ctx)
	if err != nil {
		return ended(ctx, err)
	}
	l.note(func() {
		l.starts[partition]++
		if l.holders[partition]++; l.holders[partition] > 1 {
			l.t.Errorf("partition %d has two workers", partition)
		}
		if want := l.committed[partition]; max(start, 0) != want {
			l.t.Errorf("partition %d begins at %d, but %d is committed", partition, start, want)
		}
	})
	defer l.note(func() { l.holders[partition]-- })
	next := max(start, 0)
	if start == windows.NoOffset {
		if next, _, err = s.Bounds(ctx); err != nil {
			return ended(ctx, err)
		}
	}
	unsaved := 0
	for ctx.Err() == nil {
		b, err := s.Fetch(ctx, next)
		if err != nil {
			if ctx.Err() == nil {
				l.t.Log(err)
			}
			continue
		}
		l.note(func() {
			for _, r := range b.Records {
				l.count(partition, r.Offset)
			}
		})
		next = b.Next
		if unsaved += len(b.Records); unsaved < 50 {
			continue
		}
		if err := l.commit(flush, partition, s, next); err != nil {
			return err
		}
		unsaved = 0
	}
	if unsaved == 0 {
		return nil
	}
	return l.commit(flush, partition, s, next)
}

func (l *ledger) count(partition int, offset int64) {
	if l.read[partition] == nil {
		l.read[partition] = map[int64]int{}
	}
	l.read[partition][offset]++
}

func (l *ledger) commit(ctx context.Context, partition int, s pipeline.Source, offset int64) error {
	if err := s.Commit(ctx, offset); err != nil {
		return fmt.Errorf("commit %d: %w", offset, err)
	}
	l.note(func() {
		if offset < l.committed[partition] {
			l.t.Errorf("partition %d: commit went back from %d to %d", partition, l.committed[partition], offset)
		}
		l.committed[partition] = offset
	})
	return nil
}

func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// running is a member of a group at work.
type running struct {
	group *Group
	stop  context.CancelFunc
	done  chan error
}

// joining starts one, which the test's end stops.
func joining(t *testing.T, o Options, work Work) *running {
	ctx, stop := context.WithCancel(limited(t))
	r := &running{group: NewGroup(o), stop: stop, done: make(chan error, 1)}
	go func() {
		r.done <- r.group.Run(ctx, work)
		close(r.done)
	}()
	t.Cleanup(func() { r.leave(t) })
	return r
}

// leave stops the member and waits for it.
func (r *running) leave(t *testing.T) {
	t.Helper()
	r.stop()
	if err := <-r.done; err != nil {
		t.Error(err)
	}
	if r.group.Joined() {
		t.Error("still joined")
	}
}
