package kafkaio

import (
	"github.com/segmentio/kafka-go/compress"
	"github.com/segmentio/kafka-go/compress/snappy"
)

// Of the levels that kafka-go leaves to its users the fastest are taken, as half of all events may be flagged: they take a
// tenth to a third less time, and the output gets a twentieth larger. Both are variables of that library.
func init() {
	compress.SnappyCodec.Compression = snappy.FasterCompression
	compress.ZstdCodec.Level = 1
}
