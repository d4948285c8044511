package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// checker notes what is wrong with values, at the place where they stand in the file.
type checker struct{ *decoder }

// require notes a fault of the settings at paths unless ok. It is placed at the first of them that stands in the file:
// the others have their defaults, so that one is what to change. A setting with a fault already is left alone: it
// doesn't have the value that was meant.
func (k *checker) require(ok bool, paths []string, format string, args ...any) {
	if path, noted := k.relate(ok, paths, format, args...); noted {
		k.mark(path)
	}
}

// relate is require for settings that are right each by itself, so that what else depends on them is still checked.
func (k *checker) relate(ok bool, paths []string, format string, args ...any) (path string, noted bool) {
	if ok || slices.ContainsFunc(paths, func(p string) bool { return k.faulty[p] }) {
		return "", false
	}
	path = paths[0]
	if i := slices.IndexFunc(paths, func(p string) bool { _, stands := k.places[p]; return stands }); i >= 0 {
		path = paths[i]
	}
	k.note(k.places[path], path, format, args...)
	return path, true
}

func between[T cmp.Ordered](k *checker, path string, v, low, high T) {
	k.require(v >= low && v <= high, []string{path}, "must be from %v to %v, is %v", low, high, v)
}

// score checks a score, about −log10 of a chance: 1e-300 is the end of what float64 computes well.
func score(k *checker, path string, v float64) {
	k.require(v > 0 && v <= 300, []string{path}, "must be above 0 and at most 300, is %v", v)
}

func oneOf[T ~string](k *checker, path string, v T, allowed ...T) {
	names := make([]string, len(allowed))
	for i, a := range allowed {
		names[i] = string(a)
	}
	k.require(slices.Contains(allowed, v), []string{path}, "must be %s, is %s", strings.Join(names, " or "), show(string(v)))
}

func distinct[T ~string](k *checker, path string, list []T) {
	for i, v := range list {
		first := slices.Index(list, v)
		k.require(first == i, []string{item(path, i)}, "%s is in the list twice: remove one", show(string(v)))
	}
}

// item is the path of an element of a list.
func item(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
