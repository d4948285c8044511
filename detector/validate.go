package detector

import (
	"errors"
	"fmt"
)

// validate gives every reason why detectors could fail for these settings.
func (s *Settings) validate() error {
	var errs []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	need(s.MaxFields > 0, "windows: max fields %d must be above 0", s.MaxFields)
	need(s.DuplicateHorizon >= 0, "events: duplicate horizon %v must not be negative", s.DuplicateHorizon)
	need(s.Admission.Lateness >= 0 && s.Admission.ClockTolerance >= 0, "events: lateness %v and clock tolerance %v must not be negative",
		s.Admission.Lateness, s.Admission.ClockTolerance)
	need(s.Alerts.Quiet > 0, "alerts: quiet %v must be above 0", s.Alerts.Quiet)
	need(s.Alerts.Cooldown >= 0, "alerts: cooldown %v must not be negative", s.Alerts.Cooldown)
	need(s.Alerts.UpdateFactor >= 1, "alerts: update factor %v must be at least 1", s.Alerts.UpdateFactor)
	if l := s.Limit; l != nil {
		need(l.Window > 0, "limit: window %v must be above 0", l.Window)
		need(l.Shipments >= 1, "limit: %d shipments must be at least 1", l.Shipments)
	}
	if b, p := s.Burst, &s.Population; b != nil {
		need(b.Window > 0, "burst: window %v must be above 0", b.Window)
		need(b.Threshold > 0, "burst: threshold %v must be above 0", b.Threshold)
		need(p.Rate > 0, "population: rate %v must be above 0", p.Rate)
		need(p.Dispersion >= 1, "population: dispersion %v must be at least 1", p.Dispersion)
		for hour, weight := range p.HourWeights {
			need(weight >= 0, "population: weight %v of hour %d must not be negative", weight, hour)
		}
	}
	if r, p := s.Route, s.Population.PlaceProbability; r != nil {
		need(r.Window > 0, "route: window %v must be above 0", r.Window)
		need(r.Threshold > 0, "route: threshold %v must be above 0", r.Threshold)
		need(r.MinShipments >= 0, "route: %d minimal shipments must not be negative", r.MinShipments)
		need(p > 0 && p < 1, "population: place probability %v must be between 0 and 1", p)
	}
	return errors.Join(errs...)
}
