// Command testsum turns the stream of `go test -json` into what a person reads:
// a line a package, the whole output of what failed, the skipped tests with their
// reasons, and last the line "N passed, N failed, N skipped".
//
//	go test -json ./... | testsum [-no-skip]
//
// It exits 1 when anything failed, when something did not build, and when the
// stream holds no test at all; with -no-skip also when a test was skipped.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	noSkip := flag.Bool("no-skip", false, "fail when a test was skipped")
	flag.Parse()
	ok, err := run(os.Stdin, os.Stdout, *noSkip)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		os.Exit(1)
	}
	if !ok {
		os.Exit(1)
	}
}

// run copies the stream's story from r to w and reports whether the tests count
// as passed. The error is that of reading or writing.
func run(r io.Reader, w io.Writer, noSkip bool) (bool, error) {
	sum := newSummary()
	out := bufio.NewWriter(w)
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			out.WriteString(read(sum, line))
		}
		// A package may take minutes: what is known is shown at once.
		if flushErr := out.Flush(); flushErr != nil {
			return false, fmt.Errorf("write the summary: %w", flushErr)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return false, fmt.Errorf("read the test stream: %w", err)
		}
	}
	out.WriteString(sum.end(noSkip))
	if err := out.Flush(); err != nil {
		return false, fmt.Errorf("write the summary: %w", err)
	}
	return sum.ok(noSkip), nil
}

// read gives one line to the summary. What is no event comes from the go command
// itself and is passed on as it is.
func read(sum *summary, line []byte) string {
	var e event
	if err := json.Unmarshal(line, &e); err != nil || e.Action == "" {
		return string(line)
	}
	return sum.add(e)
}
