//go:build !linux

package testbed

import "syscall"

// attributes keep Ctrl-C for the harness alone.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
