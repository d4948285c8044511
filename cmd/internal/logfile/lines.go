package logfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// textLines gives a text line by line, without line ends and without blank lines.
type textLines struct {
	in     *bufio.Reader
	long   []byte // a line that did not fit into the buffer
	number int64
}

func (l *textLines) line() int64 { return l.number }

func (l *textLines) next() ([]byte, error) {
	for {
		line, err := l.read()
		if err != nil {
			return nil, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(bytes.TrimSpace(line)) > 0 {
			return line, nil
		}
	}
}

// read gives a line with its end; the last may have none.
func (l *textLines) read() ([]byte, error) {
	l.number++
	line, err := l.in.ReadSlice('\n')
	if err == nil {
		return line, nil
	}
	l.long = append(l.long[:0], line...)
	for errors.Is(err, bufio.ErrBufferFull) {
		line, err = l.in.ReadSlice('\n')
		l.long = append(l.long, line...)
		if len(bytes.TrimRight(l.long, "\r\n")) > MaxLine {
			return nil, errLong
		}
	}
	// What stands before a read error is no line: it may be half of one.
	if err == nil || (errors.Is(err, io.EOF) && len(l.long) > 0) {
		return l.long, nil
	}
	return nil, err
}

var errLong = fmt.Errorf("the line is longer than %d MiB; each event must be one line", MaxLine>>20)
