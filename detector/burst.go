package detector

import "github.com/parcelsentry/parcelsentry/windows"

// newBurst: many more parcels of a sender in a few hours than its past leads to expect.
func newBurst(s CountSettings, l windows.Ladder) (*counting, error) {
	return newCounting(counting{name: ruleBurst, family: senderParcels}, s, l)
}
