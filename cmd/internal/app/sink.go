package app

import (
	"context"
	"log/slog"
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
	producer interface {
		Write(ctx context.Context, messages []kafkaio.Message) error
	}
	topics config.Topics
	// payload: dead letters carry the original.
	payload bool
	log     *slog.Logger
}

// gather is how long after a write of flagged shipments and dead letters the next one begins at the earliest. A request costs
// the broker and the service much the same with one message in it as with a hundred, and each partition of the input makes its
// own.
const gather = 50 * time.Millisecond

// Write implements pipeline.Sink. Alerts leave at once. What else there is gathers in the worker until a write returns, so one
// that is done sooner waits.
func (s *sink) Write(ctx context.Context, outputs []pipeline.Output) error {
	if len(outputs) > 0 && outputs[0].Alert != nil {
		return s.write(ctx, outputs)
	}
	rest := time.NewTimer(gather)
	defer rest.Stop()
	if err := s.write(ctx, outputs); err != nil {
		return err
	}
	select {
	case <-rest.C:
	case <-ctx.Done(): // they are written all the same
	}
	return nil
}

// write makes messages of outputs and writes them. Nobody waits for the alert of a canary that can't be written: it is missed.
func (s *sink) write(ctx context.Context, outputs []pipeline.Output) error {
	messages := make([]kafkaio.Message, 0, len(outputs))
	var canaries []kafkaio.Message
	p := newPacking(len(outputs), time.Now())
	for i := range outputs {
		m := s.message(&outputs[i], p)
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

func (s *sink) message(o *pipeline.Output, p *packing) kafkaio.Message {
	switch {
	case o.Canary:
		return alertMessage(s.topics.Canary, o, p)
	case o.Alert != nil:
		return alertMessage(s.topics.Alerts, o, p)
	case o.Flag != nil:
		key := o.Flag.Item
		if key == "" {
			key = o.Flag.EventID
		}
		return kafkaio.Message{
			Topic: s.topics.Flagged, Key: p.text(key), Headers: p.marks(o),
			Value: p.add(func(b []byte) []byte { return codec.AppendFlag(b, o.Flag) }),
		}
	}
	return s.deadLetter(o.DeadLetter)
}

func alertMessage(topic string, o *pipeline.Output, p *packing) kafkaio.Message {
	return kafkaio.Message{
		Topic: topic, Key: p.text(o.Alert.Entity.ID), Headers: p.marks(o),
		Value: p.add(func(b []byte) []byte { return codec.AppendAlert(b, o.Alert) }),
	}
}

func (s *sink) deadLetter(d *pipeline.DeadLetter) kafkaio.Message {
	letter := codec.DeadLetter{
		Reason: d.Reason, Field: d.Field, Error: d.Error, At: d.At, RecordTime: d.Record.Time,
		Reached: d.Reached, Key: d.Record.Key, Value: d.Record.Value,
	}
	// Headers that can't be read are what the letter is about.
	if again, err := d.Record.Resubmission(); err == nil && again != nil {
		letter.First, letter.FirstTime = again.First, again.Time
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
