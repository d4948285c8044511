package detector

import (
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// DefaultSettings are the settings that the scenarios and tests start from.
func DefaultSettings() Settings {
	const day = 24 * time.Hour
	return Settings{
		Ladder: windows.Ladder{
			{Name: 'h', Slide: time.Hour, Keep: 50},
			{Name: 'd', Slide: day, Keep: 120},
			{Name: 'm', Slide: 30 * day, Keep: 4},
		},
		MaxFields:     512,
		Population:    Population{Rate: 0.25, Dispersion: 2, PlaceProbability: 0.01},
		Limit:         &LimitSettings{Window: day, Shipments: 200},
		Burst:         &BurstSettings{Window: 6 * time.Hour, Threshold: 4},
		Route:         &RouteSettings{Window: day, Threshold: 4, MinShipments: 10},
		ShipmentTypes: []string{"posted"},
		Admission:     Admission{Lateness: 30 * day, ClockTolerance: time.Hour},
		Alerts: AlertSettings{
			Cooldown: 6 * time.Hour, Quiet: day, UpdateFactor: 2,
			Medium: 6, High: 8, Critical: 12,
		},
		ConfigHash: "test",
	}
}
