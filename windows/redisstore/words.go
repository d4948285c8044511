package redisstore

import "strconv"

// words are texts that share their memory, so that a command's many short arguments need no allocation each.
type words struct {
	bytes []byte
	ends  []int // of each word, in bytes
}

// grow makes room for as many bytes and words.
func (w *words) grow(bytes, n int) {
	w.bytes, w.ends = make([]byte, 0, bytes), make([]int, 0, n)
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

// split gives the words.
func (w *words) split() []string {
	all, from := string(w.bytes), 0
	texts := make([]string, len(w.ends))
	for i, end := range w.ends {
		texts[i] = all[from:end]
		from = end
	}
	return texts
}
