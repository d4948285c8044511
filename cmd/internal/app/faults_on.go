//go:build faults

package app

import (
	"log/slog"

	"github.com/parcelsentry/parcelsentry/cmd/internal/faults"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
)

// injector puts the fault points of the fault harness around a worker.
type injector struct{ *faults.Injector }

func newInjector(log *slog.Logger) (injector, error) {
	i, err := faults.New(log)
	return injector{i}, err
}

func (f injector) options(o pipeline.Options) pipeline.Options {
	o.Decoder, o.Observe = f.Decoder(o.Decoder), f.Observe
	return o
}

func (f injector) io(io pipeline.IO) pipeline.IO { return f.IO(io) }
