// Package backtest runs history through the same worker as the live service, in memory.
package backtest

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strconv"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/memstore"
)

// Options say what to replay and what to write.
type Options struct {
	Set     *detector.Set
	Decoder pipeline.Decoder
	Lines   Lines
	// Reopen gives the lines from the first on once more, which takes the place of keeping them in memory: a replay goes
	// back where a record makes the code panic. Nil where there is no second time, as of standard input.
	Reopen func() (Lines, error)
	// Name stands for the topic in coordinates.
	Name string
	// AppendAlert encodes an alert.
	AppendAlert func([]byte, *detector.Alert) []byte
	// Alerts gets one encoded alert a line, Scores CSV with a line an event. Either may be nil.
	Alerts, Scores io.Writer
	// Profiles say what the population was like; nil builds a chain of them from the lines alone.
	Profiles pipeline.Profiles
	// WorkingSet is how many bytes the entities kept in the worker's memory take.
	WorkingSet int64
	// DeadLetter and Flag, unless nil, hear of every record that was not counted and every shipment over a threshold.
	DeadLetter func(*pipeline.DeadLetter)
	Flag       func(*detector.Flag)
	Log        *slog.Logger
}

// Summary is what a replay came to.
type Summary struct {
	// Events were counted or skipped for a reason that is no fault, DeadLetters could not be counted.
	Events, DeadLetters int64
	// Alerts is the number of alerts by rule and activity.
	Alerts map[string]map[detector.Activity]int64
	// Flagged is the number of shipments over a threshold.
	Flagged int64
}

// Replay reads lines to their end, or until ctx is done, as one partition. The same lines under the same settings
// give the same bytes.
func Replay(ctx context.Context, o Options) (Summary, error) {
	out := &outputs{
		lastAlert:  windows.NoOffset,
		last:       windows.NoOffset,
		summary:    Summary{Alerts: map[string]map[detector.Activity]int64{}},
		encode:     o.AppendAlert,
		deadLetter: o.DeadLetter,
		flag:       o.Flag,
	}
	if o.Alerts != nil {
		out.alerts = bufio.NewWriter(o.Alerts)
	}
	scores := newScores(o.Scores, o.Set.Rules())
	worker := pipeline.NewWorker(pipeline.Options{
		Set: o.Set, Decoder: o.Decoder, Topic: o.Name, Log: o.Log,
		Alone: true, Shards: shards, Limits: o.limits(),
		Metrics: pipeline.NewUnreadMetrics(o.Set.Rules()),
		Observe: func(e *detector.Event, c *detector.Conclusion) {
			if scores.write(e, c) {
				out.summary.Events++
			}
		},
	})
	profiles := o.Profiles
	if profiles == nil {
		profiles = pipeline.NewProfileChain(o.Set)
	}
	source := &lineSource{lines: o.Lines, reopen: o.Reopen, keep: o.keep()}
	err := pipeline.Run(ctx, worker, pipeline.IO{
		Source: source, Store: memstore.New(), Profiles: profiles, Sink: out,
		Fatal: func(error) bool { return true }, // files and memory don't get better by waiting
	})
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = out.flush()
	}
	if err == nil {
		err = scores.flush()
	}
	return out.summary, err
}

// shards are about as many as a machine has processors, or more, so that each finds work until all is done. The number is the
// same everywhere, as what a profile forgets where there are very many places depends on it.
const shards = 16

// limits flush seldom, as nobody waits for the store: where the lines need not be kept until then, only when the
// changed entities fill the working set.
func (o *Options) limits() pipeline.Limits {
	if o.Reopen == nil {
		return pipeline.Limits{FlushEvents: 50_000, MaxUnflushed: 200_000, WorkingSet: o.WorkingSet}
	}
	return pipeline.Limits{
		FlushEvents: math.MaxInt, MaxUnflushed: math.MaxInt, MaxUnflushedBytes: math.MaxInt64, WorkingSet: o.WorkingSet,
	}
}

// keep is how many batches are in memory at most: where many records make the code panic, going back to the one before
// seldom needs the file.
func (o *Options) keep() int {
	const batches = 8
	if o.Reopen == nil {
		return 0
	}
	return batches
}

// outputs is the Sink of a replay. One goroutine writes alerts at a time and one the rest, and what they touch is not the same.
type outputs struct {
	summary    Summary
	alerts     *bufio.Writer
	encode     func([]byte, *detector.Alert) []byte
	deadLetter func(*pipeline.DeadLetter)
	flag       func(*detector.Flag)
	line       []byte
	lastAlert  int64 // offset of the last alert taken; a worker that went back says some again
	last       int64 // of the last other output
}

// Write implements pipeline.Sink.
func (s *outputs) Write(_ context.Context, all []pipeline.Output) error {
	last := lastOf(all, &s.lastAlert, &s.last)
	before := *last
	for i := range all {
		if all[i].Offset <= before {
			continue
		}
		*last = all[i].Offset
		switch o := &all[i]; {
		case o.Alert != nil:
			if err := s.alert(o.Alert); err != nil {
				return err
			}
		case o.Flag != nil:
			s.summary.Flagged++
			if s.flag != nil {
				s.flag(o.Flag)
			}
		default:
			s.summary.DeadLetters++
			if s.deadLetter != nil {
				s.deadLetter(o.DeadLetter)
			}
		}
	}
	return nil
}

// lastOf gives the place of what outputs are, alerts or others.
func lastOf(all []pipeline.Output, alert, other *int64) *int64 {
	if len(all) > 0 && all[0].Alert != nil {
		return alert
	}
	return other
}

func (s *outputs) alert(a *detector.Alert) error {
	if s.summary.Alerts[a.Rule] == nil {
		s.summary.Alerts[a.Rule] = map[detector.Activity]int64{}
	}
	s.summary.Alerts[a.Rule][a.Activity]++
	if s.alerts == nil {
		return nil
	}
	s.line = append(s.encode(s.line[:0], a), '\n')
	if _, err := s.alerts.Write(s.line); err != nil {
		return fmt.Errorf("write alerts: %w", err)
	}
	return nil
}

func (s *outputs) flush() error {
	if s.alerts == nil {
		return nil
	}
	if err := s.alerts.Flush(); err != nil {
		return fmt.Errorf("write alerts: %w", err)
	}
	return nil
}

// scores writes CSV: event_id,score and a column a rule. A detector that abstains scores 0.
type scores struct {
	w    *csv.Writer // nil for nowhere
	last int64       // offset of the last event; a worker that went back shows some twice
	row  []string
}

func newScores(w io.Writer, rules []string) *scores {
	if w == nil {
		return &scores{last: windows.NoOffset}
	}
	s := &scores{w: csv.NewWriter(w), last: windows.NoOffset}
	// Errors of the writer stay until flush.
	_ = s.w.Write(append([]string{"event_id", "score"}, rules...))
	s.row = make([]string, 2+len(rules))
	return s
}

// write gives the event a row, unless it had one. It reports whether the event is new.
func (s *scores) write(e *detector.Event, c *detector.Conclusion) bool {
	if e.At.Offset <= s.last {
		return false
	}
	s.last = e.At.Offset
	if s.w == nil {
		return true
	}
	s.row[0], s.row[1] = e.ID, score(c.Score)
	for i := range s.row[2:] {
		s.row[2+i] = score(0)
		if i < len(c.Findings) && c.Findings[i].Rule != "" && c.Findings[i].Abstained == "" {
			s.row[2+i] = score(c.Findings[i].Score)
		}
	}
	_ = s.w.Write(s.row)
	return true
}

func score(x float64) string { return strconv.FormatFloat(x, 'f', 6, 64) }

func (s *scores) flush() error {
	if s.w == nil {
		return nil
	}
	s.w.Flush()
	if err := s.w.Error(); err != nil {
		return fmt.Errorf("write scores: %w", err)
	}
	return nil
}
