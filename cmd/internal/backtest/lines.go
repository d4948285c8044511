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
	// keep, unless 0, is how many batches are kept at most. It needs reopen.
	keep int

	mu     sync.Mutex          // Fetch and Commit overlap
	kept   [][]pipeline.Record // by batches, none of them empty
	part   []pipeline.Record   // of a batch that an error broke off
	room   []byte              // for lines to come
	first  int64               // offset of the first line kept
	next   int64               // offset of the first line that is in no batch yet
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
	for offset >= s.next && !s.ended {
		if err := s.read(); err != nil {
			return b, err
		}
	}
	if b.Records = s.from(offset); len(b.Records) > 0 {
		b.Next = b.Records[len(b.Records)-1].Offset + 1
	}
	b.Done = s.ended && b.Next >= s.next
	return b, nil
}

// rewind begins with the first line again.
func (s *lineSource) rewind() error {
	lines, err := s.reopen()
	if err != nil {
		return &linesError{err}
	}
	s.lines, s.kept, s.part, s.first, s.next, s.ended = lines, nil, nil, 0, 0, false
	return nil
}

// pass goes on to where a worker begins that finds lines counted already. They are not kept.
func (s *lineSource) pass(offset int64) error {
	for len(s.kept)+len(s.part) == 0 && s.next < offset && !s.ended {
		switch _, err := s.line(); {
		case errors.Is(err, io.EOF):
		case err != nil:
			return err
		default:
			s.next++
			s.first = s.next
		}
	}
	if !s.asked {
		s.asked, s.passed = true, s.first
	}
	return nil
}

// from gives what is kept of the batch with the line at offset, from that on; nothing if it is not kept.
func (s *lineSource) from(offset int64) []pipeline.Record {
	for _, batch := range s.kept {
		if i := offset - batch[0].Offset; i < int64(len(batch)) {
			return batch[i:]
		}
	}
	return nil
}

// read takes up another batch, or the last lines.
func (s *lineSource) read() error {
	if s.part == nil {
		s.part = make([]pipeline.Record, 0, s.usual)
	}
	for size := 0; size < batchBytes; {
		value, err := s.line()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		s.part = append(s.part, pipeline.Record{Offset: s.next + int64(len(s.part)), Value: s.copy(value)})
		size += len(value)
	}
	batch := s.part
	s.part = nil
	if len(batch) == 0 {
		return nil
	}
	s.usual = len(batch) + len(batch)/8
	s.next += int64(len(batch))
	s.kept = append(s.kept, batch)
	if s.keep > 0 && len(s.kept) > s.keep {
		s.first += int64(len(s.kept[0]))
		s.kept = slices.Delete(s.kept, 0, 1)
	}
	return nil
}

// copy copies a line to where it stays: the lines of a batch, about, share their memory.
func (s *lineSource) copy(line []byte) []byte {
	if len(s.room) < len(line) {
		s.room = make([]byte, max(batchBytes, len(line)))
	}
	n := copy(s.room, line)
	line, s.room = s.room[:n:n], s.room[n:]
	return line
}

func (s *lineSource) line() ([]byte, error) {
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

// Commit implements pipeline.Source. What a session commits that has ended may lie elsewhere than the lines kept.
func (s *lineSource) Commit(_ context.Context, offset int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.kept) > 0 && s.first < offset {
		n := min(offset-s.first, int64(len(s.kept[0])))
		s.first += n
		if s.kept[0] = s.kept[0][n:]; len(s.kept[0]) == 0 {
			s.kept = slices.Delete(s.kept, 0, 1)
		}
	}
	return nil
}
