package detector

import "github.com/parcelsentry/parcelsentry/windows"

// newLaneBurst: many more parcels from one place to another than there were before, whoever sends them.
func newLaneBurst(s CountSettings, l windows.Ladder) (*counting, error) {
	return newCounting(counting{name: ruleLaneBurst, family: laneParcels}, s, l)
}
