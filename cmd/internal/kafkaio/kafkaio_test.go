package kafkaio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/windows/windowstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// everywhere tells a story of a broker in this process and of a real one, if there is one. Topic and group are new.
func everywhere(t *testing.T, story func(t *testing.T, o Options)) {
	t.Run("fake", func(t *testing.T) {
		_, o := fake(t)
		story(t, o)
	})
	t.Run("real", func(t *testing.T) {
		story(t, options(t, windowstest.Server(t, "PARCELSENTRY_TEST_KAFKA")))
	})
}

// fake starts a broker in this process.
func fake(t *testing.T, settings ...kfake.Opt) (*kfake.Cluster, Options) {
	t.Helper()
	c, err := kfake.NewCluster(append(settings, kfake.NumBrokers(1))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, options(t, c.ListenAddrs()...)
}

func options(t *testing.T, brokers ...string) Options {
	name := fmt.Sprintf("%s-%08x", strings.NewReplacer("/", "-").Replace(t.Name()), rand.Uint32())
	return Options{
		Brokers: brokers, Group: name, Topic: name,
		HeartbeatInterval: 100 * time.Millisecond, WatchInterval: 50 * time.Millisecond, FetchWait: 20 * time.Millisecond,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
}

// limited ends a test that hangs.
func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// create makes the topic, for the time of the test.
func create(t *testing.T, o Options, partitions int, config ...string) {
	t.Helper()
	spec := TopicSpec{Name: o.Topic, Partitions: partitions, Config: map[string]string{"retention.ms": "-1"}}
	for i := 0; i < len(config); i += 2 {
		spec.Config[config[i]] = config[i+1]
	}
	if err := CreateTopics(limited(t), o, spec); err != nil {
		t.Fatal(err)
	}
	// A broker that is gone has no topics left over.
	t.Cleanup(func() { _, _ = remove(context.Background(), o) })
}

// remove deletes the topic.
func remove(ctx context.Context, o Options) (*kafka.DeleteTopicsResponse, error) {
	c := o.withDefaults().connect()
	defer c.close()
	return c.client.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: []string{o.Topic}})
}

// write writes messages with the values given, each under the key, with times a second apart.
func write(t *testing.T, o Options, key string, values ...string) {
	t.Helper()
	p := NewProducer(o)
	defer p.Close()
	if err := p.Write(limited(t), messages(o.Topic, key, values...)); err != nil {
		t.Fatal(err)
	}
}

func messages(topic, key string, values ...string) []Message {
	var all []Message
	for i, v := range values {
		all = append(all, Message{Topic: topic, Key: []byte(key), Value: []byte(v), Time: timeOf(i)})
	}
	return all
}

func timeOf(i int) time.Time { return time.Date(2026, 3, 1, 0, 0, i, 0, time.UTC) }

func numbered(from, to int) []string {
	var all []string
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprintf("parcel %d", i))
	}
	return all
}

// open gives partition 0 as a source without a group's rights.
func open(t *testing.T, o Options) *source {
	o = o.withDefaults()
	s := &source{cluster: o.connect(o.Topic), topic: o.Topic}
	t.Cleanup(func() {
		s.close()
		s.cluster.close()
	})
	return s
}

// everything reads the topic: the values of each partition.
func everything(t *testing.T, o Options) map[int][]string {
	t.Helper()
	all := map[int][]string{}
	err := ReadAll(limited(t), o, o.Topic, func(partition int, r pipeline.Record) error {
		all[partition] = append(all[partition], string(r.Value))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// committedOf gives the group's offset. A new broker has no coordinator for its first moments.
func committedOf(t *testing.T, s *source) int64 {
	t.Helper()
	ctx := limited(t)
	for {
		offset, err := s.Committed(ctx)
		if err == nil {
			return offset
		}
		if !errors.Is(err, kafka.NotCoordinatorForGroup) && !errors.Is(err, kafka.GroupCoordinatorNotAvailable) {
			t.Fatal(err)
		}
	}
}
