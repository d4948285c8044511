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

// lineSource is a log of lines as the one partition of a topic: the offset of a line is its number, from 0. It keeps
// the lines that are not committed yet, so that a worker can go back.
type lineSource struct {
	lines Lines

	mu    sync.Mutex // Fetch and Commit overlap
	kept  []pipeline.Record
	first int64 // offset of kept[0]
	ended bool
}

// batchBytes is what one fetch gives, about: enough to make a switch between goroutines cheap.
const batchBytes = 1 << 20

// Bounds implements pipeline.Source. The end of a file that is still being read is not known, and not asked for.
func (s *lineSource) Bounds(context.Context) (first, end int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.first, math.MaxInt64, nil
}

// Committed implements pipeline.Source.
func (s *lineSource) Committed(context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first == 0 {
		return windows.NoOffset, nil
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
		return b, pipeline.ErrOutOfRange // committed by a session that has ended since
	}
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

func (s *lineSource) line(offset int64) (pipeline.Record, error) {
	for offset >= s.first+int64(len(s.kept)) {
		if s.ended {
			return pipeline.Record{}, io.EOF
		}
		value, err := s.lines.Next()
		if err != nil {
			s.ended = errors.Is(err, io.EOF)
			return pipeline.Record{}, err
		}
		s.kept = append(s.kept, pipeline.Record{Offset: s.first + int64(len(s.kept)), Value: slices.Clone(value)})
	}
	return s.kept[offset-s.first], nil
}

// Commit implements pipeline.Source.
func (s *lineSource) Commit(_ context.Context, offset int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = slices.Delete(s.kept, 0, int(offset-s.first))
	s.first = offset
	return nil
}
