package detector

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// Activity says what an alert tells about its incident.
type Activity string

const (
	Create Activity = "create" // the first finding
	Update Activity = "update" // a clearly higher score, or more findings after the cooldown
	Close  Activity = "close"  // the entity was quiet; sent with its next event
)

// Severity ranks alerts for people.
type Severity string

const (
	Low      Severity = "low"
	Medium   Severity = "medium"
	High     Severity = "high"
	Critical Severity = "critical"
)

// An Alert is for people: one an incident, then updates. Everything in it follows from the entity's events and the
// settings, so a repeat has the same ID and the same content.
type Alert struct {
	// ID is the same for every copy of this alert: a hash of fingerprint, activity and event id, 32 hex digits.
	ID string
	// Fingerprint names the incident: a hash of kind, entity and the id of the event that opened it.
	Fingerprint string
	Activity    Activity
	// Rule is the name of the setting that fired, Detector the method behind it.
	Rule, Detector string
	Severity       Severity
	// Score is the entity's score at this event; of a Close the highest of the incident.
	Score   float64
	EventAt time.Time
	EventID string
	Entity  EntityRef
	// Observed and Expected are the detector's own numbers, mostly parcels in Window.
	Observed, Expected float64
	Window             Span
	// QuietUntil is when the incident is over if nothing more is found.
	QuietUntil time.Time
	Baseline   Baseline
	// Reasons are all findings of this event, the strongest first. A Close has none.
	Reasons []Reason
	// Items are the ids of the shipments over the threshold since the last alert of the incident, at most MaxItems,
	// ItemsTotal their number. In a Close ItemsTotal is that of the whole incident.
	Items      []string
	ItemsTotal int64
	// Held is the number of findings since the last alert that the cooldown held back.
	Held int64
	// Late marks an event that was older than the entity's newest.
	Late bool
	// Evidence says where the incident's events stand, from the one that opened it to this one.
	Evidence []OffsetRange
	// Counterfactual is the highest observed number that would have stayed silent.
	Counterfactual float64
	ConfigHash     string
	// ProfileID names the population profile in force; empty while nothing was learned.
	ProfileID string
	// OneIn is about how many days of such entities there are for one with as high a score; 0 if too little is known.
	OneIn float64
	Text  Text
}

// MaxItems bounds the ids of shipments that one alert carries.
const MaxItems = 100

// EntityRef names the entity of an alert as outsiders see it.
type EntityRef struct {
	Kind windows.Kind
	ID   string
}

// Span is the half-open interval of event time [Start, End).
type Span struct {
	Start, End time.Time
}

// Reason is a finding as told in an alert.
type Reason struct {
	Detector                  string
	Score, Observed, Expected float64
	Text                      Text
}

// Text is a sentence for people, in English and Vietnamese.
type Text struct {
	EN, VI string
}

// OffsetRange is the part [First, Last] of a source.
type OffsetRange struct {
	Source      windows.Source
	First, Last int64
}

// Flag is for machines: a shipment over its threshold, whether or not it made an alert. Score is that of the incident
// which Fingerprint names: what other entities found may have been counted before, and is not known to a repeat.
type Flag struct {
	Item, EventID, Fingerprint string
	Score                      float64
	EventAt                    time.Time
}

// fingerprint names the incident that an event opened.
func fingerprint(entity EntityRef, eventID string) string {
	return hash(string(entity.Kind), entity.ID, eventID)
}

func alertID(fingerprint string, activity Activity, eventID string) string {
	return hash(fingerprint, string(activity), eventID)
}

// hash gives 128 bits of the SHA-256 of its parts, each ended by 0x00, in hex.
func hash(part ...string) string {
	h := sha256.New()
	for _, p := range part {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
