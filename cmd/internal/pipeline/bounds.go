package pipeline

// maxUnflushedBytes bounds what records take that were read and are not applied, unless Limits say otherwise, and what
// outputs take that are not acknowledged. Both have a bound in number, which says nothing of records of a mebibyte. It is
// 200,000 records of 335 bytes, so that with usual ones the number decides.
const maxUnflushedBytes = 64 << 20

// full is back-pressure: too much is counted and not applied, or said and not acknowledged. What waits in the working
// set stops the worker only while there is something that a flush can take away.
func (w *Worker) full() bool {
	unflushed, unheard := w.inTransit()
	_, unheardBytes := w.unacknowledged()
	bytes := w.passedBytes
	if w.flight != nil {
		bytes += w.flight.bytes
	}
	return max(unflushed, unheard) >= w.options.Limits.MaxUnflushed ||
		bytes >= w.options.Limits.MaxUnflushedBytes || unheardBytes >= maxUnflushedBytes ||
		w.held() >= w.options.Limits.WorkingSet && (w.flight != nil || w.processed.Offset > w.applied.Offset)
}

// held is what entities with changes take, in bytes.
func (w *Worker) held() (bytes int64) {
	for _, s := range w.shards {
		bytes += s.set.heldBytes
	}
	return bytes
}

// crowded tells that what waits for a flush takes half of what it may, so that one is due, while the other half can
// fill.
func (w *Worker) crowded() bool {
	return w.passedBytes >= w.options.Limits.MaxUnflushedBytes/2 || w.held() >= w.options.Limits.WorkingSet/2
}

// size is about what the record takes in memory.
func (r *Record) size() int64 {
	const itself = 64
	n := itself + int64(len(r.Key)+len(r.Value))
	for _, h := range r.Headers {
		n += itself + int64(len(h.Key)+len(h.Value))
	}
	return n
}

// size is about what the output takes in memory.
func (o *Output) size() int64 {
	const itself = 256
	switch {
	case o.Alert != nil:
		const alert = 2048 // with its texts and reasons
		n := int64(itself + alert)
		for _, item := range o.Alert.Items {
			n += int64(len(item))
		}
		return n
	case o.DeadLetter != nil:
		return itself + int64(len(o.DeadLetter.Error)) + o.DeadLetter.Record.size()
	}
	return itself
}
