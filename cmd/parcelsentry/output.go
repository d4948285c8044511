package main

import (
	"errors"
	"io"
	"os"

	"github.com/parcelsentry/parcelsentry/cmd/internal/logfile"
)

// outputFiles are files being written. Each gets its name when all has gone well, so that a failed run leaves no half
// of a file that looks whole.
type outputFiles struct {
	open    []*os.File
	special []*os.File  // pipes and devices
	ends    []io.Closer // of what is compressed
	private bool        // new files are for their owner alone
}

// create opens a file beside the one to be written, compressed if it is called .gz or .zst; "" is nowhere, "-" is
// standard output. What is no ordinary file, such as a pipe or /dev/null, is written as it is: a rename would put a
// file in its place.
func (f *outputFiles) create(name string, stdout io.Writer) (io.Writer, error) {
	switch name {
	case "":
		return nil, nil
	case "-":
		return stdout, nil
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		file, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		f.special = append(f.special, file)
		return file, nil
	}
	mode := os.FileMode(0o666)
	if f.private {
		mode = 0o600
	}
	file, err := os.OpenFile(name+partial, os.O_RDWR|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return nil, err
	}
	f.open = append(f.open, file)
	out, err := logfile.Compress(name, file)
	if err != nil {
		return nil, err
	}
	f.ends = append(f.ends, out)
	return out, nil
}

const partial = ".partial"

// close ends all files; good tells whether they get their names. They don't, either, if one can't be written whole.
func (f *outputFiles) close(good bool) error {
	var errs []error
	for _, end := range f.ends {
		errs = append(errs, end.Close())
	}
	for _, file := range f.special {
		errs = append(errs, file.Close())
	}
	for _, file := range f.open {
		errs = append(errs, file.Close())
	}
	good = good && errors.Join(errs...) == nil
	for _, file := range f.open {
		name := file.Name()
		if good {
			errs = append(errs, os.Rename(name, name[:len(name)-len(partial)]))
		} else {
			errs = append(errs, os.Remove(name))
		}
	}
	return errors.Join(errs...)
}
