package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

// Print writes the whole configuration as YAML that Load reads back to the same. There is nothing to mask: secrets
// stand in files of their own, and only their names are printed.
func (c Config) Print(w io.Writer) error {
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	if err := e.Encode(c); err != nil {
		return fmt.Errorf("print the configuration: %w", err)
	}
	return e.Close()
}

// Hash names what decides which findings and alerts come of an event, as 12 hex digits: the events that are taken,
// windows, detectors and alerts. Two services with the same hash say the same about the same events, wherever they
// run. Names of hosts, topics and files don't change it, nor do settings of speed.
func (c Config) Hash() string {
	c.Events.DeadLetter = DeadLetter{}
	c.Windows.WorkingSet = 0
	decisive := struct {
		Events    Events
		Windows   Windows
		Detectors Detectors
		Alerts    Alerts
	}{c.Events, c.Windows, c.Detectors, c.Alerts}
	text, err := yaml.Marshal(decisive)
	if err != nil {
		panic(err) // a Config has only fields that can be encoded
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}
