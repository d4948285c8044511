package kafkaio

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/windows"
)

// source is one partition, a pipeline.Source. Fetch is called by one goroutine at a time.
type source struct {
	cluster   *cluster
	topic     string
	partition int
	// commit is nil for a source that belongs to no group.
	commit func(offset int64) error
	// conn is Fetch's, nil when there is none.
	conn *kafka.Conn
	// last is the record that was read last, nil before; fetched is when Fetch last ended.
	last    atomic.Pointer[landmark]
	fetched time.Time
	// spare has room for records, of batches that were released; nil for a source whose batches nobody releases.
	spare chan []pipeline.Record
}

// landmark is a record by which a log is known again.
type landmark struct {
	offset int64
	at     time.Time
}

// fetchGap is the time without a fetch after which Fetch makes sure that the log is still the same. A topic is not
// deleted and created again so fast that a fetch at every moment would not meet an error.
const fetchGap = time.Second

// close ends the source; no method may be running.
func (s *source) close() {
	if s.conn != nil {
		_ = s.conn.Close()
		s.conn = nil
	}
}

// Fetch implements pipeline.Source. A topic that was deleted and created again may hold the offset, too: with a new
// connection, or after a pause, the last record is read again first.
func (s *source) Fetch(ctx context.Context, offset int64) (pipeline.Batch, error) {
	doubt := s.conn == nil || time.Since(s.fetched) > fetchGap
	if last := s.last.Load(); doubt && last != nil {
		if err := s.recognise(ctx, last); err != nil {
			return pipeline.Batch{}, s.failed(ctx, "recognise", err)
		}
	}
	if s.conn == nil {
		conn, err := s.cluster.dialLeader(ctx, s.topic, s.partition)
		if err != nil {
			return pipeline.Batch{}, s.failed(ctx, "connect to the leader of", err)
		}
		s.conn = conn
	}
	o := &s.cluster.options
	r, err := s.read(ctx, s.conn, offset, o.FetchBytes, s.room())
	if r.broken {
		s.close()
	}
	if err != nil {
		return pipeline.Batch{}, s.failed(ctx, "fetch from", err)
	}
	s.fetched = time.Now()
	b := pipeline.Batch{Records: r.records, Next: r.next, End: r.end}
	n := len(r.records)
	if n == 0 {
		s.release(r.records)
		return b, nil
	}
	s.last.Store(&landmark{r.records[n-1].Offset, r.records[n-1].Time})
	b.Release = func() { s.release(r.records) }
	return b, nil
}

func newSpare() chan []pipeline.Record { return make(chan []pipeline.Record, pipeline.BatchesInUse) }

func (s *source) room() []pipeline.Record {
	select {
	case r := <-s.spare:
		return r
	default:
		return nil
	}
}

func (s *source) release(records []pipeline.Record) {
	clear(records)
	select {
	case s.spare <- records[:0]:
	default:
	}
}

// recognise gives ErrOutOfRange if another record stands where the last one stood, or the log ends before it. That
// retention or compaction took it, or that it can't be decoded, proves nothing. A log that has just been created anew
// grows meanwhile, past the last one's offset perhaps, so what is missing at first is looked for again once the log is
// known to reach so far.
func (s *source) recognise(ctx context.Context, last *landmark) error {
	for reaches := false; ; reaches = true {
		at, found, err := s.recordTime(ctx, last.offset)
		switch {
		case err != nil && !errors.Is(err, errDecoder):
			return err
		case found && !at.Equal(last.at):
			s.last.Store(nil)
			return fmt.Errorf("%w: another record stands at offset %d", pipeline.ErrOutOfRange, last.offset)
		case found || err != nil || reaches:
			return nil
		}
		_, end, err := s.Bounds(ctx)
		if err != nil {
			return err
		}
		if end <= last.offset {
			s.last.Store(nil)
			return fmt.Errorf("%w: the log ends at %d, and offset %d was read", pipeline.ErrOutOfRange, end, last.offset)
		}
	}
}

// Bounds implements pipeline.Source.
func (s *source) Bounds(ctx context.Context) (first, end int64, err error) {
	err = s.once(ctx, s.cluster.options.Timeout, func(conn *kafka.Conn) error {
		first, end, err = conn.ReadOffsets()
		return err
	})
	if err != nil {
		return 0, 0, s.failed(ctx, "read the bounds of", err)
	}
	return first, end, nil
}

// RecordTime implements pipeline.Source.
func (s *source) RecordTime(ctx context.Context, offset int64) (time.Time, bool, error) {
	at, found, err := s.recordTime(ctx, offset)
	if err != nil {
		return time.Time{}, false, s.failed(ctx, "read a record of", err)
	}
	if found {
		s.last.Store(&landmark{offset, at})
	}
	return at, found, nil
}

func (s *source) recordTime(ctx context.Context, offset int64) (at time.Time, found bool, err error) {
	o := &s.cluster.options
	err = s.once(ctx, o.Timeout+o.FetchWait, func(conn *kafka.Conn) error {
		// One byte: a broker gives a whole record batch all the same, and no more.
		r, err := s.read(ctx, conn, offset, 1, nil)
		if err == nil && len(r.records) > 0 && r.records[0].Offset == offset {
			at, found = r.records[0].Time, true
		}
		return err
	})
	if errors.Is(err, pipeline.ErrOutOfRange) {
		return time.Time{}, false, nil
	}
	return at, found, err
}

// Committed implements pipeline.Source.
func (s *source) Committed(ctx context.Context) (int64, error) {
	r, err := s.cluster.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{
		GroupID: s.cluster.options.Group, Topics: map[string][]int{s.topic: {s.partition}},
	})
	if err == nil {
		err = r.Error
	}
	if errors.Is(err, kafka.GroupIdNotFound) {
		return windows.NoOffset, nil // nobody has joined it yet, or it is forgotten
	}
	if err != nil {
		return 0, s.failed(ctx, "read the committed offset of", err)
	}
	for _, p := range r.Topics[s.topic] {
		switch {
		case p.Partition != s.partition:
		case p.Error != nil:
			return 0, s.failed(ctx, "read the committed offset of", p.Error)
		default:
			return max(p.CommittedOffset, windows.NoOffset), nil
		}
	}
	return windows.NoOffset, nil
}

// Commit implements pipeline.Source. It takes at most Options.Timeout, whatever becomes of ctx.
func (s *source) Commit(ctx context.Context, offset int64) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := s.commit(offset); err != nil {
		return s.failed(ctx, "commit an offset of", err)
	}
	return nil
}

// once calls do with a connection to the leader that is closed afterwards.
func (s *source) once(ctx context.Context, limit time.Duration, do func(*kafka.Conn) error) error {
	conn, err := s.cluster.dialLeader(ctx, s.topic, s.partition)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer bind(ctx, conn, limit)()
	return do(conn)
}

// failed says what was tried in vain. When ctx has ended that is the error, whatever a closed connection says.
func (s *source) failed(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return fmt.Errorf("%s partition %d of %s: %w", what, s.partition, s.topic, err)
}
