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
		Prior:            detector.Prior{Rate: c.Detectors.Prior.Rate, Dispersion: c.Detectors.Prior.Dispersion},
		ShipmentTypes:    c.Events.ShipmentTypes,
		DuplicateHorizon: time.Duration(c.Events.DuplicateHorizon),
		ItemHorizon:      time.Duration(c.Events.ItemHorizon),
		Admission: detector.Admission{
			Lateness:       time.Duration(c.Events.AllowedLateness),
			ClockTolerance: time.Duration(c.Events.ClockTolerance),
		},
		Alerts:     alertSettings(c),
		ConfigHash: c.Hash(),
	}
	d := &c.Detectors
	if d.Limit.Enabled {
		s.Limit = &detector.LimitSettings{Window: time.Duration(d.Limit.Window), Shipments: d.Limit.Shipments}
	}
	s.Burst, s.Surge, s.Fanout = counting(d.Burst), counting(d.Surge), counting(d.Fanout)
	s.Fanin, s.LaneBurst, s.Structuring = counting(d.Fanin), counting(d.LaneBurst), counting(d.Structuring)
	s.Route, s.SlowRoute = (*detector.RouteSettings)(counting(d.Route)), (*detector.RouteSettings)(counting(d.SlowRoute))
	s.Weight, s.Value = amount(d.Weight), amount(d.Value)
	return detector.New(s)
}

func alertSettings(c *config.Config) detector.AlertSettings {
	return detector.AlertSettings{
		Cooldown:     time.Duration(c.Alerts.Cooldown),
		Quiet:        time.Duration(c.Alerts.Quiet),
		UpdateFactor: c.Alerts.UpdateFactor,
		Medium:       c.Alerts.Severity.Medium,
		High:         c.Alerts.Severity.High,
		Critical:     c.Alerts.Severity.Critical,
	}
}

func counting(c config.Counting) *detector.CountSettings {
	if !c.Enabled {
		return nil
	}
	return &detector.CountSettings{Window: time.Duration(c.Window), Threshold: c.Threshold}
}

func amount(a config.Amount) *detector.AmountSettings {
	if !a.Enabled {
		return nil
	}
	return &detector.AmountSettings{Threshold: a.Threshold}
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

func limits(c *config.Config) pipeline.Limits {
	return pipeline.Limits{
		FlushEvents:        c.Redis.FlushEvents,
		FlushInterval:      time.Duration(c.Redis.FlushInterval),
		MaxUnflushed:       c.Redis.MaxUnflushed,
		CommitInterval:     time.Duration(c.Kafka.CommitInterval),
		CheckpointInterval: time.Duration(c.Redis.CheckpointInterval),
		WorkingSet:         int64(c.Windows.WorkingSet),
	}
}

// The least that a partition has of what an instance has, however many partitions there are.
const (
	leastWorkingSet = 1 << 20 // bytes
	leastUnflushed  = 2000    // events
)

// shared gives a partition its part of what bounds the memory of an instance.
func shared(l pipeline.Limits, partitions int) pipeline.Limits {
	l.WorkingSet = max(l.WorkingSet/int64(partitions), leastWorkingSet)
	l.MaxUnflushed = min(l.MaxUnflushed, max(l.MaxUnflushed/partitions, leastUnflushed))
	l.FlushEvents = min(l.FlushEvents, max(l.MaxUnflushed/2, 1)) // so that one flush fills while the other is on its way
	return l
}
