package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/synth"
)

type generateCommand struct {
	Output    string    `default:"-" placeholder:"FILE" help:"Write shipments here, a JSON object a line; - is standard output."`
	Incidents string    `placeholder:"FILE" help:"Write the planted incidents here, a JSON object a line."`
	Seed      uint64    `default:"1" help:"The same seed gives the same shipments."`
	Senders   int       `default:"300" help:"Number of senders."`
	Days      int       `default:"60" help:"Days of shipments."`
	Rate      float64   `default:"1.5" help:"Parcels a sender and day, on average."`
	Start     time.Time `default:"2026-01-05T00:00:00+07:00" help:"When the first day begins."`
	Each      int       `default:"2" help:"Incidents of each kind: burst, unusual route, new sender."`
	Events    int       `help:"Stop after so many shipments; 0 is all."`
}

// Run writes made-up shipments.
func (c *generateCommand) Run(s *shell) (err error) {
	stream, err := synth.New(synth.Options{
		Seed: c.Seed, Senders: c.Senders, Start: c.Start, Span: time.Duration(c.Days) * 24 * time.Hour, Rate: c.Rate,
		Bursts: c.Each, Routes: c.Each, NewSenders: c.Each,
	})
	if err != nil {
		return usageError{err}
	}
	var files outputFiles
	defer func() { err = errors.Join(err, files.close(err == nil)) }()
	out, err := files.create(c.Output, s.stdout)
	if err != nil {
		return err
	}
	labels, err := files.create(c.Incidents, s.stdout)
	if err != nil {
		return err
	}
	n, err := writeShipments(s, out, stream, c.Events)
	if err != nil {
		return err
	}
	if labels != nil {
		if err := writeIncidents(labels, stream.Incidents()); err != nil {
			return err
		}
	}
	fmt.Fprintf(s.stderr, "%d shipments, %d incidents\n", n, len(stream.Incidents()))
	return nil
}

func writeShipments(s *shell, w io.Writer, stream *synth.Stream, most int) (n int, err error) {
	out := bufio.NewWriter(w)
	var line []byte
	for most == 0 || n < most {
		shipment, ok := stream.Next()
		if !ok {
			break
		}
		line = append(shipment.AppendJSON(line[:0]), '\n')
		if _, err := out.Write(line); err != nil {
			return n, fmt.Errorf("write shipments: %w", err)
		}
		if n++; n%10_000 == 0 && s.ctx.Err() != nil {
			return n, s.ctx.Err()
		}
	}
	return n, out.Flush()
}

func writeIncidents(w io.Writer, incidents []synth.Incident) error {
	out := json.NewEncoder(w)
	for i := range incidents {
		if err := out.Encode(&incidents[i]); err != nil {
			return fmt.Errorf("write incidents: %w", err)
		}
	}
	return nil
}
