package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/app"
	"github.com/parcelsentry/parcelsentry/config"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

type profileShow struct {
	Config string `required:"" type:"path" placeholder:"FILE" help:"The configuration, which names the Redis and the rules."`
	Day    string `placeholder:"DATE" help:"The day of event time whose profile is wanted, such as 2026-03-02; the newest if left out."`
	Input  string `placeholder:"FILE" help:"Take it from an exported file instead of Redis; - is standard input."`
}

// Run shows one profile.
func (c *profileShow) Run(s *shell) error {
	conf, err := config.LoadFile(c.Config)
	if err != nil {
		return err
	}
	set, err := app.NewSet(&conf)
	if err != nil {
		return err
	}
	all, err := c.recorded(s)
	if err != nil {
		return err
	}
	day, err := pick(all, c.Day)
	if err != nil {
		return err
	}
	profile := set.NewProfile(day.Day)
	if day.Artefact != nil {
		if profile, err = set.ReadProfile(day.Artefact); err != nil {
			return fmt.Errorf("%s: %w", day.Date(), err)
		}
	}
	return showProfile(s.stdout, day.Date(), set.Summarise(profile))
}

func (c *profileShow) recorded(s *shell) ([]windows.DayProfile, error) {
	if c.Input != "" {
		return readProfiles(s, c.Input)
	}
	return storedProfiles(s, c.Config)
}

// pick gives a day's profile, or the newest.
func pick(all []windows.DayProfile, day string) (windows.DayProfile, error) {
	if len(all) == 0 {
		return windows.DayProfile{}, errors.New("no profile is recorded yet: the first event makes the first")
	}
	if day == "" {
		return all[len(all)-1], nil
	}
	for _, d := range all {
		if d.Date() == day {
			return d, nil
		}
	}
	return windows.DayProfile{}, usageError{fmt.Errorf("no profile of the day %s is recorded; there are %s", day, span(all))}
}

// showProfile writes what the profile of a day knows.
func showProfile(w io.Writer, day string, p detector.ProfileSummary) error {
	out := tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "profile %s, in force on %s", p.ID, day)
	if made := p.Day.Format(time.DateOnly); made != day {
		fmt.Fprintf(w, ", made for %s", made)
	}
	fmt.Fprintf(w, "\nlearned from %s parcels; knows %d origins, %d destinations, %d lanes\n", weight(p.Parcels), p.Origins, p.Destinations, p.Lanes)
	fmt.Fprint(w, "(numbers are weights: what was learned 120 days ago counts half)\n\n")

	fmt.Fprint(w, "Usual of anybody\n")
	fmt.Fprint(out, "\ta day\tdispersion\tlearned from\t\n")
	for _, u := range p.Usual {
		fmt.Fprintf(out, "%s: %s\t%.4g\t%.3g\t%s\t\n", u.Kind, u.What, u.Rate, u.Dispersion, weight(u.Entities))
	}
	if err := out.Flush(); err != nil {
		return err
	}
	showHours(w, p.Hours)
	showRules(out, p.Rules)
	return out.Flush()
}

// showHours draws a bar an hour, the busiest of 40 characters.
func showHours(w io.Writer, hours [24]float64) {
	busiest := 0.0
	for _, part := range hours {
		busiest = max(busiest, part)
	}
	fmt.Fprint(w, "\nHours of the day, in UTC\n")
	for hour, part := range hours {
		fmt.Fprintf(w, "  %02d  %4.1f %%  %s\n", hour, 100*part, strings.Repeat("▇", int(math.Round(40*part/busiest))))
	}
}

func showRules(w io.Writer, rules []detector.RuleSummary) {
	fmt.Fprint(w, "\nScores that occur once in so many entity-days, before calibration; those of all rules as in alerts\n")
	fmt.Fprint(w, "rule\tof a")
	for _, n := range detector.OneIn() {
		fmt.Fprintf(w, "\t%.0f", n)
	}
	fmt.Fprint(w, "\tentity-days\t\n")
	for _, r := range rules {
		name := r.Rule
		if name == string(r.Kind) {
			name = "all rules"
		}
		fmt.Fprintf(w, "%s\t%s", name, r.Kind)
		for _, x := range r.Scores {
			fmt.Fprintf(w, "\t%s", cell(r.Learning, x))
		}
		fmt.Fprintf(w, "\t%s\t%s\n", weight(r.Entries), remark(r.Learning))
	}
}

func cell(learning bool, score float64) string {
	if learning || score == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", score)
}

func remark(learning bool) string {
	if learning {
		return "learning: not calibrated yet"
	}
	return ""
}

// weight writes a number of things, whole.
func weight(x float64) string { return fmt.Sprintf("%.0f", x) }
