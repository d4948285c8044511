package app

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/codec"
	"github.com/parcelsentry/parcelsentry/cmd/internal/kafkaio"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/windows"
)

const (
	// maxBuried is how many dead letters are kept in mind, some 40 MB of them.
	maxBuried = 1 << 20
	// Partitions that begin together ask for much the same: what was read for one is good for another for so long, and
	// is read from so much earlier than the first one asks for.
	shareBuried = 10 * time.Minute
	earlier     = time.Minute
)

// buried knows which records are dead letters, for pipeline.IO. Partitions share it.
type buried struct {
	kafka kafkaio.Options
	topic string // of the dead letters
	log   *slog.Logger

	mu     sync.Mutex
	reader *kafkaio.Reader // nil before the first question
	since  time.Time       // it holds those written since then; zero for all
	asked  time.Time       // when it was read last
	found  map[windows.Source]map[int64]int64
	count  int
}

// close ends the connections; nobody may ask any more.
func (b *buried) close() {
	if b.reader != nil {
		b.reader.Close()
	}
}

// from gives the dead letters of a partition from an offset on, none if they can't be read.
func (b *buried) from(ctx context.Context, partition windows.Source, from int64, since time.Time) (map[int64]int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := time.Now(); b.reader == nil || since.Before(b.since) || now.Sub(b.asked) > shareBuried {
		b.begin(since)
	}
	err := b.reader.Read(ctx, b.note)
	switch {
	case kafkaio.Fatal(err):
		b.log.Warn("can't read the dead letters: a record that is one counts if it can be read by now, beside its resubmitted copy", "error", err)
		return nil, nil
	case err != nil:
		return nil, err
	case b.count >= maxBuried:
		b.log.Warn("too many dead letters: further ones count if they can be read by now, beside their resubmitted copies", "limit", maxBuried)
	}
	b.asked = time.Now()
	records := map[int64]int64{}
	for offset, at := range b.found[partition] {
		if offset >= from {
			records[offset] = at
		}
	}
	return records, nil
}

// begin forgets what was read.
func (b *buried) begin(since time.Time) {
	b.close()
	if b.since = since; !since.IsZero() {
		b.since = since.Add(-earlier)
	}
	b.reader = kafkaio.NewReader(b.kafka, b.topic, b.since)
	b.found, b.count = map[windows.Source]map[int64]int64{}, 0
}

func (b *buried) note(_ int, r pipeline.Record) error {
	d, err := readDeadLetter(&r)
	if err != nil || d.Reached || d.Reason == codec.ReasonResubmitted || b.count >= maxBuried {
		return nil
	}
	partition := d.At.Source
	partition.Epoch = 0 // by the record's timestamp it is known from one of another topic
	if b.found[partition] == nil {
		b.found[partition] = map[int64]int64{}
	}
	b.found[partition][d.At.Offset] = d.RecordTime.UnixMilli()
	b.count++
	return nil
}

// readDeadLetter reads a message of the dead-letter topic.
func readDeadLetter(r *pipeline.Record) (codec.DeadLetter, error) {
	headers := make([]codec.Header, len(r.Headers))
	for i, h := range r.Headers {
		headers[i] = codec.Header(h)
	}
	return codec.ReadDeadLetter(headers, r.Key, r.Value)
}
