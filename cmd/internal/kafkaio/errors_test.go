package kafkaio

import (
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/segmentio/kafka-go"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
)

func TestFatal(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{&MissingTopicsError{Topics: []string{"shipments"}}, true},
		{&TooLargeError{Topic: "alerts", Size: 2_000_000}, true},
		{kafka.SASLAuthenticationFailed, true},
		{kafka.TopicAuthorizationFailed, true},
		{kafka.InvalidSessionTimeout, true},
		{kafka.UnknownTopicOrPartition, false}, // it may be back
		{kafka.NotLeaderForPartition, false},
		{kafka.RebalanceInProgress, false},
		{pipeline.ErrOutOfRange, false},
		{io.ErrUnexpectedEOF, false},
		{context.DeadlineExceeded, false},
		{nil, false},
	} {
		if got := Fatal(c.err); got != c.want {
			t.Errorf("%v: %v", c.err, got)
		}
		if c.err != nil && Fatal(fmt.Errorf("write: %w", c.err)) != c.want {
			t.Errorf("%v: another answer when wrapped", c.err)
		}
	}
}
