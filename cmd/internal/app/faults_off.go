//go:build !faults

package app

import (
	"log/slog"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
)

// injector injects nothing: every service but those that the fault harness builds is without fault points.
type injector struct{}

func newInjector(*slog.Logger) (injector, error) { return injector{}, nil }

func (injector) options(o pipeline.Options) pipeline.Options { return o }

func (injector) io(io pipeline.IO) pipeline.IO { return io }
