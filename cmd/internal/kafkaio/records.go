package kafkaio

import (
	"bytes"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
)

// records gives messages to kafka-go, each in the memory of the one before: a kafka.RecordReader for one request.
type records struct {
	messages []*Message // that are left
	now      time.Time  // of messages without a time
	record   kafka.Record
	key      payload
	value    payload
}

// ReadRecord implements kafka.RecordReader. The record holds until the next call.
func (r *records) ReadRecord() (*kafka.Record, error) {
	if len(r.messages) == 0 {
		return nil, io.EOF
	}
	m := r.messages[0]
	r.messages = r.messages[1:]
	headers := r.record.Headers[:0]
	for _, h := range m.Headers {
		headers = append(headers, kafka.Header(h))
	}
	r.record = kafka.Record{Time: m.Time, Key: r.key.of(m.Key), Value: r.value.of(m.Value), Headers: headers}
	if m.Time.IsZero() {
		r.record.Time = r.now
	}
	return &r.record, nil
}

// payload is a key or value, a kafka.Bytes.
type payload struct{ bytes.Reader }

// Close implements kafka.Bytes.
func (*payload) Close() error { return nil }

// of begins anew with b. Nil, which Kafka knows from empty, gives nil.
func (p *payload) of(b []byte) kafka.Bytes {
	if b == nil {
		return nil
	}
	p.Reset(b)
	return p
}
