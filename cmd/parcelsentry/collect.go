package main

import (
	"os"
	"runtime/debug"
)

// collectOften has garbage collected when there is seven tenths of what is in use, for the service: a third less memory for some
// twentieth more of CPU. Whoever sets GOGC or GOMEMLIMIT has decided otherwise.
func collectOften() { collectAt(70) }

// collectSeldom has garbage collected when there is four times as much as what is in use, for commands that work a file
// off as fast as they can: memory for time.
func collectSeldom() { collectAt(400) }

func collectAt(percent int) {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(percent)
	}
}
