package detector

import "github.com/parcelsentry/parcelsentry/windows"

// newFanout: a sender writes to many recipients that it never sent to before.
func newFanout(s CountSettings, l windows.Ladder) (*counting, error) {
	return newCounting(counting{name: ruleFanout, family: senderNewRecipients, freshOnly: true}, s, l)
}
