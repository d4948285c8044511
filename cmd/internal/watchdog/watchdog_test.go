package watchdog

import (
	"errors"
	"testing"
	"time"
)

// clock is a time that stands still until a test moves it.
type clock struct{ now time.Time }

func (c *clock) pass(d time.Duration) { c.now = c.now.Add(d) }

// newDog watches for 5 minutes of a clock's time.
func newDog() (*Watchdog, *clock) {
	c := &clock{now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}
	return New(5*time.Minute, func() time.Time { return c.now }), c
}

func want(t *testing.T, what string, got error, text string) {
	t.Helper()
	switch {
	case got == nil && text != "":
		t.Errorf("%s: nothing, want %q", what, text)
	case got != nil && got.Error() != text:
		t.Errorf("%s: %q, want %q", what, got, text)
	}
}

func TestACallThatHangs(t *testing.T) {
	dog, clock := newDog()
	task := dog.Watch("partition 3 of shipments", func() string { return "record 17" })
	task.Begin("apply")
	clock.pass(5*time.Minute - 1)
	want(t, "a moment before", dog.Stuck(), "")
	clock.pass(1)
	const hangs = `partition 3 of shipments hangs in "apply" at record 17 for 5m0s`
	want(t, "after 5 minutes", dog.Stuck(), hangs)
	task.Begin("fetch")
	task.End("fetch")
	want(t, "while others come back", dog.Stuck(), hangs)
	task.End("apply")
	want(t, "once it came back", dog.Stuck(), "")
}

// An outage of an hour: each attempt fails after a minute and is made again at once. Nothing hangs, though nothing moves.
func TestRetriesAreNoHang(t *testing.T) {
	dog, clock := newDog()
	task := dog.Watch("partition 3 of shipments", nil)
	task.Moved(true)
	for range 60 {
		task.Begin("apply")
		clock.pass(time.Minute)
		want(t, "during the attempt", dog.Stuck(), "")
		task.Failed("apply", errors.New("redis is away"))
		want(t, "stuck", dog.Stuck(), "")
		want(t, "failing", dog.Failing(), `partition 3 of shipments: "apply" is tried again: redis is away`)
	}
	task.Begin("apply")
	task.End("apply")
	want(t, "failing after success", dog.Failing(), "")
	clock.pass(4 * time.Minute)
	want(t, "4 minutes after the last failure", dog.Stuck(), "")
	clock.pass(time.Minute)
	want(t, "5 minutes after it", dog.Stuck(), "partition 3 of shipments has work left and has not moved for 5m0s")
}

// One operation is being tried again; that does not hide that another hangs.
func TestAHangBesideARetry(t *testing.T) {
	dog, clock := newDog()
	task := dog.Watch("p", nil)
	task.Begin("write")
	for range 5 {
		task.Begin("apply")
		clock.pass(time.Minute)
		task.Failed("apply", errors.New("away"))
	}
	want(t, "stuck", dog.Stuck(), `p hangs in "write" for 5m0s`)
}

func TestStandingStill(t *testing.T) {
	dog, clock := newDog()
	task := dog.Watch("p", func() string { return "" })
	clock.pass(time.Hour)
	want(t, "without work", dog.Stuck(), "")
	task.Moved(true)
	clock.pass(4 * time.Minute)
	task.Moved(true)
	clock.pass(4 * time.Minute)
	want(t, "moving", dog.Stuck(), "")
	clock.pass(time.Minute)
	want(t, "not moving", dog.Stuck(), "p has work left and has not moved for 5m0s")
	task.Moved(false)
	clock.pass(time.Hour)
	want(t, "with nothing left", dog.Stuck(), "")
}

func TestSeveralTasks(t *testing.T) {
	dog, clock := newDog()
	one, two := dog.Watch("one", nil), dog.Watch("two", nil)
	one.Begin("fetch")
	clock.pass(time.Minute)
	two.Begin("fetch")
	two.Begin("write")
	clock.pass(5 * time.Minute)
	want(t, "both", dog.Stuck(), `one hangs in "fetch" for 6m0s; two hangs in "fetch" for 5m0s; two hangs in "write" for 5m0s`)
	longest := dog.Longest()
	if len(longest) != 2 || longest["fetch"] != 6*time.Minute || longest["write"] != 5*time.Minute {
		t.Errorf("longest: %v", longest)
	}
	one.Leave()
	two.Leave()
	want(t, "nobody is left", dog.Stuck(), "")
	one.Begin("fetch") // a late word of somebody who has left changes nothing
	clock.pass(time.Hour)
	want(t, "after leaving", dog.Stuck(), "")
}
