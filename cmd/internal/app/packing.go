package app

import (
	"strconv"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/kafkaio"
	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
)

// packing is what the messages of one Write share: few and large pieces of memory, and the headers that many have alike.
// It is for one Write only, as the producer may read messages until much later when a Write is given up.
type packing struct {
	now    time.Time
	marked [2][2][]kafkaio.Header // by redelivered and degraded, nil until needed
	size   int                    // of a piece of memory
	memory []byte                 // the piece in use
}

const (
	// usualMessage is what a flagged shipment takes with its key, in bytes; most outputs are such.
	usualMessage = 256
	// roomyMessage is what hardly any message exceeds; one that does moves, and takes memory of its own.
	roomyMessage = 2 << 10
	largestPiece = 64 << 10
)

// newPacking is for so many messages, detected now.
func newPacking(messages int, now time.Time) *packing {
	return &packing{now: now, size: min(max(messages*usualMessage, roomyMessage), largestPiece)}
}

// add gives what write appends to the bytes that it is given.
func (p *packing) add(write func([]byte) []byte) []byte {
	if cap(p.memory)-len(p.memory) < roomyMessage {
		p.memory = make([]byte, 0, p.size)
	}
	start := len(p.memory)
	p.memory = write(p.memory)
	end := len(p.memory)
	return p.memory[start:end:end]
}

func (p *packing) text(text string) []byte {
	return p.add(func(b []byte) []byte { return append(b, text...) })
}

// marks are what depends on the run and not on the events. Nobody changes them.
func (p *packing) marks(o *pipeline.Output) []kafkaio.Header {
	marked := &p.marked[index(o.Redelivered)][index(o.Degraded)]
	if *marked == nil {
		*marked = marks(o, p.now)
	}
	return *marked
}

func index(is bool) int {
	if is {
		return 1
	}
	return 0
}

func marks(o *pipeline.Output, now time.Time) []kafkaio.Header {
	h := []kafkaio.Header{{Key: "detected_at", Value: now.UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z")}}
	if o.Redelivered {
		h = append(h, kafkaio.Header{Key: "redelivered", Value: strconv.AppendBool(nil, true)})
	}
	if o.Degraded {
		h = append(h, kafkaio.Header{Key: "degraded", Value: strconv.AppendBool(nil, true)})
	}
	return h
}
