package detector

import "github.com/parcelsentry/parcelsentry/windows"

// The names of the rules.
const (
	ruleLimit       = "limit"
	ruleBurst       = "burst"
	ruleSurge       = "surge"
	ruleFanout      = "fanout"
	ruleFanin       = "fanin"
	ruleLaneBurst   = "lane_burst"
	ruleStructuring = "structuring"
	ruleRoute       = "route"
	ruleSlowRoute   = "slow_route"
	ruleWeight      = "weight"
	ruleValue       = "value"
)

// slotOf is where an entity keeps a rule's highest score of the day. Slots are stored: never give one another
// meaning.
func slotOf(rule string) int64 {
	switch rule {
	case ruleBurst:
		return 1
	case ruleSurge:
		return 2
	case ruleFanout:
		return 3
	case ruleRoute:
		return 4
	case ruleSlowRoute:
		return 5
	case ruleWeight:
		return 6
	case ruleValue:
		return 7
	}
	return 0 // the highest of all rules, and limit, which is not calibrated
}

// kindOf is the kind of entity that a rule judges; the name of a kind itself stands for the highest score of all its
// rules.
func kindOf(rule string) windows.Kind {
	switch rule {
	case ruleFanin, string(KindRecipient):
		return KindRecipient
	case ruleLaneBurst, ruleStructuring, string(KindLane):
		return KindLane
	}
	return KindSender
}
