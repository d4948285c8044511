package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/valyala/fastjson"

	"github.com/parcelsentry/parcelsentry/cmd/internal/logfile"
	"github.com/parcelsentry/parcelsentry/cmd/internal/synth"
)

// shipment is one event to be played.
type shipment struct {
	sender   string
	value    []byte
	incident *synth.Incident // that it belongs to; nil for an ordinary one
}

// id gives the event's own id, "" if it has none.
func (s *shipment) id() string { return fastjson.GetString(s.value, "event_id") }

// shipments gives those that make a past and those to be played.
func (d *demo) shipments() (past, rest []shipment, err error) {
	all, err := d.madeUp()
	if d.options.Input != "" {
		all, err = fromFile(d.options.Input)
	}
	if err != nil {
		return nil, nil, err
	}
	const pastShare = 0.4
	cut := int(float64(len(all)) * pastShare)
	d.past = map[string]bool{}
	for i := range all[:cut] {
		d.past[all[i].id()] = true
	}
	return all[:cut], all[cut:], nil
}

// madeUp gives sixty days of shipments that end today.
func (d *demo) madeUp() ([]shipment, error) {
	const days = 60
	today := time.Now().UTC().Truncate(24 * time.Hour)
	stream, err := synth.New(synth.Options{
		Seed: d.options.Seed, Start: today.AddDate(0, 0, -days), Span: days * 24 * time.Hour,
		Bursts: 2, Routes: 2, NewSenders: 2,
	})
	if err != nil {
		return nil, err
	}
	of := map[string]*synth.Incident{}
	incidents := stream.Incidents()
	for i := range incidents {
		for _, id := range incidents[i].EventIDs {
			of[id] = &incidents[i]
		}
	}
	var all []shipment
	for {
		s, ok := stream.Next()
		if !ok {
			return all, nil
		}
		all = append(all, shipment{sender: s.Sender, value: s.AppendJSON(nil), incident: of[s.ID]})
	}
}

func fromFile(name string) ([]shipment, error) {
	lines, err := logfile.Open([]string{name}, nil)
	if err != nil {
		return nil, err
	}
	defer lines.Close()
	var all []shipment
	for {
		line, err := lines.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		// A line without a sender goes to the service all the same, which says what is wrong with it.
		all = append(all, shipment{sender: fastjson.GetString(line, "sender_id"), value: slices.Clone(line)})
	}
}

// summary tells what was planted and whether it was found.
func (d *demo) summary(all []shipment) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprintf(d.out, "\n%d alerts shown for %d shipments; %d more were closed, or about the past.\n",
		d.shown, len(all), len(d.heard)-d.shown)
	byIncident := map[*synth.Incident]bool{}
	var order []*synth.Incident
	for i := range all {
		s := &all[i]
		if s.incident == nil {
			continue
		}
		if _, ok := byIncident[s.incident]; !ok {
			order = append(order, s.incident)
		}
		byIncident[s.incident] = byIncident[s.incident] || d.found[s.id()]
	}
	for _, i := range order {
		mark := "missed"
		if byIncident[i] {
			mark = "found"
		}
		fmt.Fprintf(d.out, "  %-6s  planted %-10s %s, %d parcels\n", mark, i.Kind, i.Start.Format("2006-01-02 15:04"), len(i.EventIDs))
	}
}
