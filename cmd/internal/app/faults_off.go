//go:build !faults

package app

import (
	"log/slog"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
)

// injector injects nothing: every service but those that the fault harness builds is without fault points.
type injector struct{}

func newInjector(*slog.Logger) (injector, error) { return injector{}, nil }

func (injector) arrange(o pipeline.Options, io pipeline.IO) (pipeline.Options, pipeline.IO) {
	return o, io
}
