package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/codec"
	"github.com/parcelsentry/parcelsentry/cmd/internal/kafkaio"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

func (r *resubmitter) leave(at windows.Coordinates, reason, field, text string) {
	r.sum.Left++
	r.Left(&LeftAlone{At: at, Reason: reason, Field: field, Error: text})
}

// handle writes the messages that can be counted by now, or lists all.
func (r *resubmitter) handle(ctx context.Context, batch []*message) error {
	if err := r.find(ctx, batch); err != nil {
		return err
	}
	var ready []*message
	for _, m := range batch {
		if m.missing {
			r.leave(m.at, reasonGone, "", "the input topic does not hold it any more")
			continue
		}
		reason, field, fault := r.judge(m)
		if r.Output != nil {
			r.sum.Listed++
			line := codec.Repair{
				At: m.at, RecordTime: m.known.first.Time, Reason: m.known.reason, Field: field, Error: fault, Key: m.key, Value: m.value,
			}
			if err := r.Output(&line); err != nil {
				return err
			}
		}
		if reason != "" {
			r.leave(m.at, reason, field, fault)
			continue
		}
		ready = append(ready, m)
	}
	if r.Output != nil {
		r.sum.Written += len(ready)
		return nil
	}
	for part := range slices.Chunk(ready, max(1, r.set.ResubmittedAtOnce())) {
		if err := r.write(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// judge says why a message can't be counted yet, and which field is at fault; no reason means that it can.
func (r *resubmitter) judge(m *message) (reason, field, fault string) {
	defer func() {
		if p := recover(); p != nil {
			reason, fault = "poison", fmt.Sprint(p)
		}
	}()
	first := &m.known.first
	var event detector.Event
	if err := r.decoder.DecodeInto(&event, m.value, first.First, first.Time); err != nil {
		var malformed *pipeline.Malformed
		if errors.As(err, &malformed) {
			field = malformed.Field
		}
		return "malformed", field, err.Error()
	}
	switch outcome := r.set.Admit(&event); {
	case outcome == detector.NotShipment:
		return string(outcome), "event_type", "its type does not count as a shipment"
	case outcome != detector.Counted:
		return string(outcome), "event_time", fmt.Sprintf("event time %s, record time %s",
			event.Time.Format(time.RFC3339), first.Time.Format(time.RFC3339))
	case len(m.key)+len(m.value) > maxPayload:
		return reasonTooLarge, "", fmt.Sprintf("has %d bytes, brokers take some %d", len(m.key)+len(m.value), maxPayload)
	}
	return "", "", ""
}

// write writes a few messages, and then notes beside their dead letters that they are written.
func (r *resubmitter) write(ctx context.Context, part []*message) error {
	if r.DryRun {
		r.sum.Written += len(part)
		return nil
	}
	// Somebody else may be at it too.
	if err := r.survey(ctx); err != nil {
		return err
	}
	part = slices.DeleteFunc(part, func(m *message) bool { return !r.open(m.at, m.known) })
	var again, notes []kafkaio.Message
	now := time.Now()
	for _, m := range part {
		again = append(again, r.again(m, now))
		notes = append(notes, r.note(m, now))
	}
	if err := r.producer.Write(ctx, again); err != nil {
		return err
	}
	// Now also if somebody wants it to end.
	if err := r.producer.Write(context.WithoutCancel(ctx), notes); err != nil {
		return err
	}
	r.sum.Written += len(part)
	return ctx.Err()
}

// again is the message as it goes back: to the partition where it stood first, so that all copies are read by one
// worker in one order.
func (r *resubmitter) again(m *message, now time.Time) kafkaio.Message {
	first := &m.known.first
	out := kafkaio.Message{
		Topic: r.topics.Shipments, Partition: &first.First.Source.Partition, Key: m.key, Value: m.value, Time: now,
	}
	for _, h := range m.headers {
		if !strings.HasPrefix(h.Key, ownHeaders) {
			out.Headers = append(out.Headers, kafkaio.Header(h))
		}
	}
	for _, h := range first.Headers() {
		out.Headers = append(out.Headers, kafkaio.Header(h))
	}
	return out
}

// ownHeaders begins the names of headers in the input topic that mean something to the service.
const ownHeaders = "parcelsentry-"

// note is what stands beside a dead letter that was resubmitted.
func (r *resubmitter) note(m *message, now time.Time) kafkaio.Message {
	letter := codec.DeadLetter{
		Reason: codec.ReasonResubmitted, Error: "was " + m.known.reason, At: m.at, RecordTime: m.recordTime,
		First: m.known.first.First, FirstTime: m.known.first.Time,
	}
	out := kafkaio.Message{
		Topic: r.topics.DeadLetters, Key: []byte(m.at.String()), Value: codec.AppendDeadLetter(nil, &letter), Time: now,
	}
	for _, h := range codec.Headers(&letter) {
		out.Headers = append(out.Headers, kafkaio.Header(h))
	}
	return out
}
