package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
)

// progress shows how much of the input is read, until the returned function is called: a bar on a terminal, otherwise
// a line now and then.
func (s *shell) progress(what string, done func() (read, total int64)) (stop func()) {
	show, finish, every := s.progressLines(what)
	if s.terminal {
		show, finish, every = s.progressBar(what, done)
	}
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticks := time.NewTicker(every)
		defer ticks.Stop()
		for {
			select {
			case <-quit:
				finish()
				return
			case <-ticks.C:
				show(done())
			}
		}
	}()
	return func() {
		close(quit)
		<-ended
	}
}

func (s *shell) progressLines(what string) (show func(read, total int64), finish func(), every time.Duration) {
	show = func(read, total int64) {
		if total == 0 {
			fmt.Fprintf(s.stderr, "%s: %d bytes read\n", what, read)
			return
		}
		fmt.Fprintf(s.stderr, "%s: %d of %d bytes read\n", what, read, total)
	}
	return show, func() {}, 10 * time.Second
}

func (s *shell) progressBar(what string, done func() (read, total int64)) (show func(read, total int64), finish func(), every time.Duration) {
	_, total := done()
	if total == 0 {
		total = -1 // a spinner, as nobody knows how much will come
	}
	bar := progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(s.stderr), progressbar.OptionSetDescription(what),
		progressbar.OptionShowBytes(true), progressbar.OptionClearOnFinish())
	// What can't be drawn is no reason to fail.
	return func(read, _ int64) { _ = bar.Set64(read) }, func() { _ = bar.Finish() }, 100 * time.Millisecond
}

// deadLetters shows the first few records that can't be counted, and how many there were.
type deadLetters struct {
	w     io.Writer
	count int
}

const shownDeadLetters = 5

func (d *deadLetters) report(l *pipeline.DeadLetter) {
	d.count++
	if d.count <= shownDeadLetters {
		fmt.Fprintf(d.w, "line %d: %s: %s\n", l.At.Offset+1, l.Reason, l.Error)
	}
}

func (d *deadLetters) summarise() {
	if d.count > shownDeadLetters {
		fmt.Fprintf(d.w, "… and %d more lines that can't be counted\n", d.count-shownDeadLetters)
	}
}
