package kafkaio

import (
	"errors"
	"fmt"
	"strings"

	"github.com/segmentio/kafka-go"
)

// MissingTopicsError tells that topics do not exist. Nothing creates them by accident.
type MissingTopicsError struct {
	Topics  []string
	Brokers []string
}

func (e *MissingTopicsError) Error() string {
	broker := "HOST:PORT"
	if len(e.Brokers) > 0 {
		broker = e.Brokers[0]
	}
	noun := "topic does"
	if len(e.Topics) > 1 {
		noun = "topics do"
	}
	return fmt.Sprintf("%s not exist: %s; create with: kafka-topics.sh --bootstrap-server %s --create --partitions 12 --topic %s",
		noun, strings.Join(e.Topics, ", "), broker, e.Topics[0])
}

// TooLargeError tells that a message is too large to be written, ever. Nothing of the call that it ended need have
// been written.
type TooLargeError struct {
	Topic string
	// Size is the size of the message in bytes, before compression and with some overhead.
	Size int
	// Limit is the size that was allowed, 0 if the broker refused the message and did not say.
	Limit int
}

func (e *TooLargeError) Error() string {
	if e.Limit == 0 {
		return fmt.Sprintf("message of %d bytes for topic %s: the broker takes no message as large as this (max.message.bytes)", e.Size, e.Topic)
	}
	return fmt.Sprintf("message of %d bytes for topic %s: at most %d are allowed", e.Size, e.Topic, e.Limit)
}

// errSetting marks settings that cannot work.
var errSetting = errors.New("wrong setting")

// Fatal reports whether err, of any function here, is one that no retry mends: a topic that is missing at the start, a
// refused password or permission, a setting that cannot work, a message too large. Everything else may pass: brokers
// that are away, leaders that move, topics that vanish while in use.
func Fatal(err error) bool {
	var missing *MissingTopicsError
	var large *TooLargeError
	if errors.As(err, &missing) || errors.As(err, &large) || errors.Is(err, errSetting) {
		return true
	}
	var code kafka.Error
	if !errors.As(err, &code) {
		return false
	}
	switch code {
	case kafka.TopicAuthorizationFailed, kafka.GroupAuthorizationFailed, kafka.ClusterAuthorizationFailed,
		kafka.SASLAuthenticationFailed, kafka.UnsupportedSASLMechanism, kafka.IllegalSASLState,
		kafka.InvalidTopic, kafka.InvalidGroupId, kafka.InvalidSessionTimeout, kafka.InconsistentGroupProtocol,
		kafka.UnsupportedVersion:
		return true
	}
	return false
}
