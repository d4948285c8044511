package detectortest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/parcelsentry/parcelsentry/detector"
)

type assignment struct{ key, value string }

type assignments []assignment

// play does nothing: settings are in force before the first line is played.
func (assignments) play(*world) error { return nil }

func parseAssignments(words []string) (statement, error) {
	if len(words) == 0 {
		return nil, fmt.Errorf("config needs at least one key=value, such as burst.threshold=5")
	}
	var all assignments
	for _, w := range words {
		key, value, ok := strings.Cut(w, "=")
		if !ok {
			return nil, fmt.Errorf("%q must be key=value without spaces, such as burst.threshold=5", w)
		}
		// Tried on settings that nobody uses, so that a wrong line is found before anything is played.
		if err := Configure(&detector.Settings{}, key, value); err != nil {
			return nil, err
		}
		all = append(all, assignment{key, value})
	}
	return all, nil
}

// Configure changes one setting as a config line does:
//
//	limit=off, limit.window=24h, limit.shipments=200
//	burst=off, burst.window=6h, burst.threshold=4
//	surge=off, surge.window=14d, surge.threshold=4
//	fanout=off, fanout.window=6h, fanout.threshold=4
//	route=off, route.window=24h, route.threshold=4
//	slow_route=off, slow_route.window=14d, slow_route.threshold=4
//	weight=off, weight.threshold=4
//	value=off, value.threshold=4
//	fanin=off, fanin.window=2d, fanin.threshold=4
//	lane_burst=off, lane_burst.window=24h, lane_burst.threshold=4
//	structuring=off, structuring.window=24h, structuring.threshold=4
//	prior.rate=0.25, prior.dispersion=1.5
//	alerts.cooldown=6h, alerts.quiet=24h, alerts.update_factor=2
//	alerts.medium=6, alerts.high=8, alerts.critical=12
//	events.shipment_types=posted,accepted, events.allowed_lateness=30d, events.clock_tolerance=1h
//	events.duplicate_horizon=7d, events.item_horizon=30d, windows.max_fields=512
//
// A key of a detector that is off turns it on. Settings are changed in place, but nothing that they point to is.
func Configure(s *detector.Settings, key, value string) error {
	set, ok := setters(s)[key]
	if !ok {
		return fmt.Errorf("there is no setting %q: write one of %s", key, names(setters(s)))
	}
	if err := set(value); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

func setters(s *detector.Settings) map[string]func(string) error {
	all := map[string]func(string) error{
		"limit":                    off(&s.Limit),
		"limit.window":             within(&s.Limit, func(l *detector.LimitSettings, v string) error { return setLength(&l.Window, v) }),
		"limit.shipments":          within(&s.Limit, func(l *detector.LimitSettings, v string) error { return setWhole(&l.Shipments, v) }),
		"prior.rate":               to(&s.Prior.Rate, setFloat),
		"prior.dispersion":         to(&s.Prior.Dispersion, setFloat),
		"alerts.cooldown":          to(&s.Alerts.Cooldown, setLength),
		"alerts.quiet":             to(&s.Alerts.Quiet, setLength),
		"alerts.update_factor":     to(&s.Alerts.UpdateFactor, setFloat),
		"alerts.medium":            to(&s.Alerts.Medium, setFloat),
		"alerts.high":              to(&s.Alerts.High, setFloat),
		"alerts.critical":          to(&s.Alerts.Critical, setFloat),
		"events.shipment_types":    to(&s.ShipmentTypes, setList),
		"events.allowed_lateness":  to(&s.Admission.Lateness, setLength),
		"events.clock_tolerance":   to(&s.Admission.ClockTolerance, setLength),
		"events.duplicate_horizon": to(&s.DuplicateHorizon, setLength),
		"events.item_horizon":      to(&s.ItemHorizon, setLength),
		"windows.max_fields":       to(&s.MaxFields, setCount),
	}
	for rule, settings := range map[string]**detector.CountSettings{
		"burst": &s.Burst, "surge": &s.Surge, "fanout": &s.Fanout,
		"fanin": &s.Fanin, "lane_burst": &s.LaneBurst, "structuring": &s.Structuring,
	} {
		all[rule] = off(settings)
		all[rule+".window"] = within(settings, func(c *detector.CountSettings, v string) error { return setLength(&c.Window, v) })
		all[rule+".threshold"] = within(settings, func(c *detector.CountSettings, v string) error { return setFloat(&c.Threshold, v) })
	}
	for rule, settings := range map[string]**detector.RouteSettings{"route": &s.Route, "slow_route": &s.SlowRoute} {
		all[rule] = off(settings)
		all[rule+".window"] = within(settings, func(r *detector.RouteSettings, v string) error { return setLength(&r.Window, v) })
		all[rule+".threshold"] = within(settings, func(r *detector.RouteSettings, v string) error { return setFloat(&r.Threshold, v) })
	}
	for rule, settings := range map[string]**detector.AmountSettings{"weight": &s.Weight, "value": &s.Value} {
		all[rule] = off(settings)
		all[rule+".threshold"] = within(settings, func(a *detector.AmountSettings, v string) error { return setFloat(&a.Threshold, v) })
	}
	return all
}

// to sets a value where it stands.
func to[T any](at *T, set func(*T, string) error) func(string) error {
	return func(v string) error { return set(at, v) }
}

// within sets a value of a detector's settings in a copy of them, so that other users of the old ones see no change.
func within[T any](detector **T, set func(*T, string) error) func(string) error {
	return func(v string) error {
		var changed T
		if *detector != nil {
			changed = **detector
		}
		if err := set(&changed, v); err != nil {
			return err
		}
		*detector = &changed
		return nil
	}
}

func off[T any](detector **T) func(string) error {
	return func(v string) error {
		if v != "off" {
			return fmt.Errorf("%q is not understood: write off, or set one of its keys to turn it on", v)
		}
		*detector = nil
		return nil
	}
}

func setLength(at *time.Duration, v string) (err error) {
	*at, err = parseLength(v)
	return err
}

func setWhole(at *int64, v string) (err error) {
	*at, err = parseNumber(v, 0)
	return err
}

func setCount(at *int, v string) error {
	n, err := parseNumber(v, 1)
	*at = int(n)
	return err
}

func setFloat(at *float64, v string) (err error) {
	if *at, err = strconv.ParseFloat(v, 64); err != nil {
		return fmt.Errorf("%q is no number", v)
	}
	return nil
}

func setList(at *[]string, v string) error {
	*at = strings.Split(v, ",")
	return nil
}
