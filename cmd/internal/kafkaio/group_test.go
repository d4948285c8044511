package kafkaio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
)

const partitions = 4

// spread writes records from..to over the partitions, by key.
func spread(t *testing.T, o Options, from, to int) {
	t.Helper()
	p := NewProducer(o)
	defer p.Close()
	var all []Message
	for i := from; i < to; i++ {
		all = append(all, Message{Topic: o.Topic, Key: fmt.Appendf(nil, "sender %d", i%97), Value: fmt.Appendf(nil, "parcel %d", i)})
	}
	if err := p.Write(limited(t), all); err != nil {
		t.Fatal(err)
	}
}

// One member has all partitions. A second comes and takes some; the first leaves, and the second has all. Each record is
// read once: whoever gives a partition away commits first, with the old generation, and the next owner begins there.
func TestMembersComeAndGo(t *testing.T) {
	everywhere(t, func(t *testing.T, o Options) {
		ctx := limited(t)
		o.Metrics = NewMetrics(prometheus.NewRegistry())
		create(t, o, partitions)
		spread(t, o, 0, 1000)
		l := newLedger(t)
		first := joining(t, o, l.work)
		l.until(ctx, "all partitions have a worker", func() bool { return len(l.holders) == partitions })
		if !first.group.Joined() || testutil.ToFloat64(o.Metrics.joined) != 1 {
			t.Error("not joined")
		}
		spread(t, o, 1000, 2000)
		o.Metrics = nil
		second := joining(t, o, l.work)
		l.until(ctx, "partitions are dealt out again", func() bool {
			return l.starts[0]+l.starts[1]+l.starts[2]+l.starts[3] >= 2*partitions && l.holders[0]+l.holders[1]+l.holders[2]+l.holders[3] == partitions
		})
		spread(t, o, 2000, 3000)
		l.until(ctx, "something of it is read", func() bool { return read(l) > 2200 })
		first.leave(t)
		spread(t, o, 3000, 4000)
		l.until(ctx, "everything is read", func() bool { return read(l) == 4000 })
		second.leave(t)
		for partition, records := range l.read {
			for offset, times := range records {
				if times != 1 {
					t.Errorf("record %d of partition %d was read %d times", offset, partition, times)
				}
			}
		}
		if l.sum(l.committed) != 4000 {
			t.Errorf("committed %v", l.committed)
		}
	})
}

func read(l *ledger) int {
	n := 0
	for _, records := range l.read {
		n += len(records)
	}
	return n
}

// What work does after its context has ended still counts, and it is done before anybody else begins.
func TestTheLastCommitIsOfTheOldGeneration(t *testing.T) {
	everywhere(t, func(t *testing.T, o Options) {
		ctx := limited(t)
		create(t, o, 1)
		write(t, o, "sender", numbered(0, 100)...)
		begun := make(chan int64, 10)
		offset := int64(0)
		work := func(ctx context.Context, _ int, s pipeline.Source) error {
			at, err := s.Committed(ctx)
			if err != nil {
				return ended(ctx, err)
			}
			begun <- at
			<-ctx.Done()
			offset += 7
			return s.Commit(context.WithoutCancel(ctx), offset)
		}
		joining(t, o, work)
		if at := await(ctx, t, begun); at != -1 {
			t.Fatalf("first of all: %d", at)
		}
		another := o
		another.ClientID = "another"
		joining(t, another, work)
		if at := await(ctx, t, begun); at != 7 {
			t.Errorf("the next owner begins at %d, want 7", at)
		}
	})
}

func await[T any](ctx context.Context, t *testing.T, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-ctx.Done():
		t.Fatal("waited in vain")
	}
	return v
}

// A member that stops stays in the group until its last flush is done, or a long one would cost it the commit.
func TestHeartbeatsGoOnDuringTheLastFlush(t *testing.T) {
	c, o := fake(t)
	create(t, o, 1)
	ctx, cancel := context.WithCancel(limited(t))
	err := NewGroup(o).Run(ctx, func(ctx context.Context, _ int, s pipeline.Source) error {
		cancel()
		beats := make(chan struct{}, 100)
		c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Count: -1, Observe: true, When: func(kmsg.Request) bool {
			beats <- struct{}{}
			return true
		}})
		for range 3 {
			select {
			case <-beats:
			case <-time.After(10 * time.Second):
				return errors.New("no heartbeat")
			}
		}
		return s.Commit(context.WithoutCancel(ctx), 5)
	})
	if err != nil {
		t.Error(err)
	}
	if committed := committedOf(t, open(t, o)); committed != 5 {
		t.Errorf("committed %d", committed)
	}
}

// An error of one partition's work ends all, with time for the others to commit, and the group is left.
func TestFatalErrorEndsRun(t *testing.T) {
	everywhere(t, func(t *testing.T, o Options) {
		ctx := limited(t)
		create(t, o, 2)
		boom := errors.New("wrong password")
		ready := make(chan struct{})
		err := NewGroup(o).Run(ctx, func(ctx context.Context, partition int, s pipeline.Source) error {
			if partition == 1 {
				<-ready
				return boom
			}
			close(ready)
			<-ctx.Done()
			return s.Commit(context.WithoutCancel(ctx), 42)
		})
		if !errors.Is(err, boom) || !strings.Contains(err.Error(), "partition 1 of "+o.Topic) {
			t.Errorf("got %v", err)
		}
		if committed := committedOf(t, open(t, o)); committed != 42 {
			t.Errorf("the other partition committed %d", committed)
		}
		if n := members(t, o); n != 0 {
			t.Errorf("%d members are left in the group", n)
		}
	})
}

func members(t *testing.T, o Options) int {
	t.Helper()
	c := o.withDefaults().connect()
	defer c.close()
	r, err := c.client.DescribeGroups(limited(t), &kafka.DescribeGroupsRequest{GroupIDs: []string{o.Group}})
	if err != nil {
		t.Fatal(err)
	}
	return len(r.Groups[0].Members)
}

// The broker would create topics on request; nothing here requests it.
func TestMissingTopics(t *testing.T) {
	story := func(t *testing.T, o Options) {
		present := o
		present.Topic += "-present"
		create(t, present, 1)
		o.OutputTopics = []string{present.Topic, o.Topic + "-alerts"}
		err := NewGroup(o).Run(limited(t), func(context.Context, int, pipeline.Source) error { return nil })
		var missing *MissingTopicsError
		if !errors.As(err, &missing) || !Fatal(err) || len(missing.Topics) != 2 || missing.Topics[0] != o.Topic || missing.Topics[1] != o.Topic+"-alerts" {
			t.Fatalf("got %v", err)
		}
		for _, part := range []string{o.Topic, "kafka-topics.sh --bootstrap-server " + o.Brokers[0], "--create"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q does not say %q", err, part)
			}
		}
		if err := CheckTopics(limited(t), o, o.Topic); !errors.As(err, &missing) {
			t.Errorf("afterwards: %v; has it been created?", err)
		}
	}
	t.Run("fake that creates", func(t *testing.T) {
		_, o := fake(t, kfake.AllowAutoTopicCreation())
		story(t, o)
	})
	everywhere(t, story)
}

func TestNewPartitionsAreFound(t *testing.T) {
	everywhere(t, func(t *testing.T, o Options) {
		ctx := limited(t)
		create(t, o, 1)
		l := newLedger(t)
		joining(t, o, l.work)
		l.until(ctx, "the first partition has a worker", func() bool { return l.holders[0] == 1 })
		c := o.withDefaults().connect()
		defer c.close()
		r, err := c.client.CreatePartitions(ctx, &kafka.CreatePartitionsRequest{Topics: []kafka.TopicPartitionsConfig{{Name: o.Topic, Count: 3}}})
		if err != nil || r.Errors[o.Topic] != nil {
			t.Fatal(err, r)
		}
		l.until(ctx, "three partitions have workers", func() bool { return l.holders[0] == 1 && l.holders[1] == 1 && l.holders[2] == 1 })
	})
}

// A topic that is deleted while in use stays deleted, although the broker would create it on request.
func TestADeletedTopicIsNotCreatedAgain(t *testing.T) {
	c, o := fake(t, kfake.AllowAutoTopicCreation())
	ctx := limited(t)
	create(t, o, 2)
	l := newLedger(t)
	m := joining(t, o, func(ctx context.Context, partition int, s pipeline.Source) error {
		l.note(func() { l.holders[partition] = 1 })
		for ctx.Err() == nil {
			_, _ = s.Fetch(ctx, 0)
		}
		return nil
	})
	l.until(ctx, "both partitions have workers", func() bool { return len(l.holders) == 2 })
	if err := c.DeleteTopic(o.Topic); err != nil {
		t.Fatal(err)
	}
	polls := make(chan struct{})
	n := 0
	h := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Count: -1, Observe: true, When: func(kmsg.Request) bool {
		if n++; n == 5 {
			close(polls)
		}
		return true
	}})
	await(ctx, t, polls)
	h.Remove()
	m.leave(t)
	if c.TopicInfo(o.Topic) != nil {
		t.Error("the topic is back")
	}
}

// What keeps a member from joining is tried again, counted each time and said once.
func TestJoiningIsTriedAgain(t *testing.T) {
	c, o := fake(t)
	create(t, o, 1)
	o.Metrics = NewMetrics(nil)
	var said bytes.Buffer
	o.Log = slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelWarn}))
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, Err: kerr.CoordinatorNotAvailable, Count: 3, TopLevel: true})
	l := newLedger(t)
	m := joining(t, o, l.work)
	l.until(limited(t), "the partition has a worker", func() bool { return l.holders[0] == 1 })
	m.leave(t)
	if n := testutil.ToFloat64(o.Metrics.errors); n != 3 {
		t.Errorf("%v errors counted", n)
	}
	if n := strings.Count(said.String(), "can't join"); n != 1 {
		t.Errorf("said %d times:\n%s", n, said.String())
	}
}

func TestNoPermissionForTheGroup(t *testing.T) {
	c, o := fake(t)
	create(t, o, 1)
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, Err: kerr.GroupAuthorizationFailed, TopLevel: true})
	err := NewGroup(o).Run(limited(t), func(context.Context, int, pipeline.Source) error { return nil })
	if !errors.Is(err, kafka.GroupAuthorizationFailed) || !strings.Contains(err.Error(), o.Group) {
		t.Errorf("got %v", err)
	}
}

// A commit that comes too late is noted, and is no error; one that meets a hitch is.
func TestCommitsThatFail(t *testing.T) {
	for _, c := range []struct {
		answer *kerr.Error
		want   error
		lost   float64
	}{
		{kerr.IllegalGeneration, nil, 1},
		{kerr.UnknownMemberID, nil, 1},
		{kerr.RebalanceInProgress, nil, 1},
		{kerr.CoordinatorLoadInProgress, kafka.GroupLoadInProgress, 0},
		{kerr.GroupAuthorizationFailed, kafka.GroupAuthorizationFailed, 0},
	} {
		t.Run(c.answer.Message, func(t *testing.T) {
			broker, o := fake(t)
			create(t, o, 1)
			o.Metrics = NewMetrics(nil)
			broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: c.answer})
			done := errors.New("done")
			var got, again error
			err := NewGroup(o).Run(limited(t), func(ctx context.Context, _ int, s pipeline.Source) error {
				got = s.Commit(ctx, 1)
				again = s.Commit(ctx, 2)
				return done
			})
			if !errors.Is(err, done) || !errors.Is(got, c.want) || again != nil {
				t.Errorf("commits gave %v and %v, want %v and nil; run %v", got, again, c.want, err)
			}
			if lost := testutil.ToFloat64(o.Metrics.lostCommits); lost != c.lost {
				t.Errorf("%v commits noted as lost, want %v", lost, c.lost)
			}
		})
	}
}
