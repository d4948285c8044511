//go:build profile

package main

import (
	"fmt"
	"os"
	"runtime/pprof"
)

// startProfile begins a CPU profile in the file that PARCELSENTRY_CPU_PROFILE names, and gives what ends it.
func startProfile() (stop func()) {
	name := os.Getenv("PARCELSENTRY_CPU_PROFILE")
	if name == "" {
		return func() {}
	}
	f, err := os.Create(name)
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "parcelsentry: no CPU profile:", err)
		return func() {}
	}
	return func() {
		pprof.StopCPUProfile()
		f.Close()
	}
}
