// Package kafkaio reads partitions from Kafka and writes messages to it, over segmentio/kafka-go. It is the only
// package that knows the client.
//
// A Group joins a consumer group and hands every partition that it is given to a function as a pipeline.Source. A
// Producer writes messages that are acknowledged by all replicas. No call of this package creates a topic but
// CreateTopics.
//
// Limits of the client, which no setting mends: rebalances stop the whole group for a moment; the records of aborted
// transactions are delivered like others, and so are control records; a record's time is the producer's even where the
// topic says LogAppendTime.
package kafkaio
