package chaos

import (
	"context"
	"log/slog"

	"github.com/parcelsentry/parcelsentry/cmd/internal/app"
)

// verify compares everything that the service left with what must come of the log.
func (r *Run) verify(ctx context.Context) error {
	set, err := app.NewSet(&r.config)
	if err != nil {
		return err
	}
	decoders, err := app.NewDecoders(&r.config, quiet())
	if err != nil {
		return err
	}
	o, err := newOracle(r.written, decoders.New())
	if err != nil {
		return err
	}
	r.result.Events = len(r.written)
	r.result.cut = o.cut
	if err := r.verifyCounts(ctx, o, set); err != nil {
		return err
	}
	r.verifyNamed()
	if err := r.verifyLetters(ctx, o); err != nil {
		return err
	}
	return r.verifyAlerts(ctx, o, set, decoders.New())
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
