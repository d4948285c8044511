package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/codec"
	"github.com/parcelsentry/parcelsentry/cmd/internal/kafkaio"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/config"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// ResubmitOptions say which dead letters go back to the input topic.
type ResubmitOptions struct {
	Config config.Config
	// Reasons are those of the dead letters that are meant. Since and Until bound the timestamps of their records, half
	// open: [Since, Until). Zero bounds nothing.
	Reasons      []string
	Since, Until time.Time
	// Repaired, unless nil, gives messages to write instead of the originals, at last io.EOF. Which are meant is then
	// said by them alone.
	Repaired func() (codec.Repair, error)
	// DryRun writes nothing. Output, unless nil, gets the dead letters that are meant, repaired or not, and then nothing
	// is written, either.
	DryRun bool
	Output func(*codec.Repair) error
	// Left hears of every dead letter that is meant and can't be counted yet.
	Left func(*LeftAlone)
	// Read hears how many bytes have been read, by and by.
	Read func(bytes int)
	Log  *slog.Logger
}

// LeftAlone is a dead letter that stays one, and why: a reason as dead letters have, or one that Resubmit alone knows.
type LeftAlone struct {
	At                   windows.Coordinates
	Reason, Field, Error string
}

// What Resubmit alone gives as a reason.
const (
	reasonGone     = "gone"      // the input topic does not hold the original any more
	reasonTooLarge = "too_large" // no message may be as large
	reasonUnknown  = "unknown"   // there is no such dead letter
	reasonTwice    = "twice"     // one message is repaired twice
)

// ResubmitSummary counts dead letters by what became of them.
type ResubmitSummary struct {
	// Written is what was written to the input topic, or would have been.
	Written int
	// Before were written by another run, Reached are of events that came to their entities, Elsewhere of other topics.
	Before, Reached, Elsewhere int
	// Left are those that Left heard of, Listed what Output got.
	Left, Listed int
	// Foreign messages of the dead-letter topic are no dead letters.
	Foreign int
}

// Resubmit writes dead letters whose events can be counted by now to the input topic again: each to the partition where
// it stood first, with headers by which the service takes it as the first one, and a note beside the dead letter, so
// that no later run writes it again. One that broke off can be run again: what it wrote without a note is recognised by
// the service, and so is what two write at once.
func Resubmit(ctx context.Context, o ResubmitOptions) (ResubmitSummary, error) {
	var none ResubmitSummary
	set, err := NewSet(&o.Config)
	if err != nil {
		return none, err
	}
	decoders, err := NewDecoders(&o.Config, o.Log)
	if err != nil {
		return none, err
	}
	topics := o.Config.Kafka.Topics
	kafka := kafkaOptions(&o.Config.Kafka, o.Log)
	kafka.OutputTopics = []string{topics.Shipments, topics.DeadLetters}
	if err := kafkaio.CheckTopics(ctx, kafka, kafka.OutputTopics...); err != nil {
		return none, err
	}
	r := &resubmitter{
		ResubmitOptions: o, set: set, decoder: decoders.New(), kafka: kafka, topics: topics,
		producer: kafkaio.NewProducer(kafka), letters: kafkaio.NewReader(kafka, topics.DeadLetters, time.Time{}),
		known: map[windows.Coordinates]*known{},
	}
	defer r.producer.Close()
	defer r.letters.Close()
	if err := r.survey(ctx); err != nil {
		return r.sum, err
	}
	if o.Repaired != nil {
		err = r.repaired(ctx)
	} else {
		err = r.originals(ctx)
	}
	return r.sum, err
}

type resubmitter struct {
	ResubmitOptions
	set      *detector.Set
	decoder  pipeline.Decoder
	kafka    kafkaio.Options
	topics   config.Topics
	producer *kafkaio.Producer
	letters  *kafkaio.Reader
	known    map[windows.Coordinates]*known
	sum      ResubmitSummary
}

// known is what the dead-letter topic says about a record.
type known struct {
	first   pipeline.Resubmission
	reason  string
	isDead  bool // false for a note whose dead letter is gone
	reached bool
	written bool // to the input topic again
	taken   bool // by this run
}

// message is a dead letter with its original, or what repairs it.
type message struct {
	at         windows.Coordinates
	known      *known
	recordTime time.Time
	key, value []byte
	headers    []pipeline.Header
	missing    bool // its original is still to be found
}

// survey reads what came to the dead-letter topic since the last call.
func (r *resubmitter) survey(ctx context.Context) error {
	return r.letters.Read(ctx, func(_ int, record pipeline.Record) error {
		r.Read(len(record.Key) + len(record.Value))
		d, err := readDeadLetter(&record)
		if err != nil {
			r.sum.Foreign++
			return nil
		}
		k := r.known[d.At]
		if k == nil {
			k = &known{}
			r.known[d.At] = k
		}
		k.reached = k.reached || d.Reached
		switch {
		case d.Reason == codec.ReasonResubmitted:
			k.written = true
		case !k.isDead:
			k.isDead, k.reason = true, d.Reason
			k.first = pipeline.Resubmission{First: d.First, Time: d.FirstTime}
			if k.first.Time.IsZero() {
				k.first.Time = record.Time // soon after the record itself
			}
		}
		return nil
	})
}
