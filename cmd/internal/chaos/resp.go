package chaos

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
)

// readValue appends the bytes of one value of Redis' protocol, version 2 or 3: a reply, or a request, which is an array.
func readValue(r *bufio.Reader, raw []byte) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return raw, err
	}
	raw = append(raw, line...)
	kind, text := line[0], string(bytes.TrimSpace(line[1:]))
	var n int
	switch kind {
	case '+', '-', ':', '_', ',', '#', '(':
		return raw, nil
	case '$', '=', '!', '*', '~', '>', '%', '|':
		if n, err = strconv.Atoi(text); err != nil {
			return raw, fmt.Errorf("a value of length %q", text)
		}
	default:
		return raw, fmt.Errorf("a value of kind %q", kind)
	}
	switch kind {
	case '$', '=', '!':
		return readBytes(r, raw, n)
	case '%':
		n *= 2
	case '|':
		n = 2*n + 1 // attributes come before the value that they belong to
	}
	for range n {
		if raw, err = readValue(r, raw); err != nil {
			return raw, err
		}
	}
	return raw, nil
}

// readBytes appends n bytes and the end of their line; -1 stands for none.
func readBytes(r *bufio.Reader, raw []byte, n int) ([]byte, error) {
	if n < 0 {
		return raw, nil
	}
	from := len(raw)
	raw = append(raw, make([]byte, n+len("\r\n"))...)
	_, err := io.ReadFull(r, raw[from:])
	return raw, err
}

// isPush tells that a value is no reply but something that the server says unasked.
func isPush(raw []byte) bool { return len(raw) > 0 && raw[0] == '>' }
