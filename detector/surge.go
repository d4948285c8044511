package detector

import "github.com/parcelsentry/parcelsentry/windows"

// newSurge: many more parcels of a sender in some weeks than its past leads to expect. It finds growth, too: a rate that
// rises by a tenth a day needs no detector of its own.
func newSurge(s CountSettings, l windows.Ladder) (*counting, error) {
	return newCounting(counting{name: ruleSurge, family: senderParcels}, s, l)
}
