package detector

import (
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// ProfileSummary is what a profile says, for people. Its numbers of things are weights: what was learned long ago
// weighs less.
type ProfileSummary struct {
	ID string
	// Day is the first day that the profile is meant for, at midnight UTC.
	Day time.Time
	// Parcels is the number learned from, Hours how they spread over the hours of a day in UTC, as parts of 1.
	Parcels float64
	Hours   [24]float64
	// Origins, Destinations and Lanes are how many of each are known.
	Origins, Destinations, Lanes int
	Usual                        []Usual
	Rules                        []RuleSummary
}

// Usual is how often something happens to anybody.
type Usual struct {
	Kind windows.Kind
	// What is counted of the kind, in words.
	What string
	Prior
	// Entities is the number learned from.
	Entities float64
}

// RuleSummary is how rare a rule's scores are among the entity-days of its kind. The scores are those before
// calibration, but for the highest of all rules of a kind, which are as in alerts.
type RuleSummary struct {
	// Rule is the rule's name, or that of the kind for the highest score of all its rules.
	Rule string
	Kind windows.Kind
	// Learning tells that too little is known yet: the rule's scores stand as they are, and Scores are 0.
	Learning bool
	// Entries is the number of entity-days known.
	Entries float64
	// Scores are reached once in as many entity-days as OneIn says, in its order; 0 if no score is that frequent.
	Scores [4]float64
}

// OneIn are the numbers of entity-days for which a RuleSummary has scores.
func OneIn() [4]float64 { return [...]float64{10, 100, 1_000, 10_000} }

// Summarise tells what a profile of this set says. Rules that are off, and limit, which is never calibrated, are left
// out.
func (s *Set) Summarise(p *Profile) ProfileSummary {
	sum := ProfileSummary{
		ID: p.ID(), Day: time.Unix(p.Day*24*60*60, 0).UTC(), Hours: p.hours,
		Origins: len(p.sums.Origins), Destinations: len(p.sums.Destinations), Lanes: len(p.sums.Lanes),
	}
	for _, n := range p.sums.Hours {
		sum.Parcels += n
	}
	for f := range families {
		sum.Usual = append(sum.Usual, Usual{Kind: f.kind(), What: f.what(), Prior: p.priors[f], Entities: p.sums.Families[f].Entities})
	}
	for _, kind := range Kinds() {
		for _, d := range s.detectors {
			if d.Kind() == kind && d.Name() != ruleLimit {
				sum.Rules = append(sum.Rules, p.summarise(d.Name()))
			}
		}
		sum.Rules = append(sum.Rules, p.summarise(string(kind)))
	}
	return sum
}

func (p *Profile) summarise(rule string) RuleSummary {
	r := RuleSummary{Rule: rule, Kind: kindOf(rule), Entries: p.sums.Entries[kindOf(rule)]}
	c := p.calibrations[rule]
	if c == nil {
		r.Learning = true
		return r
	}
	for i, n := range OneIn() {
		r.Scores[i] = c.scoreOf(1 / n)
	}
	return r
}

// scoreOf is the score that a part of the entries reaches, 0 if fewer have any score.
func (c *calibration) scoreOf(part float64) float64 {
	low, high := 0.0, float64(bins)*binWidth
	if c.chance(low) <= part {
		return 0
	}
	const steps = 40 // halvings, down to what a float64 tells apart there
	for range steps {
		if middle := (low + high) / 2; c.chance(middle) > part {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

// what names a family for people.
func (f family) what() string {
	switch f {
	case senderNewRecipients:
		return "new recipients"
	case recipientSenders:
		return "senders, one once a day"
	case laneNewSenders:
		return "new senders"
	}
	return "parcels"
}

// ArtefactID is the ID of the profile that Encode gave these bytes for.
func ArtefactID(artefact []byte) string { return hash(string(artefact))[:16] }
