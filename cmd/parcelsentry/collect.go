package main

import (
	"os"
	"runtime/debug"
)

// collectSeldom has garbage collected when there is four times as much as what is in use, for commands that work a file
// off as fast as they can: memory for time. Whoever sets GOGC or GOMEMLIMIT has decided otherwise.
func collectSeldom() {
	const percent = 400
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(percent)
	}
}
