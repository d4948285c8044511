//go:build faults

package faults

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// Injector counts how often the process has come to the point of its plan, over all partitions.
type Injector struct {
	plan Plan
	on   bool
	log  *slog.Logger
	came atomic.Int64
}

// New reads the plan from the environment.
func New(log *slog.Logger) (*Injector, error) {
	plan, on, err := Parse(os.Getenv(Variable))
	return &Injector{plan: plan, on: on, log: log}, err
}

// due tells that this is the moment.
func (i *Injector) due(p Point) bool {
	return i.on && i.plan.Point == p && i.came.Add(1) == i.plan.N
}

// die ends the process without any last words but these.
func (i *Injector) die() {
	i.log.Warn("fault", "plan", i.plan.String())
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // the signal comes to another thread than this one
}

func (i *Injector) at(p Point) {
	if i.due(p) {
		i.die()
	}
}

// IO puts the points around a worker's IO.
func (i *Injector) IO(io pipeline.IO) pipeline.IO {
	io.Source, io.Store, io.Sink = source{io.Source, i}, store{io.Store, i}, sink{io.Sink, i}
	return io
}

// Decoder panics at events that are marked so.
func (i *Injector) Decoder(d pipeline.Decoder) pipeline.Decoder { return decoder{d} }

// Observe panics at events that are marked so, once they are counted and judged.
func (i *Injector) Observe(e *detector.Event, c *detector.Conclusion) {
	if c.Outcome == detector.Counted && e.Service == PoisonDetector {
		panic(PoisonDetector)
	}
}

type decoder struct{ pipeline.Decoder }

func (d decoder) DecodeInto(e *detector.Event, value []byte, at windows.Coordinates, recordTime time.Time) error {
	if bytes.Contains(value, []byte(PoisonDecoder)) {
		panic(PoisonDecoder)
	}
	return d.Decoder.DecodeInto(e, value, at, recordTime)
}

type source struct {
	pipeline.Source
	i *Injector
}

func (s source) Fetch(ctx context.Context, offset int64) (pipeline.Batch, error) {
	b, err := s.Source.Fetch(ctx, offset)
	if err == nil && len(b.Records) > 0 {
		s.i.at(AfterFetch)
	}
	return b, err
}

func (s source) Commit(ctx context.Context, offset int64) error {
	s.i.at(BeforeCommit)
	err := s.Source.Commit(ctx, offset)
	s.i.at(AfterCommit)
	return err
}

type store struct {
	windows.Store
	i *Injector
}

func (s store) Begin(ctx context.Context, source windows.Source, at windows.Fence) error {
	s.i.at(BeforeBegin)
	err := s.Store.Begin(ctx, source, at)
	s.i.at(AfterBegin)
	return err
}

func (s store) Load(ctx context.Context, source windows.Source, keys []windows.Key) ([]windows.Loaded, error) {
	l, err := s.Store.Load(ctx, source, keys)
	s.i.at(AfterLoad)
	return l, err
}

func (s store) Apply(ctx context.Context, source windows.Source, updates []windows.Update) ([]windows.Result, error) {
	s.i.at(BeforeApply)
	if s.i.due(InApply) {
		_, _ = s.Store.Apply(ctx, source, updates[:len(updates)/2])
		s.i.die()
	}
	r, err := s.Store.Apply(ctx, source, updates)
	s.i.at(AfterApply)
	return r, err
}

type sink struct {
	pipeline.Sink
	i *Injector
}

func (s sink) Write(ctx context.Context, outputs []pipeline.Output) error {
	s.i.at(BeforeWrite)
	if s.i.due(InWrite) {
		_ = s.Sink.Write(ctx, outputs[:len(outputs)/2])
		s.i.die()
	}
	err := s.Sink.Write(ctx, outputs)
	s.i.at(AfterWrite)
	return err
}
