package detectortest

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// shape is what loads and events say of their shipments besides when. Each list is taken in turn; nil is absent.
type shape struct {
	senders, to, from, recipients list
	weights, values               []float64
}

// shaped adds the options of a shape to others.
func shaped(others map[string]bool) map[string]bool {
	maps.Copy(others, map[string]bool{"to": true, "from": true, "recipient": true, "weight": true, "value": true})
	return others
}

func parseShape(senders string, o options) (s shape, err error) {
	if s.senders, err = parseList(senders); err != nil {
		return s, fmt.Errorf("sender: %w", err)
	}
	for name, at := range map[string]*list{"to": &s.to, "from": &s.from, "recipient": &s.recipients} {
		if v, ok := o[name]; ok {
			if *at, err = parseList(v); err != nil {
				return s, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	for name, at := range map[string]*[]float64{"weight": &s.weights, "value": &s.values} {
		if v, ok := o[name]; ok {
			if *at, err = parseAmounts(name, v); err != nil {
				return s, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return s, nil
}

// parseAmounts reads numbers with commas between them; weights may have a g after each.
func parseAmounts(name, s string) ([]float64, error) {
	var all []float64
	for _, word := range strings.Split(s, ",") {
		number := word
		if name == "weight" {
			number = strings.TrimSuffix(word, "g")
		}
		x, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no number", word)
		}
		all = append(all, x)
	}
	return all, nil
}

// first is the sender whose times count.
func (s *shape) first() subject { return sender(s.senders[0]) }

// shipment is the n-th one.
func (s *shape) shipment(w *world, n int) shipment {
	made := shipment{
		sender: w.pick(s.senders, n), to: w.pick(s.to, n), from: w.pick(s.from, n), recipient: w.pick(s.recipients, n),
	}
	if len(s.weights) > 0 {
		made.weight.Value, made.weight.Known = s.weights[n%len(s.weights)], true
	}
	if len(s.values) > 0 {
		made.value.Value, made.value.Known = s.values[n%len(s.values)], true
	}
	return made
}
