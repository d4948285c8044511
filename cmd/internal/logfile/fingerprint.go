package logfile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
)

// Fingerprint names what files hold, one after the other: 16 hexadecimal digits of a hash of their bytes as they stand,
// whatever the files are called. It reads them once. Files that can't be read a second time, standard input and pipes,
// have none.
func Fingerprint(ctx context.Context, paths []string) (string, error) {
	all := sha256.New()
	for _, path := range paths {
		sum, err := hashFile(ctx, path)
		if err != nil {
			return "", err
		}
		all.Write(sum)
	}
	return hex.EncodeToString(all.Sum(nil)[:8]), nil
}

func hashFile(ctx context.Context, path string) ([]byte, error) {
	if path == Stdin {
		return nil, errors.New("standard input can't be read again; write it to a file")
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file that can be read again", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	for err == nil && ctx.Err() == nil {
		_, err = io.CopyN(h, f, 64<<20)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return h.Sum(nil), nil
}
