package kafkaio

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
	"github.com/parcelsentry/parcelsentry/windows"
)

// All records come in one compressed batch, so the broker gives the whole of it whatever offset is asked for.
func TestReadsFromAnOffset(t *testing.T) {
	everywhere(t, func(t *testing.T, o Options) {
		o.Compression = "zstd"
		ctx := limited(t)
		create(t, o, 1)
		values := numbered(0, 500)
		write(t, o, "sender", values...)
		s := open(t, o)
		for _, from := range []int64{0, 1, 437, 499} {
			b, err := s.Fetch(ctx, from)
			if err != nil {
				t.Fatal(err)
			}
			if len(b.Records) != 500-int(from) || b.Next != 500 || b.End != 500 || b.Done {
				t.Fatalf("from %d: %d records, next %d, end %d, done %v", from, len(b.Records), b.Next, b.End, b.Done)
			}
			for i, r := range b.Records {
				at := int(from) + i
				if r.Offset != int64(at) || string(r.Key) != "sender" || string(r.Value) != values[at] || r.Time != timeOf(at) {
					t.Fatalf("at %d: %d %s %s %v", at, r.Offset, r.Key, r.Value, r.Time)
				}
			}
		}
		b, err := s.Fetch(ctx, 500)
		if err != nil || len(b.Records) != 0 || b.Next != 500 || b.End != 500 {
			t.Errorf("at the end: %+v, %v", b, err)
		}
	})
}

// A batch that is released lends its room to the next one, and what its keys and values said stands.
func TestReleasedBatch(t *testing.T) {
	everywhere(t, func(t *testing.T, o Options) {
		ctx := limited(t)
		create(t, o, 1)
		values := numbered(0, 20)
		write(t, o, "sender", values...)
		s := open(t, o)
		s.spare = newSpare()
		first, err := s.Fetch(ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		place, value := &first.Records[0], first.Records[0].Value
		first.Release()
		again, err := s.Fetch(ctx, 5)
		if err != nil || len(again.Records) == 0 {
			t.Fatal(again, err)
		}
		if &again.Records[0] != place || again.Records[0].Offset != 5 || string(value) != values[0] {
			t.Errorf("offset %d stands at %p, want 5 at %p; the first value is %q", again.Records[0].Offset, &again.Records[0], place, value)
		}
	})
}

// Both of kafka-go's decoders give a record's headers, and none where there are none.
func TestReadsHeaders(t *testing.T) {
	everywhere(t, func(t *testing.T, o Options) {
		ctx := limited(t)
		create(t, o, 1)
		all := messages(o.Topic, "sender", "plain", "marked")
		all[1].Headers = []Header{{"origin", []byte("scanner 7")}, {"empty", nil}, {"origin", []byte("scanner 8")}}
		p := NewProducer(o)
		defer p.Close()
		if err := p.Write(ctx, all); err != nil {
			t.Fatal(err)
		}
		s := open(t, o)
		b, err := s.Fetch(ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		other, err := s.cluster.fetchOtherwise(ctx, o.Topic, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, records := range [][]pipeline.Record{b.Records, other.records} {
			if len(records) != 2 || records[0].Headers != nil || len(records[1].Headers) != 3 {
				t.Fatalf("%+v", records)
			}
			marked := &records[1]
			if origin, ok := marked.Header("origin"); !ok || string(origin) != "scanner 8" {
				t.Errorf("origin %q, %v; the last of a name counts", origin, ok)
			}
			if empty, ok := marked.Header("empty"); !ok || len(empty) != 0 {
				t.Errorf("empty %q, %v", empty, ok)
			}
			if _, ok := marked.Header("none"); ok {
				t.Error("there is a header that nobody wrote")
			}
		}
	})
}

func TestBoundsAndSingleRecords(t *testing.T) {
	everywhere(t, func(t *testing.T, o Options) {
		ctx := limited(t)
		create(t, o, 1)
		s := open(t, o)
		if first, end, err := s.Bounds(ctx); first != 0 || end != 0 || err != nil {
			t.Errorf("empty: %d to %d, %v", first, end, err)
		}
		write(t, o, "sender", numbered(0, 50)...)
		if first, end, err := s.Bounds(ctx); first != 0 || end != 50 || err != nil {
			t.Errorf("full: %d to %d, %v", first, end, err)
		}
		for offset, want := range map[int64]bool{0: true, 31: true, 49: true, 50: false, 1000: false} {
			at, found, err := s.RecordTime(ctx, offset)
			if err != nil || found != want || (found && at != timeOf(int(offset))) {
				t.Errorf("record %d: %v, %v, %v", offset, at, found, err)
			}
		}
		if committed := committedOf(t, s); committed != windows.NoOffset {
			t.Errorf("committed %d", committed)
		}
	})
}

func TestOutOfRange(t *testing.T) {
	everywhere(t, func(t *testing.T, o Options) {
		ctx := limited(t)
		create(t, o, 1)
		write(t, o, "sender", numbered(0, 10)...)
		s := open(t, o)
		if _, err := s.Fetch(ctx, 11); !errors.Is(err, pipeline.ErrOutOfRange) {
			t.Errorf("beyond the end: %v", err)
		}
		if b, err := s.Fetch(ctx, 3); err != nil || len(b.Records) != 7 {
			t.Errorf("afterwards: %d records, %v", len(b.Records), err)
		}
	})
}

func TestRecordsCutAway(t *testing.T) {
	c, o := fake(t)
	ctx := limited(t)
	create(t, o, 1)
	write(t, o, "sender", numbered(0, 10)...)
	if err := c.DeleteRecords(o.Topic, 0, 6); err != nil {
		t.Fatal(err)
	}
	s := open(t, o)
	if first, end, err := s.Bounds(ctx); first != 6 || end != 10 || err != nil {
		t.Errorf("%d to %d, %v", first, end, err)
	}
	if _, err := s.Fetch(ctx, 5); !errors.Is(err, pipeline.ErrOutOfRange) {
		t.Errorf("below the first: %v", err)
	}
	if _, found, err := s.RecordTime(ctx, 5); found || err != nil {
		t.Errorf("below the first: found %v, %v", found, err)
	}
}

// TestTopicCreatedAnew is not read on at the old offset, although it holds it: a source knows the log by the record
// that it fetched last, and one that has fetched none yet by the one that a worker's last fence names.
func TestTopicCreatedAnew(t *testing.T) {
	everywhere(t, func(t *testing.T, o Options) {
		createdAnew(t, o, func(ctx context.Context, s *source) error {
			_, err := s.Fetch(ctx, 0)
			return err
		})
		if _, err := remove(limited(t), o); err != nil {
			t.Fatal(err)
		}
		createdAnew(t, o, func(ctx context.Context, s *source) error {
			_, _, err := s.RecordTime(ctx, 9)
			return err
		})
	})
}

func createdAnew(t *testing.T, o Options, look func(context.Context, *source) error) {
	ctx := limited(t)
	create(t, o, 1)
	write(t, o, "sender", numbered(0, 10)...)
	s := open(t, o)
	if err := look(ctx, s); err != nil {
		t.Fatal(err)
	}
	if _, err := remove(ctx, o); err != nil {
		t.Fatal(err)
	}
	for { // the connection lasts until the broker has noticed
		if _, err := s.Fetch(ctx, 10); err != nil {
			break
		}
	}
	create(t, o, 1)
	others := messages(o.Topic, "sender", numbered(0, 30)...)
	for i := range others {
		others[i].Time = others[i].Time.Add(time.Hour)
	}
	p := NewProducer(o)
	defer p.Close()
	if err := p.Write(ctx, others); err != nil {
		t.Fatal(err)
	}
	for {
		b, err := s.Fetch(ctx, 10)
		if err == nil {
			t.Fatalf("read on with %d records of another topic", len(b.Records))
		}
		if errors.Is(err, pipeline.ErrOutOfRange) {
			break
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	if b, err := s.Fetch(ctx, 0); err != nil || b.Next != 30 {
		t.Errorf("from the start: up to %d, %v", b.Next, err)
	}
}

// TestTopicCreatedAnewGrows: the new topic is empty when the source looks whether it is the old one, and holds the offset
// by the time of the fetch.
func TestTopicCreatedAnewGrows(t *testing.T) {
	everywhere(t, func(t *testing.T, o Options) {
		ctx := limited(t)
		create(t, o, 1)
		write(t, o, "sender", numbered(0, 10)...)
		s := open(t, o)
		if _, err := s.Fetch(ctx, 0); err != nil {
			t.Fatal(err)
		}
		last := s.last.Load()
		if _, err := remove(ctx, o); err != nil {
			t.Fatal(err)
		}
		create(t, o, 1)
		for {
			err := s.recognise(ctx, last)
			if errors.Is(err, pipeline.ErrOutOfRange) {
				return
			}
			if err == nil {
				t.Fatal("an empty log is taken for one of which record 9 was read")
			}
			if ctx.Err() != nil { // until the broker knows the topic
				t.Fatal(err)
			}
		}
	})
}

func TestCompactedTopic(t *testing.T) {
	c, o := fake(t)
	create(t, o, 1, "cleanup.policy", "compact")
	for range 5 {
		write(t, o, "often", "old", "new")
		write(t, o, "rare", "x")
	}
	c.Compact()
	var offsets []int64
	s := open(t, o)
	first, end, err := s.Bounds(limited(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.readAll(limited(t), first, end, func(_ int, r pipeline.Record) error {
		offsets = append(offsets, r.Offset)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(offsets) == 15 || len(offsets) < 2 || offsets[len(offsets)-1] != 14 {
		t.Errorf("offsets %v: compaction should leave gaps and the last record", offsets)
	}
}

// Compaction may leave record batches without records. Several in a row make kafka-go's fast decoder lose the thread.
func TestHollowBatches(t *testing.T) {
	for name, log := range map[string][]fakeBatch{
		"first":           {{last: 9}, {10, 11, []int64{10, 11}, false}},
		"three first":     {{last: 9}, {first: 10, last: 12}, {first: 13, last: 14}, {15, 16, []int64{15, 16}, true}},
		"to the end":      {{0, 1, []int64{0, 1}, false}, {first: 2, last: 9}},
		"four to the end": {{last: 0}, {first: 1, last: 1}, {first: 2, last: 4}, {first: 5, last: 9}},
		"gaps inside":     {{0, 9, []int64{2, 5}, true}, {10, 19, []int64{13}, false}},
	} {
		t.Run(name, func(t *testing.T) {
			c, o := fake(t)
			create(t, o, 1)
			serveLog(c, log)
			checkLog(limited(t), t, open(t, o), log)
		})
	}
}

func TestAnyLog(t *testing.T) {
	c, o := fake(t)
	create(t, o, 1)
	s := open(t, o)
	ctx := limited(t)
	var log []fakeBatch
	serveBytes(c, func(from int64) (end int64, raw []byte) { return answer(log, from) })
	rapid.Check(t, func(t *rapid.T) {
		log = anyLog(t)
		s.last.Store(nil) // it is another log
		checkLog(ctx, t, s, log)
	})
}

// checkLog reads the log from a few places and finds each record once.
func checkLog(ctx context.Context, t rapid.TB, s *source, log []fakeBatch) {
	t.Helper()
	end := log[len(log)-1].last + 1
	for _, from := range []int64{0, end / 3, end - 1} {
		var want, got []int64
		for _, b := range log {
			for _, offset := range b.offsets {
				if offset >= from {
					want = append(want, offset)
				}
			}
		}
		err := s.readAll(ctx, from, end, func(_ int, r pipeline.Record) error {
			if string(r.Key) != "key" || string(r.Value) != "value" {
				t.Errorf("at %d: %q %q", r.Offset, r.Key, r.Value)
			}
			got = append(got, r.Offset)
			return nil
		})
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("from %d: got %v, %v; want %v", from, got, err, want)
		}
	}
}

// Record batches that make kafka-go panic are an error, and not the end of the process.
func TestPanicInTheDecoder(t *testing.T) {
	c, o := fake(t)
	create(t, o, 1)
	good := fakeBatch{0, 0, []int64{0}, false}.bytes()
	bad := fakeBatch{1, 1, []int64{1}, false}.bytes()
	bad = append(bad[:len(bad)-1], 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01) // 2^63 - 1 headers
	serveBytes(c, func(from int64) (int64, []byte) {
		if from == 0 {
			return 2, append(slices.Clone(good), bad...)
		}
		return 2, bad
	})
	s := open(t, o)
	b, err := s.Fetch(limited(t), 0)
	if err != nil || len(b.Records) != 1 || b.Next != 1 {
		t.Errorf("the record before it: %+v, %v", b, err)
	}
	if _, err := s.Fetch(limited(t), 1); !errors.Is(err, errDecoder) || !strings.Contains(err.Error(), o.Topic) {
		t.Errorf("got %v, want an error of the decoder that names the topic", err)
	}
}

// A broker may have no bytes to give in time although there are records: that is no fault and no gap.
func TestNoBytesThoughThereAreRecords(t *testing.T) {
	c, o := fake(t)
	create(t, o, 1)
	fetches := 0
	serveBytes(c, func(int64) (int64, []byte) {
		if fetches++; fetches < 3 {
			return 1, []byte{}
		}
		return 1, fakeBatch{0, 0, []int64{0}, false}.bytes()
	})
	s := open(t, o)
	for _, want := range []int{0, 0, 1} {
		b, err := s.Fetch(limited(t), 0)
		if err != nil || len(b.Records) != want || b.Next != int64(want) {
			t.Fatalf("got %+v, %v; want %d records", b, err, want)
		}
	}
}

func TestFetchEndsWithItsContext(t *testing.T) {
	c, o := fake(t)
	create(t, o, 1)
	write(t, o, "sender", "one")
	o.FetchWait = time.Hour
	s := open(t, o)
	ctx, cancel := context.WithCancel(limited(t))
	waiting := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Count: -1, Observe: true, When: func(kmsg.Request) bool {
		cancel()
		return true
	}})
	if _, err := s.Fetch(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	waiting.Remove()
	if b, err := s.Fetch(limited(t), 0); err != nil || len(b.Records) != 1 {
		t.Errorf("afterwards: %+v, %v", b, err)
	}
}

func TestFollowsTheLeader(t *testing.T) {
	c, o := fake(t)
	ctx := limited(t)
	create(t, o, 1)
	write(t, o, "sender", numbered(0, 3)...)
	s := open(t, o)
	if _, err := s.Fetch(ctx, 0); err != nil {
		t.Fatal(err)
	}
	node, _, err := c.AddNode(-1, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.MoveTopicPartition(o.Topic, 0, node); err != nil {
		t.Fatal(err)
	}
	b, err := s.Fetch(ctx, 1)
	if !errors.Is(err, kafka.NotLeaderForPartition) {
		t.Fatalf("just after the move: %+v, %v", b, err)
	}
	for err != nil && ctx.Err() == nil {
		b, err = s.Fetch(ctx, 1)
	}
	if err != nil || len(b.Records) != 2 {
		t.Errorf("%+v, %v", b, err)
	}
}

// A documented limit: kafka-go does not see that a broker has put its own time on a record batch. Should this test
// fail, the limit is gone, and so should be what doc.go says about it.
func TestLogAppendTimeIsNotSeen(t *testing.T) {
	everywhere(t, func(t *testing.T, o Options) {
		create(t, o, 1, "message.timestamp.type", "LogAppendTime")
		write(t, o, "sender", "parcel")
		b, err := open(t, o).Fetch(limited(t), 0)
		if err != nil || b.Records[0].Time != timeOf(0) {
			t.Errorf("%+v, %v", b, err)
		}
	})
}

func BenchmarkFetch(b *testing.B) {
	for _, compression := range []string{"none", "lz4", "zstd"} {
		b.Run(compression, func(b *testing.B) {
			c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "shipments"))
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			o := Options{Brokers: c.ListenAddrs(), Topic: "shipments", Compression: compression}.withDefaults()
			p := NewProducer(o)
			defer p.Close()
			value := strings.Repeat(`{"sender_id":"S-1045","destination":"VNSGN"}`, 6)
			if err := p.Write(b.Context(), messages(o.Topic, "S-1045", slices.Repeat([]string{value}, 50_000)...)); err != nil {
				b.Fatal(err)
			}
			s := &source{cluster: o.connect(o.Topic), topic: o.Topic}
			defer s.cluster.close()
			defer s.close()
			b.ReportAllocs()
			b.ResetTimer()
			next := int64(0)
			for n := 0; n < b.N; {
				batch, err := s.Fetch(b.Context(), next)
				if err != nil {
					b.Fatal(err)
				}
				n += len(batch.Records)
				if next = batch.Next; next == batch.End {
					next = 0
				}
			}
		})
	}
}
