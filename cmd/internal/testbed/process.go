package testbed

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// A Process is a child of the harness: a server, or a member of the service.
type Process struct {
	Name string
	// Ended is closed when it has ended; Err is then how.
	Ended <-chan struct{}
	Err   error

	cmd *exec.Cmd
}

// Processes start children and end what is left of them. The zero value is ready.
type Processes struct {
	mu  sync.Mutex
	all []*Process
}

// Launch starts a program in a folder, with more variables in its environment. Its output goes to the end of a file.
func (c *Processes) Launch(env []string, name, dir, log, program string, args ...string) (*Process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = dir, out, out, attributes()
	cmd.Env = append(os.Environ(), env...)
	ended := make(chan struct{})
	p := &Process{Name: name, Ended: ended, cmd: cmd}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	c.all = append(c.all, p)
	go func() {
		p.Err = cmd.Wait()
		close(ended)
	}()
	return p, nil
}

// Close kills all that still run, and waits.
func (c *Processes) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.all {
		p.Kill()
	}
	c.all = nil
}

// PID is that of the process, also when it has ended.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Status gives its exit status, -1 while it runs or if a signal ended it.
func (p *Process) Status() int {
	if p.Running() {
		return -1
	}
	return p.cmd.ProcessState.ExitCode()
}

// Running tells that it has not ended; a stopped process runs.
func (p *Process) Running() bool {
	select {
	case <-p.Ended:
		return false
	default:
		return true
	}
}

// Signal sends one; a process that has ended takes none.
func (p *Process) Signal(s syscall.Signal) {
	if p.Running() {
		_ = p.cmd.Process.Signal(s)
	}
}

// Kill ends it without warning, and waits.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.Ended
}

// Wait gives how it ended.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.Ended:
		return p.Err
	case <-ctx.Done():
		return fmt.Errorf("%s has not ended: %w", p.Name, ctx.Err())
	}
}
