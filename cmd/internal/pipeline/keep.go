package pipeline

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"time"

	"github.com/parcelsentry/parcelsentry/detector"
)

// keep copies the events of the batch in hand that somebody may want to judge again, so that the batch can go. Most of a
// busy sender's events have had their place taken by then, and what judging needs is a part of an event. All lie in one
// piece of memory: tens of thousands of them wait for a flush, and the garbage collector need not look into them.
func (w *Worker) keep() {
	w.kept = w.kept[:0]
	for _, s := range w.shards {
		for _, e := range s.doubting {
			for i := range e.unsure {
				if it := e.unsure[i].item; it != nil && !it.kept {
					it.kept, it.place = true, len(w.kept)
					w.kept = appendKept(w.kept, it.event)
				}
			}
		}
	}
	all := bytes.Clone(w.kept)
	for _, s := range w.shards {
		for _, e := range s.doubting {
			for i := range e.unsure {
				if d := &e.unsure[i]; d.item != nil {
					d.kept, d.item = all[d.item.place:], nil
					d.judged.Put(nil)
				}
			}
			e.doubting = false
		}
		clear(s.doubting)
		s.doubting = s.doubting[:0]
	}
}

// What an event has, besides its texts.
const (
	keptWeight = 1 << iota
	keptValue
	keptRecordTime
	keptResubmitted
)

// appendKept appends what judging an event again needs of it: flags, the times, the offset, the amounts and the texts. Where it
// was resubmitted, which is seldom, that follows as JSON.
func appendKept(b []byte, e *detector.Event) []byte {
	start := len(b)
	b = append(b, 0)
	b = binary.AppendVarint(b, e.Time.UnixMilli())
	b = binary.AppendVarint(b, e.At.Offset)
	if !e.RecordTime.IsZero() {
		b[start] |= keptRecordTime
		b = binary.AppendVarint(b, e.RecordTime.UnixNano())
	}
	if e.WeightG.Known {
		b[start] |= keptWeight
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(e.WeightG.Value))
	}
	if e.DeclaredValue.Known {
		b[start] |= keptValue
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(e.DeclaredValue.Value))
	}
	for _, text := range [...]string{e.ID, string(e.Sender), string(e.Recipient), e.Item, string(e.Origin), string(e.Destination)} {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	if e.Resubmitted != nil {
		b[start] |= keptResubmitted
		text, err := json.Marshal(e.Resubmitted)
		if err != nil {
			panic(err) // it is made of numbers, texts and a time of this age
		}
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	return b
}

// event is the event that begins kept, of the source of this session.
func (w *Worker) event(kept []byte) *detector.Event {
	r := keptReader(kept[1:])
	e := &detector.Event{Time: time.UnixMilli(r.number()).UTC()}
	e.At.Source, e.At.Offset = w.source, r.number()
	flags := kept[0]
	if flags&keptRecordTime != 0 {
		e.RecordTime = time.Unix(0, r.number()).UTC()
	}
	if flags&keptWeight != 0 {
		e.WeightG = r.amount()
	}
	if flags&keptValue != 0 {
		e.DeclaredValue = r.amount()
	}
	e.ID = r.text()
	e.Sender, e.Recipient, e.Item = detector.Sender(r.text()), detector.Recipient(r.text()), r.text()
	e.Origin, e.Destination = detector.Place(r.text()), detector.Place(r.text())
	if flags&keptResubmitted != 0 {
		e.Resubmitted = &detector.Resubmitted{}
		if err := json.Unmarshal([]byte(r.text()), e.Resubmitted); err != nil {
			panic(err) // appendKept wrote it
		}
	}
	return e
}

// keptReader is what is still to be read of a kept event.
type keptReader []byte

func (r *keptReader) number() int64 {
	n, size := binary.Varint(*r)
	*r = (*r)[size:]
	return n
}

func (r *keptReader) amount() detector.Amount {
	bits := binary.LittleEndian.Uint64(*r)
	*r = (*r)[8:]
	return detector.Amount{Value: math.Float64frombits(bits), Known: true}
}

func (r *keptReader) text() string {
	n, size := binary.Uvarint(*r)
	text := (*r)[size:][:n]
	*r = (*r)[size:][n:]
	return string(text)
}
