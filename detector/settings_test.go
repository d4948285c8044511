package detector

import (
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// DefaultSettings are the settings that the scenarios and tests start from: those of the shipped configuration.
func DefaultSettings() Settings {
	const day = 24 * time.Hour
	return Settings{
		Ladder: windows.Ladder{
			{Name: 'h', Slide: time.Hour, Keep: 50},
			{Name: 'd', Slide: day, Keep: 120},
			{Name: 'm', Slide: 30 * day, Keep: 12},
		},
		MaxFields:     512,
		Prior:         Prior{Rate: 0.25, Dispersion: 1.5},
		Limit:         &LimitSettings{Window: day, Shipments: 200},
		Burst:         &CountSettings{Window: 6 * time.Hour, Threshold: 4},
		Surge:         &CountSettings{Window: 14 * day, Threshold: 4},
		Fanout:        &CountSettings{Window: 6 * time.Hour, Threshold: 4},
		Fanin:         &CountSettings{Window: 2 * day, Threshold: 4},
		LaneBurst:     &CountSettings{Window: day, Threshold: 4},
		Structuring:   &CountSettings{Window: day, Threshold: 4},
		Route:         &RouteSettings{Window: day, Threshold: 4},
		SlowRoute:     &RouteSettings{Window: 14 * day, Threshold: 4},
		Weight:        &AmountSettings{Threshold: 4},
		Value:         &AmountSettings{Threshold: 4},
		ShipmentTypes: []string{"posted"},
		Admission:     Admission{Lateness: 30 * day, ClockTolerance: time.Hour},
		Alerts: AlertSettings{
			Cooldown: 6 * time.Hour, Quiet: day, UpdateFactor: 2,
			Medium: 6, High: 8, Critical: 12,
		},
		ConfigHash: "test",
	}
}
