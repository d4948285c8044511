package kafkaio

import (
	"github.com/segmentio/kafka-go/compress"
	"github.com/segmentio/kafka-go/compress/snappy"
)

// Of the levels that kafka-go leaves to its users the fastest are taken, as flagged shipments come by the hundred
// thousand a second: they take a third less time, and the output gets a twentieth larger.
func init() {
	compress.SnappyCodec.Compression = snappy.FasterCompression
	compress.ZstdCodec.Level = 1
}
