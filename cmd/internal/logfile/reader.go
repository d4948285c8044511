package logfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync/atomic"
)

// MaxLine is how long a line may be, in bytes after decompression: far more than an event, little enough to hold in
// memory. A row of CSV may exceed it by what is buffered.
const MaxLine = 16 << 20

// Stdin is the path that means standard input.
const Stdin = "-"

// A Reader gives the events of files, one after the other in the given order. Next, Where and Close belong to one
// goroutine at a time; Progress may be called from any.
type Reader struct {
	rest  []string // files not opened yet
	stdin io.Reader
	total int64
	read  atomic.Int64

	file *file // nil between files
	name string
	line int64
	err  error // what Next gives from now on
}

// rows gives the events of one file.
type rows interface {
	// next gives the next event, io.EOF at the end of the file. It holds until the next call.
	next() ([]byte, error)
	// line is the number of the line where the last event, or the fault, begins; the first is 1.
	line() int64
}

// Open prepares to read the files, and stdin where a path is "-", which is always JSON Lines. It checks that all files
// are there and can be read, so that a wrong name is not found out hours later, and reports all that are not. The
// stdin is not closed; it may be nil if no path is "-".
func Open(paths []string, stdin io.Reader) (*Reader, error) {
	if len(paths) == 0 {
		return nil, errors.New("no input: name a file, or - for standard input")
	}
	r := &Reader{rest: slices.Clone(paths), stdin: stdin}
	known := true
	var errs []error
	for i, path := range paths {
		if path == Stdin {
			known = false
			if stdin == nil || slices.Contains(paths[:i], Stdin) {
				errs = append(errs, errors.New("standard input (-) can be read only once"))
			}
			continue
		}
		size, err := check(path)
		if err != nil {
			errs = append(errs, err)
		}
		known = known && size >= 0
		r.total += size
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if !known {
		r.total = 0
	}
	return r, nil
}

// check gives the size of a file that can be read, below 0 if it has none, as a pipe.
func check(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, fmt.Errorf("input: %w", err)
	}
	if info.IsDir() {
		return 0, fmt.Errorf("input: %s is a directory: name the files in it, in the order of their events", path)
	}
	if !info.Mode().IsRegular() {
		return -1, nil // opening a pipe twice would lose what it holds
	}
	f, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("input: %w", err)
	}
	return info.Size(), f.Close()
}

// Next gives the next event as JSON, io.EOF after the last. It holds until the next call. Blank lines are passed over.
// Any other error names file and line, and stays.
func (r *Reader) Next() ([]byte, error) {
	for r.err == nil {
		if r.file == nil {
			r.err = r.open()
			continue
		}
		value, err := r.file.rows.next()
		if err == nil {
			r.line = r.file.rows.line()
			return value, nil
		}
		if !errors.Is(err, io.EOF) {
			r.line = r.file.rows.line()
			r.err = fmt.Errorf("%s:%d: %w", r.name, r.line, explain(err))
			continue
		}
		r.err = r.closeFile()
	}
	return nil, r.err
}

// open goes on to the next file.
func (r *Reader) open() error {
	if len(r.rest) == 0 {
		return io.EOF
	}
	r.name, r.line, r.rest = r.rest[0], 0, r.rest[1:]
	f, err := openFile(r.name, r.stdin, &r.read)
	if err != nil {
		return fmt.Errorf("%s: %w", r.name, explain(err))
	}
	r.file = f
	return nil
}

// Where tells the file and the line of the last event or fault: the path as given, and the first line is 1. Before the
// first Next it is "" and 0.
func (r *Reader) Where() (file string, line int64) { return r.name, r.line }

// Progress tells how many bytes are read, as they stand in the files, compressed or not. The total is 0 if it is not
// known: with standard input or a pipe.
func (r *Reader) Progress() (read, total int64) { return r.read.Load(), r.total }

// Close ends reading; Next gives an error afterwards. It may be called twice.
func (r *Reader) Close() error {
	if r.err == nil {
		r.err = os.ErrClosed
	}
	return r.closeFile()
}

func (r *Reader) closeFile() error {
	if r.file == nil {
		return nil
	}
	err := r.file.close()
	r.file = nil
	if err != nil {
		return fmt.Errorf("close %s: %w", r.name, err)
	}
	return nil
}

// explain says what to do about errors whose own words don't.
func explain(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the compressed data breaks off; copy the file again or wait until it is written: %w", err)
	}
	return err
}
