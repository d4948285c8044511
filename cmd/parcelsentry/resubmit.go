package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/app"
	"github.com/parcelsentry/parcelsentry/cmd/internal/codec"
	"github.com/parcelsentry/parcelsentry/cmd/internal/logfile"
	"github.com/parcelsentry/parcelsentry/config"
)

type resubmitCommand struct {
	Config string    `required:"" type:"path" placeholder:"FILE" help:"The configuration by which the running service reads events by now."`
	Reason []string  `enum:"malformed,too_late,future,poison" default:"malformed,too_late,future" placeholder:"REASON" help:"Take dead letters of this reason: malformed, too_late, future or poison; may be repeated. Default: all but poison, which is better mended first: a record that makes the code panic again stops its partition for a moment."`
	Since  time.Time `placeholder:"TIME" help:"Take those whose records are not from before this time, such as 2026-03-02T00:00:00Z."`
	Until  time.Time `placeholder:"TIME" help:"Take those whose records are from before this time."`

	DryRun bool   `xor:"listed" help:"Write nothing; only say what would become of the dead letters."`
	Output string `xor:"listed,file" placeholder:"FILE" help:"Write nothing to the input, but the dead letters to this file, a JSON object a line with the original as value, to be repaired with any tool; - is standard output. It holds what privacy.pseudonyms hides elsewhere."`
	Input  string `xor:"file" placeholder:"FILE" help:"Take the messages of this file, which --output wrote and somebody repaired, instead of the originals; - is standard input. --reason, --since and --until don't matter then."`
}

// Run writes dead letters to the input topic again.
func (c *resubmitCommand) Run(s *shell) (err error) {
	conf, err := config.LoadFile(c.Config)
	if err != nil {
		return err
	}
	if !c.Until.IsZero() && !c.Since.Before(c.Until) {
		return usageError{errors.New("--since must be before --until")}
	}
	var read atomic.Int64
	left := leftAlone{w: s.stderr, count: map[string]int{}}
	o := app.ResubmitOptions{
		Config: conf, Reasons: c.Reason, Since: c.Since, Until: c.Until, DryRun: c.DryRun, Left: left.report, Log: s.log(),
		Read: func(bytes int) { read.Add(int64(bytes)) },
	}
	if c.Input != "" {
		lines, err := logfile.Open([]string{c.Input}, s.stdin)
		if err != nil {
			return err
		}
		defer lines.Close()
		o.Repaired = func() (codec.Repair, error) { return nextRepair(lines) }
	}
	files := outputFiles{private: true}
	defer func() { err = errors.Join(err, files.close(err == nil)) }()
	out, err := files.create(c.Output, s.stdout)
	if err != nil {
		return err
	}
	if out != nil {
		o.Output = func(r *codec.Repair) error {
			_, err := out.Write(append(codec.AppendRepair(nil, r), '\n'))
			return err
		}
	}
	stop := s.progress("resubmit", func() (int64, int64) { return read.Load(), 0 })
	summary, err := app.Resubmit(s.ctx, o)
	stop()
	left.summarise()
	c.report(s.stderr, &summary, conf.Kafka.Topics.Shipments)
	if err != nil && summary.Written > 0 && out == nil {
		return fmt.Errorf("%w; run it again for the rest", err)
	}
	return err
}

// nextRepair reads a line.
func nextRepair(lines *logfile.Reader) (codec.Repair, error) {
	line, err := lines.Next()
	if err != nil {
		return codec.Repair{}, err
	}
	r, err := codec.ReadRepair(line)
	if err != nil {
		name, n := lines.Where()
		return r, fmt.Errorf("%s:%d: %w", name, n, err)
	}
	return r, nil
}

func (c *resubmitCommand) report(w io.Writer, s *app.ResubmitSummary, topic string) {
	switch {
	case c.Output != "":
		fmt.Fprintf(w, "%d dead letters listed, %d of which can be counted as they are\n", s.Listed, s.Written)
	case c.DryRun:
		fmt.Fprintf(w, "%d dead letters would be written to %s again\n", s.Written, topic)
	default:
		fmt.Fprintf(w, "%d dead letters written to %s again\n", s.Written, topic)
	}
	say := func(n int, what string) {
		if n > 0 {
			fmt.Fprintf(w, "%d %s\n", n, what)
		}
	}
	say(s.Left, "are left alone")
	say(s.Before, "were written again before")
	say(s.Reached, "are left as they are: their senders keep no counts of their time any more, or they are counted")
	say(s.Elsewhere, "are of other topics")
	say(s.Foreign, "messages of the dead-letter topic are no dead letters")
}

// leftAlone shows the first few dead letters that stay, and how many there are by reason and field.
type leftAlone struct {
	w     io.Writer
	shown int
	count map[string]int
}

func (l *leftAlone) report(d *app.LeftAlone) {
	why := d.Reason
	if d.Field != "" {
		why += " " + d.Field
	}
	l.count[why]++
	if l.shown++; l.shown <= shownDeadLetters {
		fmt.Fprintf(l.w, "%s: %s: %s\n", d.At, d.Reason, d.Error)
	}
}

func (l *leftAlone) summarise() {
	if l.shown <= shownDeadLetters {
		return
	}
	fmt.Fprintf(l.w, "… and %d more:\n", l.shown-shownDeadLetters)
	byCount := func(a, b string) int { return cmp.Or(l.count[b]-l.count[a], cmp.Compare(a, b)) }
	for _, why := range slices.SortedFunc(maps.Keys(l.count), byCount) {
		fmt.Fprintf(l.w, "%8d %s\n", l.count[why], why)
	}
}
