package kafkaio

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
)

// errDecoder is a panic inside kafka-go.
var errDecoder = errors.New("kafka-go can't decode what the broker sent")

// reading is what one fetch gave.
type reading struct {
	records []pipeline.Record
	next    int64 // where to go on
	end     int64 // the high watermark, 0 if unknown
	// hollow: the broker sent record batches, but without records, as compaction may leave them.
	hollow bool
	// broken: the connection can't be used any more.
	broken bool
}

// read fetches records from offset on. Where kafka-go's fast decoder finds nothing or panics its other one, slower and
// of different make, is asked, so that neither hollow batches nor a bug of one of them stop a partition. The records stand in
// room if that is enough.
func (s *source) read(ctx context.Context, conn *kafka.Conn, offset int64, maxBytes int, room []pipeline.Record) (reading, error) {
	o := &s.cluster.options
	release := bind(ctx, conn, o.FetchWait+o.Timeout)
	r, err := fetch(conn, offset, kafka.ReadBatchConfig{MinBytes: 1, MaxBytes: maxBytes, MaxWait: o.FetchWait}, room)
	if !release() || err != nil {
		r.broken = true
	}
	if len(r.records) > 0 {
		// The records before a fault are good; the fault will be met again, by the next fetch, if it is one to stay.
		r.next = r.records[len(r.records)-1].Offset + 1
		return r, nil
	}
	if !r.hollow && !errors.Is(err, errDecoder) {
		r.next = offset
		return r, err
	}
	other, otherErr := s.cluster.fetchOtherwise(ctx, s.topic, s.partition, offset)
	switch {
	case otherErr == nil && other.next > offset:
		r.records, r.next = other.records, other.next
		return r, nil
	case err == nil:
		err = otherErr
	}
	r.next = offset
	return r, err
}

// fetch makes one fetch and collects its records in room. Records may come with an error.
func fetch(conn *kafka.Conn, offset int64, how kafka.ReadBatchConfig, room []pipeline.Record) (r reading, err error) {
	r.records = room[:0]
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errDecoder, p)
		}
	}()
	if _, err := conn.Seek(offset, kafka.SeekAbsolute|kafka.SeekDontCheck); err != nil {
		return r, err
	}
	batch := conn.ReadBatchWith(how)
	opened := batch.Err() == nil
	r.end = batch.HighWaterMark()
	for {
		m, err := batch.ReadMessage()
		if err != nil {
			_ = batch.Close() // gives the same error, and nil for the end
			return r, r.judge(err, opened, offset)
		}
		if m.Offset < offset {
			continue // a record batch is given whole
		}
		r.records = append(r.records, pipeline.Record{
			Offset: m.Offset, Time: m.Time, Key: m.Key, Value: m.Value, Headers: headers(m.Headers),
		})
	}
}

// headers says kafka-go's headers in the pipeline's words.
func headers(all []kafka.Header) []pipeline.Header {
	if len(all) == 0 {
		return nil
	}
	h := make([]pipeline.Header, len(all))
	for i := range all {
		h[i] = pipeline.Header(all[i])
	}
	return h
}

// judge says what the end of a batch means.
func (r *reading) judge(err error, opened bool, offset int64) error {
	switch {
	case errors.Is(err, io.EOF):
		r.hollow = opened && len(r.records) == 0
		return nil
	case errors.Is(err, kafka.RequestTimedOut):
		return nil // nothing there, or its own deadline passed after the last record
	case errors.Is(err, kafka.OffsetOutOfRange):
		return pipeline.ErrOutOfRange
	case errors.Is(err, io.ErrUnexpectedEOF) && !opened && r.end > offset:
		// The broker sent no bytes although there are records: storage that was too slow, most likely. Were the
		// connection at fault, the next one would tell.
		r.broken = true
		return nil
	}
	return err
}

// fetchOtherwise reads by the decoder of kafka.Client, which knows where a record batch ends without decoding what is
// in it. It checks checksums and leaves out control records. (What it can't survive is a batch with a right checksum and
// a negative number of records, which no sound broker stores: a panic in a goroutine of kafka-go.)
func (c *cluster) fetchOtherwise(ctx context.Context, topic string, partition int, offset int64) (reading, error) {
	r := reading{next: offset}
	answer, err := c.client.Fetch(ctx, &kafka.FetchRequest{
		Topic: topic, Partition: partition, Offset: offset,
		MinBytes: 1, MaxBytes: int64(c.options.FetchBytes), MaxWait: c.options.FetchWait,
	})
	if err == nil {
		err = answer.Error
	}
	if err != nil {
		return r, err
	}
	for {
		record, err := answer.Records.ReadRecord()
		if err != nil && len(r.records) > 0 {
			return r, nil
		}
		if errors.Is(err, io.EOF) {
			r.next = pastHollow(answer.Records, offset)
			return r, nil
		}
		if err != nil {
			return r, err
		}
		if record.Offset < offset {
			continue
		}
		key, keyErr := kafka.ReadAll(record.Key)
		value, valueErr := kafka.ReadAll(record.Value)
		if err := errors.Join(keyErr, valueErr); err != nil {
			return r, err
		}
		r.records = append(r.records, pipeline.Record{
			Offset: record.Offset, Time: record.Time.UTC(), Key: key, Value: value, Headers: headers(record.Headers),
		})
		r.next = record.Offset + 1
	}
}

// pastHollow gives an offset above the one asked for, before which there is no record, when none of the batches of an
// answer has one. A fetch gives whole batches, the first of which reaches the offset, so none begins before the last
// batch does; where that ends is not told. An answer without batches proves nothing.
func pastHollow(answer kafka.RecordReader, offset int64) int64 {
	stream, ok := answer.(*protocol.RecordStream)
	if !ok || len(stream.Records) == 0 {
		return offset
	}
	next := offset + 1
	if last, ok := stream.Records[len(stream.Records)-1].(interface{ Offset() int64 }); ok {
		next = max(next, last.Offset())
	}
	return next
}
