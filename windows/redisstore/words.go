package redisstore

import (
	"strconv"
	"sync"
)

// words are the arguments of a pipeline's commands in memory that they share, so that many short ones need no allocation each.
// It is used again for the next pipeline: go-redis has no more use for arguments once it has returned from a pipeline, whether
// that came to an end, to a time-out or to an end of its context.
type words struct {
	bytes []byte
	ends  []int // of each word, in bytes
	each  []word
	args  []any

	fences *fenceReads // of a load; nil outside the pool
}

// A word goes to the client as a pointer, which takes no allocation.
type word []byte

// MarshalBinary gives what is sent.
func (w *word) MarshalBinary() ([]byte, error) { return *w, nil }

// String gives the word as text, by which the client of a cluster finds the slot of a key.
func (w *word) String() string { return string(*w) }

// wordsPool has words for the pipelines of a store. What a large update made of them is given back in time.
type wordsPool struct{ free sync.Pool }

func (p *wordsPool) take() *words {
	if w, ok := p.free.Get().(*words); ok {
		return w
	}
	return &words{fences: &fenceReads{}}
}

// put takes words back that nobody uses any more.
func (p *wordsPool) put(w *words) {
	w.bytes, w.ends = w.bytes[:0], w.ends[:0]
	clear(w.args)
	w.args = w.args[:0]
	w.fences.empty()
	p.free.Put(w)
}

// end ends the word that was appended to bytes.
func (w *words) end() { w.ends = append(w.ends, len(w.bytes)) }

func (w *words) add(text string) {
	w.bytes = append(w.bytes, text...)
	w.end()
}

func (w *words) number(n int64) {
	w.bytes = strconv.AppendInt(w.bytes, n, 10)
	w.end()
}

// split gives the words, when all are there.
func (w *words) split() []word {
	w.each = w.each[:0]
	from := 0
	for _, end := range w.ends {
		w.each = append(w.each, w.bytes[from:end:end])
		from = end
	}
	return w.each
}

// command gives the arguments of one that begins with head and goes on with some of the words that split gave.
func (w *words) command(some []word, head ...any) []any {
	from := len(w.args)
	w.args = append(w.args, head...)
	for i := range some {
		w.args = append(w.args, &some[i])
	}
	return w.args[from:len(w.args):len(w.args)]
}
