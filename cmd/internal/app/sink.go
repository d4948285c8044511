package app

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/codec"
	"github.com/parcelsentry/parcelsentry/cmd/internal/kafkaio"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/config"
)

// maxPayload is how many bytes of an original a dead letter may carry. Above, brokers with default settings would
// refuse the message; the coordinates still tell where the original stands.
const maxPayload = 900_000

// sink writes outputs to their topics.
type sink struct {
	producer *kafkaio.Producer
	topics   config.Topics
	// payload: dead letters carry the original.
	payload bool
	log     *slog.Logger
}

// Write implements pipeline.Sink. Nobody waits for the alert of a canary that can't be written: it is missed.
func (s *sink) Write(ctx context.Context, outputs []pipeline.Output) error {
	messages := make([]kafkaio.Message, 0, len(outputs))
	var canaries []kafkaio.Message
	now := time.Now()
	for i := range outputs {
		m := s.message(&outputs[i], now)
		if outputs[i].Canary {
			canaries = append(canaries, m)
		} else {
			messages = append(messages, m)
		}
	}
	if err := s.producer.Write(ctx, messages); err != nil || len(canaries) == 0 {
		return err
	}
	const patience = 5 * time.Second
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := s.producer.Write(limited, canaries); err != nil && ctx.Err() == nil {
		s.log.Warn("can't write the alerts of canaries", "error", err)
	}
	return nil
}

func (s *sink) message(o *pipeline.Output, now time.Time) kafkaio.Message {
	switch {
	case o.Canary:
		return kafkaio.Message{
			Topic: s.topics.Canary, Key: []byte(o.Alert.Entity.ID), Value: codec.AppendAlert(nil, o.Alert), Headers: marks(o, now),
		}
	case o.Alert != nil:
		return kafkaio.Message{
			Topic: s.topics.Alerts, Key: []byte(o.Alert.Entity.ID), Value: codec.AppendAlert(nil, o.Alert), Headers: marks(o, now),
		}
	case o.Flag != nil:
		key := o.Flag.Item
		if key == "" {
			key = o.Flag.EventID
		}
		return kafkaio.Message{
			Topic: s.topics.Flagged, Key: []byte(key), Value: codec.AppendFlag(nil, o.Flag), Headers: marks(o, now),
		}
	}
	return s.deadLetter(o.DeadLetter)
}

// marks are what depends on the run and not on the events.
func marks(o *pipeline.Output, now time.Time) []kafkaio.Header {
	h := []kafkaio.Header{{Key: "detected_at", Value: now.UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z")}}
	if o.Redelivered {
		h = append(h, kafkaio.Header{Key: "redelivered", Value: strconv.AppendBool(nil, true)})
	}
	if o.Degraded {
		h = append(h, kafkaio.Header{Key: "degraded", Value: strconv.AppendBool(nil, true)})
	}
	return h
}

func (s *sink) deadLetter(d *pipeline.DeadLetter) kafkaio.Message {
	letter := codec.DeadLetter{
		Reason: d.Reason, Field: d.Field, Error: d.Error, At: d.At, RecordTime: d.Record.Time,
		Key: d.Record.Key, Value: d.Record.Value,
	}
	m := kafkaio.Message{Topic: s.topics.DeadLetters, Key: d.Record.Key, Value: d.Record.Value}
	if !s.payload || len(m.Key)+len(m.Value) > maxPayload {
		m.Key, m.Value = []byte(d.At.String()), codec.AppendDeadLetter(nil, &letter)
	}
	for _, h := range codec.Headers(&letter) {
		m.Headers = append(m.Headers, kafkaio.Header(h))
	}
	return m
}
