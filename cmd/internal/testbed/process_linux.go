package testbed

import "syscall"

// attributes let a process live no longer than the harness, however that ends, and keep Ctrl-C for the harness alone.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
