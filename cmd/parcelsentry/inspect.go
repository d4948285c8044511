package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/app"
	"github.com/parcelsentry/parcelsentry/config"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

type inspectCommand struct {
	Config string `required:"" type:"path" placeholder:"FILE" help:"The configuration, which names the Redis and the rules."`
	Kind   string `arg:"" enum:"sender,recipient,lane" help:"sender, recipient or lane."`
	ID     string `arg:"" help:"The id as alerts have it (entity.id): people as pseudonyms, a lane as 'FROM > TO'."`
}

// Run shows an entity.
func (c *inspectCommand) Run(s *shell) error {
	conf, err := config.LoadFile(c.Config)
	if err != nil {
		return err
	}
	entity, ladder, err := app.Inspect(s.ctx, &conf, windows.Kind(c.Kind), c.ID)
	if err != nil {
		return err
	}
	return showEntity(s.stdout, c.Kind+" "+c.ID, entity, ladder)
}

// showEntity writes what is counted of an entity, the newest first.
func showEntity(w io.Writer, name string, e *windows.Entity, ladder windows.Ladder) error {
	first := e.First()
	fmt.Fprintf(w, "%s: %d events, the first at %s (%s)\n", name, e.Events(), first.Time.Format(time.RFC3339), first.At)
	out := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	counts := e.Counts()
	slices.SortStableFunc(counts, func(a, b windows.FieldCount) int {
		f, g := &a.Field, &b.Field
		return cmp.Or(cmp.Compare(f.Measure, g.Measure), cmp.Compare(f.Resolution, g.Resolution), cmp.Compare(g.Pane, f.Pane))
	})
	for _, c := range counts {
		fmt.Fprintf(out, "%s\t%s\t%s\t%d\n", detector.MeasureName(c.Field.Measure), pane(c.Field, ladder), c.Field.Sub, c.N)
	}
	members := e.AllMembers()
	for _, m := range slices.Backward(members) {
		fmt.Fprintf(out, "met\t%s\t%s\t\n", time.UnixMilli(m.UnixMilli).UTC().Format(time.RFC3339), m.Sub)
	}
	if note := e.Note(); note != "" {
		fmt.Fprintf(out, "incident\t%s\n", note)
	}
	return out.Flush()
}

// pane tells what time a count is of.
func pane(f windows.Field, ladder windows.Ladder) string {
	for _, r := range ladder {
		if r.Name == f.Resolution {
			return r.Start(f.Pane).Format(time.RFC3339) + " " + r.Slide.String()
		}
	}
	return fmt.Sprintf("in all, number %d", f.Pane)
}
