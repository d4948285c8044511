package app

import (
	"context"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/codec"
	"github.com/parcelsentry/parcelsentry/cmd/internal/kafkaio"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/windows"
)

// maxBuried is how many dead letters of a partition are kept in mind while it reads, some 40 MB of them.
const maxBuried = 1 << 20

// buried reads which records of a partition are dead letters, for pipeline.IO.
func (s *Service) buried(ctx context.Context, partition windows.Source, from int64, since time.Time) (map[int64]int64, error) {
	log := s.log.With("topic", partition.Topic, "partition", partition.Partition)
	letters := kafkaio.NewReader(kafkaOptions(&s.config.Kafka, log), s.config.Kafka.Topics.DeadLetters, since)
	defer letters.Close()
	found := map[int64]int64{}
	full := false
	err := letters.Read(ctx, func(_ int, r pipeline.Record) error {
		d, err := readDeadLetter(&r)
		at := d.At.Source
		switch {
		case err != nil, d.Reached, d.Reason == codec.ReasonResubmitted:
		case at.Topic != partition.Topic, at.Partition != partition.Partition, d.At.Offset < from:
		case len(found) == maxBuried:
			full = true
		default:
			found[d.At.Offset] = d.RecordTime.UnixMilli()
		}
		return nil
	})
	switch {
	case kafkaio.Fatal(err):
		log.Warn("can't read the dead letters: a record that is one counts if it can be read by now, beside its resubmitted copy", "error", err)
		return nil, nil
	case err != nil:
		return nil, err
	case full:
		log.Warn("too many dead letters: further ones count if they can be read by now, beside their resubmitted copies", "limit", maxBuried)
	}
	return found, nil
}

// readDeadLetter reads a message of the dead-letter topic.
func readDeadLetter(r *pipeline.Record) (codec.DeadLetter, error) {
	headers := make([]codec.Header, len(r.Headers))
	for i, h := range r.Headers {
		headers[i] = codec.Header(h)
	}
	return codec.ReadDeadLetter(headers, r.Key, r.Value)
}
