package kafkaio

import (
	"context"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
)

// words is an Activity that passes on what it is told.
type words chan string

func (w words) Begin(operation string)           { w <- "begin " + operation }
func (w words) End(operation string)             { w <- "end " + operation }
func (w words) Failed(operation string, _ error) { w <- "failed " + operation }
func (w words) Moved(bool)                       {}

// A member tells that it joins from its start or the end of a generation on, until it has the next; and each attempt
// that fails. So a watchdog sees one that hangs, and none in a broker that is away.
func TestJoiningIsTold(t *testing.T) {
	c, o := fake(t)
	create(t, o, 3)
	told := make(words, 1000)
	o.Activity = told
	o.Metrics = NewMetrics(prometheus.NewRegistry())
	ctx := limited(t)
	working := make(chan int, 3)
	joining(t, o, func(ctx context.Context, partition int, _ pipeline.Source) error {
		working <- partition
		<-ctx.Done()
		return nil
	})
	// until takes words up to the one wanted, which must come next but for repetitions of the one before.
	until := func(before, want string) {
		t.Helper()
		for {
			switch word := await(ctx, t, told); word {
			case want:
				return
			case before:
			default:
				t.Fatalf("told %q, want %q", word, want)
			}
		}
	}
	until("", "begin join")
	until("begin join", "end join")
	for range 3 {
		await(ctx, t, working)
	}
	if n := testutil.ToFloat64(o.Metrics.partitions); n != 0 && n != 3 { // it may not have looked yet
		t.Errorf("%v partitions", n)
	}
	c.Close()
	until("end join", "begin join")
	until("begin join", "failed join")
	until("failed join", "begin join")
	until("begin join", "failed join")
}
