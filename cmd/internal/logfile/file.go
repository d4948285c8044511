package logfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// file is one input, opened and decompressed.
type file struct {
	rows    rows
	closers []func() error // the last opened comes last
}

// bufferSize is large enough to make system calls rare.
const bufferSize = 256 << 10

func openFile(path string, stdin io.Reader, read *atomic.Int64) (*file, error) {
	f := &file{}
	raw := stdin
	if path != Stdin {
		opened, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		f.closers = append(f.closers, opened.Close)
		raw = opened
	}
	text, err := f.decompress(bufio.NewReaderSize(&counter{raw, read}, bufferSize))
	if err == nil {
		err = dropMark(text)
	}
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	if isCSV(path) {
		f.rows = newTable(text)
	} else {
		f.rows = &textLines{in: text}
	}
	return f, nil
}

func (f *file) close() error {
	var errs []error
	for i := len(f.closers) - 1; i >= 0; i-- {
		errs = append(errs, f.closers[i]())
	}
	f.closers = nil
	return errors.Join(errs...)
}

// counter adds up what is read.
type counter struct {
	from io.Reader
	read *atomic.Int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.from.Read(b)
	c.read.Add(int64(n))
	return n, err
}

// isCSV goes by the name: nothing in the bytes of a CSV file says that it is one.
func isCSV(path string) bool {
	name := strings.ToLower(path)
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst")
	return strings.HasSuffix(name, ".csv")
}

const longestMagic = 6

// decompress gives the text in a stream, by the stream's first bytes.
func (f *file) decompress(in *bufio.Reader) (*bufio.Reader, error) {
	magic, err := in.Peek(longestMagic)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	starts := func(with string) bool { return bytes.HasPrefix(magic, []byte(with)) }
	switch {
	case starts("\x1f\x8b"):
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("gzip: %w", err)
		}
		// It is not closed: that would free nothing, and only repeat the error that ended reading.
		return bufio.NewReaderSize(z, bufferSize), nil
	case starts("\x28\xb5\x2f\xfd"), skippable(magic):
		// With a concurrency of 1 the decoder starts no goroutine.
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, fmt.Errorf("zstd: %w", err)
		}
		f.closers = append(f.closers, func() error { z.Close(); return nil })
		return bufio.NewReaderSize(z, bufferSize), nil
	case starts("BZh"), starts("\xfd7zXZ\x00"), starts("PK\x03\x04"):
		return nil, errors.New("this is bzip2, xz or zip; compress it with gzip or zstd instead, or not at all")
	case starts("\xff\xfe"), starts("\xfe\xff"):
		return nil, errors.New("this is UTF-16; save it as UTF-8")
	}
	return in, nil
}

// skippable tells a zstd stream that begins with a skippable frame, as parallel compressors write it (RFC 8878, 3.1.2).
func skippable(magic []byte) bool {
	return len(magic) >= 4 && magic[0]&0xf0 == 0x50 && bytes.Equal(magic[1:4], []byte("\x2a\x4d\x18"))
}

// dropMark passes over a UTF-8 byte-order mark, which editors and spreadsheets put before the first line.
func dropMark(text *bufio.Reader) error {
	const mark = "\xef\xbb\xbf"
	start, err := text.Peek(len(mark))
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if string(start) != mark {
		return nil
	}
	_, err = text.Discard(len(mark))
	return err
}
