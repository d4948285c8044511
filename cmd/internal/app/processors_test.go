package app_test

import (
	"bytes"
	"runtime"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/backtest"
	"github.com/parcelsentry/parcelsentry/cmd/internal/codec"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
)

// TestReplayOnProcessors: however many processors there are, and however small the working set is, a replay gives the same alerts,
// scores and profiles, to the last byte: of shipments of which some come up to two days late, and of lines that are no shipments.
func TestReplayOnProcessors(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for title, log := range unorderedLogs(t) {
		t.Run(title, func(t *testing.T) {
			if testing.Short() {
				log = log[:min(len(log), 1500)]
			}
			b := newUnordered(t)
			log := b.arrivals(t, log, 48*time.Hour, 1)
			for i := 100; i < len(log); i += 1000 {
				log[i].Value = []byte(`{"sender_id": "A"}`)
			}
			runtime.GOMAXPROCS(1)
			want := b.replay(t, log, 256<<20)
			if want.summary.Flagged == 0 || want.summary.DeadLetters == 0 {
				t.Fatalf("little comes of it: %+v", want.summary)
			}
			for _, processors := range []int{1, 2, 5} {
				runtime.GOMAXPROCS(processors)
				got := b.replay(t, log, 1<<20)
				if got.alerts != want.alerts {
					t.Errorf("%d processors: other alerts", processors)
				}
				if got.scores != want.scores {
					t.Errorf("%d processors: other scores", processors)
				}
				if got.profiles != want.profiles {
					t.Errorf("%d processors: other profiles", processors)
				}
			}
		})
	}
}

type replayed struct {
	alerts, scores, profiles string
	summary                  backtest.Summary
}

func (b *unordered) replay(t *testing.T, log []pipeline.Record, workingSet int64) (r replayed) {
	t.Helper()
	var alerts, scores, profiles bytes.Buffer
	chain := pipeline.NewProfileChain(b.set)
	var err error
	r.summary, err = backtest.Replay(t.Context(), backtest.Options{
		Set: b.set, Decoder: b.decoders.New(), Lines: &records{rest: log}, Name: "log", Log: quiet(), Profiles: chain,
		AppendAlert: codec.AppendAlert, Alerts: &alerts, Scores: &scores, WorkingSet: workingSet,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range chain.Recorded() {
		profiles.Write(p.Artefact)
	}
	r.alerts, r.scores, r.profiles = alerts.String(), scores.String(), profiles.String()
	return r
}
