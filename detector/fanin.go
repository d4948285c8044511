package detector

import "github.com/parcelsentry/parcelsentry/windows"

// newFanin: many senders feed one recipient. A sender counts once a UTC day.
func newFanin(s CountSettings, l windows.Ladder) (*counting, error) {
	return newCounting(counting{name: ruleFanin, family: recipientSenders}, s, l)
}
