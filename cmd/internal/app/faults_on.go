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

func (f injector) arrange(o pipeline.Options, io pipeline.IO) (pipeline.Options, pipeline.IO) {
	o.Decoder, o.Observe = f.Decoder(o.Decoder), f.Observe
	return o, f.IO(io)
}
