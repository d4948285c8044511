package detector

import "github.com/parcelsentry/parcelsentry/windows"

// newStructuring: many senders that a lane has not seen before, each with a parcel or two: one person behind many
// accounts.
func newStructuring(s CountSettings, l windows.Ladder) (*counting, error) {
	return newCounting(counting{name: ruleStructuring, family: laneNewSenders, freshOnly: true}, s, l)
}
