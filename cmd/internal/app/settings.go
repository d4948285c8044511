package app

import (
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/config"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// NewSet builds the detectors that a configuration asks for.
func NewSet(c *config.Config) (*detector.Set, error) {
	s := detector.Settings{
		Ladder:           ladder(c.Windows.Resolutions),
		MaxFields:        c.Windows.MaxFields,
		Population:       population(&c.Detectors.Population),
		ShipmentTypes:    c.Events.ShipmentTypes,
		DuplicateHorizon: time.Duration(c.Events.DuplicateHorizon),
		Admission: detector.Admission{
			Lateness:       time.Duration(c.Events.AllowedLateness),
			ClockTolerance: time.Duration(c.Events.ClockTolerance),
		},
		Alerts: detector.AlertSettings{
			Cooldown:     time.Duration(c.Alerts.Cooldown),
			Quiet:        time.Duration(c.Alerts.Quiet),
			UpdateFactor: c.Alerts.UpdateFactor,
			Medium:       c.Alerts.Severity.Medium,
			High:         c.Alerts.Severity.High,
			Critical:     c.Alerts.Severity.Critical,
		},
		ConfigHash: c.Hash(),
	}
	if d := c.Detectors.Limit; d.Enabled {
		s.Limit = &detector.LimitSettings{Window: time.Duration(d.Window), Shipments: d.Shipments}
	}
	if d := c.Detectors.Burst; d.Enabled {
		s.Burst = &detector.BurstSettings{Window: time.Duration(d.Window), Threshold: d.Threshold}
	}
	if d := c.Detectors.Route; d.Enabled {
		s.Route = &detector.RouteSettings{Window: time.Duration(d.Window), Threshold: d.Threshold, MinShipments: d.MinShipments}
	}
	return detector.New(s)
}

func ladder(resolutions []config.Resolution) windows.Ladder {
	var l windows.Ladder
	for _, r := range resolutions {
		l = append(l, windows.Resolution{
			Name: r.Name[0], Slide: time.Duration(r.Slide), Keep: int64(r.Keep / r.Slide),
		})
	}
	return l
}

func population(p *config.Population) detector.Population {
	out := detector.Population{Rate: p.Rate, Dispersion: p.Dispersion, PlaceProbability: p.PlaceProbability}
	copy(out.HourWeights[:], p.HourWeights)
	return out
}

func limits(c *config.Config) pipeline.Limits {
	return pipeline.Limits{
		FlushEvents:        c.Redis.FlushEvents,
		FlushInterval:      time.Duration(c.Redis.FlushInterval),
		MaxUnflushed:       c.Redis.MaxUnflushed,
		CommitInterval:     time.Duration(c.Kafka.CommitInterval),
		CheckpointInterval: time.Duration(c.Redis.CheckpointInterval),
		WorkingSet:         c.Windows.WorkingSet,
	}
}
