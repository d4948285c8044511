package app

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/codec"
	"github.com/parcelsentry/parcelsentry/cmd/internal/kafkaio"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/windows"
)

const (
	// So much is looked at in one go.
	batchMessages = 500
	batchBytes    = 4 << 20
)

// originals takes the dead letters that are meant, as the records have them.
func (r *resubmitter) originals(ctx context.Context) error {
	letters := kafkaio.NewReader(r.kafka, r.topics.DeadLetters, time.Time{})
	defer letters.Close()
	var batch []*message
	size := 0
	err := letters.Read(ctx, func(_ int, record pipeline.Record) error {
		r.Read(len(record.Key) + len(record.Value))
		d, err := readDeadLetter(&record)
		if err != nil || !r.take(&d) {
			return nil
		}
		batch = append(batch, &message{
			at: d.At, known: r.known[d.At], recordTime: d.RecordTime, key: d.Key, value: d.Value, missing: d.Withheld,
		})
		if size += len(d.Value); len(batch) < batchMessages && size < batchBytes {
			return nil
		}
		ready := batch
		batch, size = nil, 0
		return r.handle(ctx, ready)
	})
	if err != nil {
		return err
	}
	return r.handle(ctx, batch)
}

// take decides whether a dead letter is meant, once for each record.
func (r *resubmitter) take(d *codec.DeadLetter) bool {
	k := r.known[d.At]
	if d.Reason == codec.ReasonResubmitted || k == nil || k.taken || !slices.Contains(r.Reasons, k.reason) {
		return false
	}
	at := k.first.Time
	if at.Before(r.Since) || !r.Until.IsZero() && !at.Before(r.Until) {
		return false
	}
	k.taken = true
	return r.open(d.At, k)
}

// open tells that a dead letter is still to be counted.
func (r *resubmitter) open(at windows.Coordinates, k *known) bool {
	switch {
	case at.Source.Topic != r.topics.Shipments:
		r.sum.Elsewhere++
	case k.written:
		r.sum.Before++
	case k.reached:
		r.sum.Reached++
	default:
		return true
	}
	return false
}

// repaired takes what somebody repaired.
func (r *resubmitter) repaired(ctx context.Context) error {
	var batch []*message
	for {
		line, err := r.Repaired()
		if errors.Is(err, io.EOF) {
			return r.handle(ctx, batch)
		}
		if err != nil {
			return err
		}
		r.Read(len(line.Value))
		k := r.known[line.At]
		switch {
		case k == nil || !k.isDead:
			r.leave(line.At, reasonUnknown, "", "no dead letter of this record is in "+r.topics.DeadLetters)
			continue
		case k.taken:
			r.leave(line.At, reasonTwice, "", "is repaired on an earlier line too")
			continue
		}
		k.taken = true
		if !r.open(line.At, k) {
			continue
		}
		batch = append(batch, &message{at: line.At, known: k, key: line.Key, value: line.Value})
		if len(batch) == batchMessages {
			if err := r.handle(ctx, batch); err != nil {
				return err
			}
			batch = nil
		}
	}
}

// find gets the originals from the input topic.
func (r *resubmitter) find(ctx context.Context, batch []*message) error {
	wanted := map[int]map[int64]*message{}
	for _, m := range batch {
		if p := m.at.Source.Partition; m.missing {
			if wanted[p] == nil {
				wanted[p] = map[int64]*message{}
			}
			wanted[p][m.at.Offset] = m
		}
	}
	for partition, messages := range wanted {
		var offsets []int64
		for offset := range messages {
			offsets = append(offsets, offset)
		}
		slices.Sort(offsets)
		err := kafkaio.Lookup(ctx, r.kafka, r.topics.Shipments, partition, offsets, func(record pipeline.Record) error {
			m := messages[record.Offset]
			if !m.recordTime.IsZero() && !m.recordTime.Equal(record.Time) {
				return nil // the topic was made anew
			}
			m.key, m.value, m.headers, m.missing = record.Key, record.Value, record.Headers, false
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
