package kafkaio

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"hash/crc32"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

// fakeBatch is a record batch that covers the offsets from first to last, and holds records at some of them.
type fakeBatch struct {
	first, last int64
	offsets     []int64
	gzip        bool
}

// anyLog draws a log as compaction may leave it. Batches without records are not compressed, as with a real broker.
func anyLog(t *rapid.T) []fakeBatch {
	var log []fakeBatch
	next := int64(0)
	for range rapid.IntRange(1, 12).Draw(t, "batches") {
		b := fakeBatch{first: next, last: next + rapid.Int64Range(0, 5).Draw(t, "length")}
		if rapid.Bool().Draw(t, "with records") {
			b.gzip = rapid.Bool().Draw(t, "gzip")
			for offset := b.first; offset <= b.last; offset++ {
				if rapid.Bool().Draw(t, "kept") {
					b.offsets = append(b.offsets, offset)
				}
			}
			b.gzip = b.gzip && len(b.offsets) > 0
		}
		next = b.last + 1 + rapid.Int64Range(0, 2).Draw(t, "gap")
		log = append(log, b)
	}
	return log
}

// bytes gives the batch in the form of Kafka's log, format 2.
func (b fakeBatch) bytes() []byte {
	batch := kmsg.RecordBatch{
		FirstOffset: b.first, PartitionLeaderEpoch: -1, Magic: 2, LastOffsetDelta: int32(b.last - b.first),
		FirstTimestamp: 1, MaxTimestamp: 1, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: int32(len(b.offsets)),
	}
	for _, offset := range b.offsets {
		r := kmsg.Record{OffsetDelta: int32(offset - b.first), Key: []byte("key"), Value: []byte("value")}
		r.Length = int32(len(r.AppendTo(nil)) - 1) // a length of 0 takes one byte
		batch.Records = r.AppendTo(batch.Records)
	}
	if b.gzip {
		var compressed bytes.Buffer
		w := gzip.NewWriter(&compressed)
		_, _ = w.Write(batch.Records)
		_ = w.Close()
		batch.Attributes, batch.Records = 1, compressed.Bytes()
	}
	raw := batch.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[8:], uint32(len(raw)-12))
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}

// answer gives what a broker with this log answers to a fetch of few bytes: three batches from the one on that reaches
// the offset, and the next one cut off in the middle.
func answer(log []fakeBatch, from int64) (end int64, raw []byte) {
	whole := 3
	for _, b := range log {
		if b.last < from {
			continue
		}
		next := b.bytes()
		if whole == 0 {
			raw = append(raw, next[:len(next)/2]...)
			break
		}
		raw = append(raw, next...)
		whole--
	}
	return log[len(log)-1].last + 1, raw
}

// serveLog makes the broker answer fetches from a log.
func serveLog(c *kfake.Cluster, log []fakeBatch) {
	serveBytes(c, func(from int64) (int64, []byte) { return answer(log, from) })
}

// serveBytes makes the broker answer fetches with a high watermark and bytes of one's own.
func serveBytes(c *kfake.Cluster, give func(from int64) (end int64, raw []byte)) {
	c.ControlKey(kmsg.Fetch.Int16(), func(q kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		request := q.(*kmsg.FetchRequest)
		answer := request.ResponseKind().(*kmsg.FetchResponse)
		for _, t := range request.Topics {
			topic := kmsg.NewFetchResponseTopic()
			topic.Topic = t.Topic
			for _, p := range t.Partitions {
				partition := kmsg.NewFetchResponseTopicPartition()
				end, raw := give(p.FetchOffset)
				partition.Partition, partition.HighWatermark, partition.LastStableOffset = p.Partition, end, end
				partition.RecordBatches = raw
				topic.Partitions = append(topic.Partitions, partition)
			}
			answer.Topics = append(answer.Topics, topic)
		}
		return answer, nil, true
	})
}
