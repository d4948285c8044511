package chaos

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// child is a process that the harness has started: a server, or a member of the service.
type child struct {
	name  string
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended
	err   error         // of its end, once ended is closed
}

// children ends what is left of them.
type children struct {
	mu  sync.Mutex
	all []*child
}

// launch starts a program whose output goes to the end of a file.
func (c *children) launch(name, dir, log, program string, args ...string) (*child, error) {
	return c.launchWith(nil, name, dir, log, program, args...)
}

// launchWith is launch with more variables in the environment.
func (c *children) launchWith(env []string, name, dir, log, program string, args ...string) (*child, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = dir, out, out, attributes()
	cmd.Env = append(os.Environ(), env...)
	p := &child{name: name, cmd: cmd, ended: make(chan struct{})}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	c.all = append(c.all, p)
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// close kills all that still run, and waits.
func (c *children) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.all {
		p.kill()
	}
	c.all = nil
}

// running tells that it has not ended; a stopped process runs.
func (p *child) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// signal sends one; a process that has ended takes none.
func (p *child) signal(s syscall.Signal) {
	if p.running() {
		_ = p.cmd.Process.Signal(s)
	}
}

// kill ends it without warning, and waits.
func (p *child) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// wait gives how it ended.
func (p *child) wait(ctx context.Context) error {
	select {
	case <-p.ended:
		return p.err
	case <-ctx.Done():
		return fmt.Errorf("%s has not ended: %w", p.name, ctx.Err())
	}
}
