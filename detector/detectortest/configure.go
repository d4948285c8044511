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
//	route=off, route.window=24h, route.threshold=4, route.min_shipments=10
//	population.rate=0.25, population.dispersion=2, population.place_probability=0.01
//	population.hours=8-18 (a day's parcels come evenly in these hours), population.hours=all
//	alerts.cooldown=6h, alerts.quiet=24h, alerts.update_factor=2
//	alerts.medium=6, alerts.high=8, alerts.critical=12
//	events.shipment_types=posted,accepted, events.allowed_lateness=30d, events.clock_tolerance=1h
//	events.duplicate_horizon=7d, windows.max_fields=512
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
	return map[string]func(string) error{
		"limit":                        off(&s.Limit),
		"limit.window":                 within(&s.Limit, func(l *detector.LimitSettings, v string) error { return setLength(&l.Window, v) }),
		"limit.shipments":              within(&s.Limit, func(l *detector.LimitSettings, v string) error { return setWhole(&l.Shipments, v) }),
		"burst":                        off(&s.Burst),
		"burst.window":                 within(&s.Burst, func(b *detector.BurstSettings, v string) error { return setLength(&b.Window, v) }),
		"burst.threshold":              within(&s.Burst, func(b *detector.BurstSettings, v string) error { return setFloat(&b.Threshold, v) }),
		"route":                        off(&s.Route),
		"route.window":                 within(&s.Route, func(r *detector.RouteSettings, v string) error { return setLength(&r.Window, v) }),
		"route.threshold":              within(&s.Route, func(r *detector.RouteSettings, v string) error { return setFloat(&r.Threshold, v) }),
		"route.min_shipments":          within(&s.Route, func(r *detector.RouteSettings, v string) error { return setWhole(&r.MinShipments, v) }),
		"population.rate":              to(&s.Population.Rate, setFloat),
		"population.dispersion":        to(&s.Population.Dispersion, setFloat),
		"population.place_probability": to(&s.Population.PlaceProbability, setFloat),
		"population.hours":             to(&s.Population.HourWeights, setHours),
		"alerts.cooldown":              to(&s.Alerts.Cooldown, setLength),
		"alerts.quiet":                 to(&s.Alerts.Quiet, setLength),
		"alerts.update_factor":         to(&s.Alerts.UpdateFactor, setFloat),
		"alerts.medium":                to(&s.Alerts.Medium, setFloat),
		"alerts.high":                  to(&s.Alerts.High, setFloat),
		"alerts.critical":              to(&s.Alerts.Critical, setFloat),
		"events.shipment_types":        to(&s.ShipmentTypes, setList),
		"events.allowed_lateness":      to(&s.Admission.Lateness, setLength),
		"events.clock_tolerance":       to(&s.Admission.ClockTolerance, setLength),
		"events.duplicate_horizon":     to(&s.DuplicateHorizon, setLength),
		"windows.max_fields":           to(&s.MaxFields, setCount),
	}
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

func setHours(at *[24]float64, v string) error {
	*at = [24]float64{}
	if v == "all" {
		return nil
	}
	h, err := parseHours(v)
	if err != nil {
		return err
	}
	for i := range h.length {
		at[(h.from+i)%24] = 1
	}
	return nil
}
