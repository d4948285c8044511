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
	need(s.ItemHorizon >= 0, "events: item horizon %v must not be negative", s.ItemHorizon)
	need(s.Admission.Lateness >= 0 && s.Admission.ClockTolerance >= 0, "events: lateness %v and clock tolerance %v must not be negative",
		s.Admission.Lateness, s.Admission.ClockTolerance)
	need(s.Alerts.Quiet > 0, "alerts: quiet %v must be above 0", s.Alerts.Quiet)
	need(s.Alerts.Cooldown >= 0, "alerts: cooldown %v must not be negative", s.Alerts.Cooldown)
	need(s.Alerts.UpdateFactor >= 1, "alerts: update factor %v must be at least 1", s.Alerts.UpdateFactor)
	if l := s.Limit; l != nil {
		need(l.Window > 0, "limit: window %v must be above 0", l.Window)
		need(l.Shipments >= 1, "limit: %d shipments must be at least 1", l.Shipments)
	}
	need(s.Prior.Rate > 0, "prior: rate %v must be above 0", s.Prior.Rate)
	need(s.Prior.Dispersion >= 1, "prior: dispersion %v must be at least 1", s.Prior.Dispersion)
	counts := func(rule string, c *CountSettings) {
		if c != nil {
			need(c.Window > 0, "%s: window %v must be above 0", rule, c.Window)
			need(c.Threshold > 0, "%s: threshold %v must be above 0", rule, c.Threshold)
		}
	}
	counts(ruleBurst, s.Burst)
	counts(ruleSurge, s.Surge)
	counts(ruleFanout, s.Fanout)
	counts(ruleFanin, s.Fanin)
	counts(ruleLaneBurst, s.LaneBurst)
	counts(ruleStructuring, s.Structuring)
	counts(ruleRoute, (*CountSettings)(s.Route))
	counts(ruleSlowRoute, (*CountSettings)(s.SlowRoute))
	amounts := func(rule string, a *AmountSettings) {
		need(a == nil || a.Threshold > 0, "%s: the threshold must be above 0", rule)
	}
	amounts(ruleWeight, s.Weight)
	amounts(ruleValue, s.Value)
	return errors.Join(errs...)
}
