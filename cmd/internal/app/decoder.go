package app

import (
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/codec"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/config"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// Decoders makes decoders, one for each goroutine that needs one.
type Decoders struct{ options codec.Options }

// NewDecoders reads the key of the pseudonyms. Without one it warns, and uses a key that everybody knows: the
// pseudonyms then hide nobody from somebody who guesses, but a demo or a replay works at once.
func NewDecoders(c *config.Config, log *slog.Logger) (*Decoders, error) {
	o := codec.Options{
		MaxBytes: int(c.Events.MaxBytes),
		TimeFrom: c.Events.TimeRange.From, TimeTo: c.Events.TimeRange.To,
		PseudonymSenders:    slices.Contains(c.Privacy.Pseudonyms, config.Sender),
		PseudonymRecipients: slices.Contains(c.Privacy.Pseudonyms, config.Recipient),
	}
	if len(c.Privacy.Pseudonyms) == 0 {
		return &Decoders{o}, nil
	}
	if c.Privacy.KeyFile == "" {
		log.Warn("privacy.key_file is not set: pseudonyms are made with a public key and can be undone by guessing")
		o.Key = codec.PublicKey()
		return &Decoders{o}, nil
	}
	key, err := secret("privacy.key_file", c.Privacy.KeyFile)
	if err != nil {
		return nil, err
	}
	o.Key = key
	return &Decoders{o}, nil
}

// New gives a decoder for one goroutine.
func (d *Decoders) New() pipeline.Decoder { return decoder{codec.NewDecoder(d.options)} }

// decoder says the codec's faults in the pipeline's words.
type decoder struct{ *codec.Decoder }

func (d decoder) DecodeInto(e *detector.Event, value []byte, at windows.Coordinates, recordTime time.Time) error {
	err := d.Decoder.DecodeInto(e, value, at, recordTime)
	if err == nil {
		return nil
	}
	var m *codec.Malformed
	if errors.As(err, &m) {
		return &pipeline.Malformed{Field: m.Field, Err: err}
	}
	return err
}
