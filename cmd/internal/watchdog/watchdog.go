// Package watchdog tells what of a process hangs, from outside of it: who works says what they begin and what they are
// done with, and whoever asks later learns what has been under way for too long. A lost heartbeat does not tell it:
// heartbeats go on while a worker hangs.
package watchdog

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Watchdog watches tasks. Its methods may be called by several goroutines at once, and never block for long.
type Watchdog struct {
	after time.Duration
	now   func() time.Time

	mu    sync.Mutex
	tasks map[*Task]struct{}
}

// New makes a watchdog that takes for stuck what has been under way for so long; now tells the time.
func New(after time.Duration, now func() time.Time) *Watchdog {
	return &Watchdog{after: after, now: now, tasks: map[*Task]struct{}{}}
}

// Watch watches a task until it leaves. where, unless nil, says where the task stands, "" for nowhere: it is asked when
// the task is stuck, so it must be safe to call at any time.
func (w *Watchdog) Watch(name string, where func() string) *Task {
	t := &Task{dog: w, name: name, where: where, since: map[string]time.Time{}, failing: map[string]error{}}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tasks[t] = struct{}{}
	return t
}

// Stuck names everything that hangs: an operation that has been under way for too long, or a task with work left that
// has not moved for so long although nothing of it is being tried again. Nil means that nothing does.
func (w *Watchdog) Stuck() error {
	return w.each(func(t *Task, now time.Time) []string { return t.stuck(now) })
}

// Failing names every operation whose last attempt failed and that is being tried again, nil for none.
func (w *Watchdog) Failing() error {
	return w.each(func(t *Task, _ time.Time) []string { return t.retried() })
}

// Longest gives for each operation that is under way how long it has been, the longest of all tasks.
func (w *Watchdog) Longest() map[string]time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	longest := map[string]time.Duration{}
	now := w.now()
	for t := range w.tasks {
		for what, since := range t.since {
			longest[what] = max(longest[what], now.Sub(since))
		}
	}
	return longest
}

func (w *Watchdog) each(faults func(*Task, time.Time) []string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	now := w.now()
	for t := range w.tasks {
		all = append(all, faults(t, now)...)
	}
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	return errors.New(strings.Join(all, "; "))
}

// Task is something that goes on for long, such as the work on a partition, in any number of goroutines.
type Task struct {
	dog   *Watchdog
	name  string
	where func() string

	// All below is guarded by the watchdog's mutex.
	since   map[string]time.Time // when each operation under way began
	failing map[string]error     // by operation, the last attempt's
	failed  time.Time            // when an attempt last failed
	moved   time.Time            // when the task last moved, zero if it has nothing to do
}

// Begin says that an operation is under way from now on, even if it was before.
func (t *Task) Begin(what string) {
	t.dog.mu.Lock()
	defer t.dog.mu.Unlock()
	t.since[what] = t.dog.now()
}

// End says that an operation is done, or given up.
func (t *Task) End(what string) {
	t.dog.mu.Lock()
	defer t.dog.mu.Unlock()
	delete(t.since, what)
	delete(t.failing, what)
}

// Failed says that an attempt at an operation has failed, and that another will be made.
func (t *Task) Failed(what string, err error) {
	t.dog.mu.Lock()
	defer t.dog.mu.Unlock()
	delete(t.since, what)
	t.failing[what] = err
	t.failed = t.dog.now()
}

// Moved says that the task has come forward, and whether it has anything left to do.
func (t *Task) Moved(left bool) {
	t.dog.mu.Lock()
	defer t.dog.mu.Unlock()
	t.moved = time.Time{}
	if left {
		t.moved = t.dog.now()
	}
}

// Leave ends the watch.
func (t *Task) Leave() {
	t.dog.mu.Lock()
	defer t.dog.mu.Unlock()
	delete(t.dog.tasks, t)
}

func (t *Task) stuck(now time.Time) []string {
	var hanging []string
	for what, since := range t.since {
		if d := now.Sub(since); d >= t.dog.after {
			hanging = append(hanging, fmt.Sprintf("%s hangs in %q%s for %v", t.name, what, t.place(), d.Round(time.Second)))
		}
	}
	// What is tried again waits for somebody else: starting anew would not help.
	if len(hanging) > 0 || len(t.failing) > 0 || t.moved.IsZero() {
		return hanging
	}
	last := t.moved
	if t.failed.After(last) {
		last = t.failed
	}
	if d := now.Sub(last); d >= t.dog.after {
		hanging = append(hanging, fmt.Sprintf("%s has work left%s and has not moved for %v", t.name, t.place(), d.Round(time.Second)))
	}
	return hanging
}

func (t *Task) place() string {
	if t.where == nil {
		return ""
	}
	if where := t.where(); where != "" {
		return " at " + where
	}
	return ""
}

func (t *Task) retried() []string {
	var all []string
	for what, err := range t.failing {
		all = append(all, fmt.Sprintf("%s: %q is tried again: %v", t.name, what, err))
	}
	return all
}
