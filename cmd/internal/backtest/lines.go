package backtest

import (
	"context"
	"errors"
	"io"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/windows"
)

// Lines gives the lines of a log one after the other, io.EOF after the last. A line holds until the next call.
type Lines interface {
	Next() ([]byte, error)
}

// File is Lines that can be closed.
type File interface {
	Lines
	io.Closer
}

// lineSource is a log of lines as the one partition of a topic: the offset of a line is its number, from 0. It keeps
// the lines that are not committed yet, so that a worker can go back; further only with reopen.
type lineSource struct {
	lines Lines
	// reopen, unless nil, gives the lines from the first on once more.
	reopen func() (Lines, error)

	mu     sync.Mutex // Fetch and Commit overlap
	kept   []pipeline.Record
	room   []byte // for lines to come
	first  int64  // offset of kept[0]
	ended  bool
	usual  int   // how many lines the last batch had, and some more
	passed int64 // lines before the first that was asked for
	asked  bool
}

// batchBytes is what one fetch gives, about: enough to make a switch between goroutines cheap.
const batchBytes = 1 << 20

// Bounds implements pipeline.Source. The end of a file that is still being read is not known, and not asked for.
func (s *lineSource) Bounds(context.Context) (first, end int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reopen != nil {
		return 0, math.MaxInt64, nil
	}
	return s.first, math.MaxInt64, nil
}

// Committed implements pipeline.Source.
func (s *lineSource) Committed(context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first == 0 || s.reopen != nil {
		return windows.NoOffset, nil // the fences alone say where to begin
	}
	return s.first, nil
}

// RecordTime implements pipeline.Source: lines have no timestamps.
func (s *lineSource) RecordTime(context.Context, int64) (time.Time, bool, error) {
	return time.Time{}, false, nil
}

// Fetch implements pipeline.Source.
func (s *lineSource) Fetch(_ context.Context, offset int64) (pipeline.Batch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := pipeline.Batch{Next: offset}
	if offset < s.first {
		if s.reopen == nil {
			return b, pipeline.ErrOutOfRange // committed by a session that has ended since
		}
		if err := s.rewind(); err != nil {
			return b, err
		}
	}
	if err := s.pass(offset); err != nil {
		return b, err
	}
	b.Records = make([]pipeline.Record, 0, s.usual)
	defer func() { s.usual = len(b.Records) + len(b.Records)/8 }()
	size := 0
	for size < batchBytes {
		r, err := s.line(b.Next)
		if errors.Is(err, io.EOF) {
			b.Done = true
			break
		}
		if err != nil {
			return b, err
		}
		b.Records = append(b.Records, r)
		b.Next++
		size += len(r.Value)
	}
	return b, nil
}

// rewind begins with the first line again.
func (s *lineSource) rewind() error {
	lines, err := s.reopen()
	if err != nil {
		return &linesError{err}
	}
	s.lines, s.kept, s.first, s.ended = lines, nil, 0, false
	return nil
}

// pass goes on to where a worker begins that finds lines counted already. They are not kept.
func (s *lineSource) pass(offset int64) error {
	for len(s.kept) == 0 && s.first < offset && !s.ended {
		switch _, err := s.next(); {
		case errors.Is(err, io.EOF):
		case err != nil:
			return err
		default:
			s.first++
		}
	}
	if !s.asked {
		s.asked, s.passed = true, s.first
	}
	return nil
}

func (s *lineSource) line(offset int64) (pipeline.Record, error) {
	for offset >= s.first+int64(len(s.kept)) {
		if s.ended {
			return pipeline.Record{}, io.EOF
		}
		value, err := s.next()
		if err != nil {
			return pipeline.Record{}, err
		}
		s.kept = append(s.kept, pipeline.Record{Offset: s.first + int64(len(s.kept)), Value: s.keep(value)})
	}
	return s.kept[offset-s.first], nil
}

// keep copies a line to where it stays: the lines of a batch, about, share their memory.
func (s *lineSource) keep(line []byte) []byte {
	if len(s.room) < len(line) {
		s.room = make([]byte, max(batchBytes, len(line)))
	}
	n := copy(s.room, line)
	line, s.room = s.room[:n:n], s.room[n:]
	return line
}

func (s *lineSource) next() ([]byte, error) {
	value, err := s.lines.Next()
	if errors.Is(err, io.EOF) {
		s.ended = true
		return nil, err
	}
	if err != nil {
		return nil, &linesError{err}
	}
	return value, nil
}

// linesError tells that it is the lines that can't be read.
type linesError struct{ err error }

func (e *linesError) Error() string { return e.err.Error() }
func (e *linesError) Unwrap() error { return e.err }

// Commit implements pipeline.Source.
func (s *lineSource) Commit(_ context.Context, offset int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(offset-s.first, int64(len(s.kept))) // what a session commits that has ended may lie elsewhere
	if n > 0 {
		s.kept = slices.Delete(s.kept, 0, int(n))
		s.first += n
	}
	return nil
}
