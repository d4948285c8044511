package kafkaio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
)

func TestCompressions(t *testing.T) {
	everywhere(t, func(t *testing.T, o Options) {
		for _, name := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
			t.Run(name, func(t *testing.T) {
				o := o
				o.Topic += "-" + name
				o.Compression = name
				create(t, o, 1)
				values := numbered(0, 300)
				write(t, o, "sender", values...)
				if got := everything(t, o)[0]; !slices.Equal(got, values) {
					t.Errorf("%d values came back", len(got))
				}
			})
		}
	})
}

func TestUnknownCompression(t *testing.T) {
	p := NewProducer(Options{Brokers: []string{"127.0.0.1:1"}, Compression: "rar"})
	defer p.Close()
	if err := p.Write(limited(t), messages("t", "k", "v")); !Fatal(err) || !strings.Contains(err.Error(), "rar") {
		t.Errorf("got %v", err)
	}
}

// Only a missing time is filled in. (kafka-go reads an empty key as none.)
func TestMessagesComeBackAsTheyWent(t *testing.T) {
	everywhere(t, func(t *testing.T, o Options) {
		create(t, o, 1)
		p := NewProducer(o)
		defer p.Close()
		sent := []Message{
			{Topic: o.Topic, Key: []byte("k"), Value: []byte("v"), Time: timeOf(1), Headers: []Header{{"ce_id", []byte("1")}, {"empty", nil}}},
			{Topic: o.Topic, Value: []byte("no key")},
			{Topic: o.Topic, Key: []byte("k")},
			{Topic: o.Topic, Key: []byte{}, Value: []byte{}},
		}
		if err := p.Write(limited(t), sent); err != nil {
			t.Fatal(err)
		}
		var got []pipeline.Record
		if err := ReadAll(limited(t), o, o.Topic, func(_ int, r pipeline.Record) error {
			got = append(got, r)
			return nil
		}); err != nil || len(got) != len(sent) {
			t.Fatalf("%d records, %v", len(got), err)
		}
		for i, r := range got {
			if !bytes.Equal(r.Key, sent[i].Key) || !bytes.Equal(r.Value, sent[i].Value) {
				t.Errorf("%d: %q %q", i, r.Key, r.Value)
			}
			if r.Time.IsZero() || (!sent[i].Time.IsZero() && r.Time != sent[i].Time) {
				t.Errorf("%d: time %v", i, r.Time)
			}
		}
	})
}

// Eight writers at once over one producer, each with a key of its own and small calls.
func TestOrderOfAKeyIsKept(t *testing.T) {
	everywhere(t, func(t *testing.T, o Options) {
		const writers, calls, each = 8, 20, 10
		ctx := limited(t)
		create(t, o, 3)
		o.MessageBytes = 500 // several requests a call
		p := NewProducer(o)
		defer p.Close()
		var writing sync.WaitGroup
		for w := range writers {
			writing.Go(func() {
				for call := range calls {
					if err := p.Write(ctx, messages(o.Topic, fmt.Sprint(w), numbered(call*each, (call+1)*each)...)); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		writing.Wait()
		got := map[string][]string{}
		if err := ReadAll(ctx, o, o.Topic, func(_ int, r pipeline.Record) error {
			got[string(r.Key)] = append(got[string(r.Key)], string(r.Value))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		want := numbered(0, calls*each)
		for w := range writers {
			if !slices.Equal(got[fmt.Sprint(w)], want) {
				t.Errorf("key %d: %d values, or out of order", w, len(got[fmt.Sprint(w)]))
			}
		}
	})
}

// Faults that pass are waited out, and what comes later in the call waits too. After a time-out at the broker the
// messages may be there; they are written again.
func TestFaultsThatPass(t *testing.T) {
	for _, fault := range []*kerr.Error{kerr.NotLeaderForPartition, kerr.NotEnoughReplicas, kerr.RequestTimedOut, kerr.UnknownTopicOrPartition} {
		t.Run(fault.Message, func(t *testing.T) {
			c, o := fake(t)
			create(t, o, 1)
			o.MessageBytes = 500
			h := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: fault, Count: 3})
			values := numbered(0, 20)
			write(t, o, "sender", values...)
			if h.Hits() != 3 {
				t.Errorf("%d faults met", h.Hits())
			}
			got := everything(t, o)[0]
			if fault == kerr.RequestTimedOut {
				got = firstOfEach(got)
			}
			if !slices.Equal(got, values) {
				t.Errorf("got %v", got)
			}
		})
	}
}

func firstOfEach(values []string) []string {
	var first []string
	for _, v := range values {
		if !slices.Contains(first, v) {
			first = append(first, v)
		}
	}
	return first
}

func TestAllReplicasAcknowledge(t *testing.T) {
	c, o := fake(t)
	create(t, o, 1)
	var acks atomic.Int32
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Observe: true, When: func(r kmsg.Request) bool {
		acks.Store(int32(r.(*kmsg.ProduceRequest).Acks))
		return true
	}})
	write(t, o, "sender", "parcel")
	if got := acks.Load(); got != -1 {
		t.Errorf("acks %d", got)
	}
}

// The producer knows the cluster already when the topic is made.
func TestANewTopicIsWaitedFor(t *testing.T) {
	everywhere(t, func(t *testing.T, o Options) {
		old := o
		old.Topic += "-old"
		create(t, old, 1)
		p := NewProducer(o)
		defer p.Close()
		if err := p.Write(limited(t), messages(old.Topic, "k", "v")); err != nil {
			t.Fatal(err)
		}
		written := make(chan error, 1)
		go func() { written <- p.Write(limited(t), messages(o.Topic, "k", "first of all")) }()
		create(t, o, 1)
		if err := <-written; err != nil {
			t.Fatal(err)
		}
		if got := everything(t, o)[0]; !slices.Equal(got, []string{"first of all"}) {
			t.Errorf("got %v", got)
		}
	})
}

func TestATopicThatIsNotAnOutput(t *testing.T) {
	_, o := fake(t)
	o.OutputTopics = []string{"alerts"}
	p := NewProducer(o)
	defer p.Close()
	if err := p.Write(limited(t), messages("typo", "k", "v")); !Fatal(err) || !strings.Contains(err.Error(), "typo") {
		t.Errorf("got %v", err)
	}
}

func TestTooLarge(t *testing.T) {
	everywhere(t, func(t *testing.T, o Options) {
		create(t, o, 1, "max.message.bytes", "2000")
		p := NewProducer(o)
		defer p.Close()
		var large *TooLargeError

		// Larger than the setting: nothing of the call is written.
		all := messages(o.Topic, "k", "small", strings.Repeat("x", 1_000_000))
		if err := p.Write(limited(t), all); !errors.As(err, &large) || !Fatal(err) || large.Topic != o.Topic || large.Size <= 1_000_000 || large.Limit != 1_000_000 {
			t.Errorf("got %v", err)
		}
		if got := everything(t, o)[0]; len(got) != 0 {
			t.Errorf("%d messages were written", len(got))
		}

		// Larger than the broker likes.
		if err := p.Write(limited(t), messages(o.Topic, "k", strings.Repeat("x", 5000))); !errors.As(err, &large) || large.Topic != o.Topic || large.Size < 5000 || large.Limit != 0 {
			t.Errorf("got %v", err)
		}

		// Many that are too large together only.
		values := numbered(0, 300)
		if err := p.Write(limited(t), messages(o.Topic, "k", values...)); err != nil {
			t.Fatal(err)
		}
		if got := everything(t, o)[0]; !slices.Equal(got, values) {
			t.Errorf("%d values, or out of order", len(got))
		}
	})
}

func TestWriteEndsWithItsContext(t *testing.T) {
	c, o := fake(t)
	create(t, o, 1)
	ctx, cancel := context.WithCancel(limited(t))
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: -1, When: func(kmsg.Request) bool {
		cancel()
		return true
	}})
	p := NewProducer(o)
	defer p.Close()
	if err := p.Write(ctx, messages(o.Topic, "k", "v")); !errors.Is(err, context.Canceled) || Fatal(err) {
		t.Errorf("got %v", err)
	}
}
