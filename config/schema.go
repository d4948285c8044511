package config

import (
	"iter"
	"reflect"
	"strings"
	"time"
)

// keys gives the keys of a mapping that is decoded into a struct, in order.
func keys(t reflect.Type) []string {
	all := make([]string, t.NumField())
	for i := range all {
		all[i] = t.Field(i).Tag.Get("yaml")
	}
	return all
}

// isMapping tells structs that stand as mappings from those that stand as one value.
func isMapping(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]()
}

// settings gives path and value of all settings below v. A list is one setting.
func settings(v reflect.Value, path string) iter.Seq2[string, reflect.Value] {
	return func(yield func(string, reflect.Value) bool) {
		if !isMapping(v.Type()) {
			yield(path, v)
			return
		}
		for i, key := range keys(v.Type()) {
			for p, w := range settings(v.Field(i), join(path, key)) {
				if !yield(p, w) {
					return
				}
			}
		}
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// suggest says what an unknown key was probably meant to be; "" if nothing is near.
func suggest(key string, among []string) string {
	const longest = 40
	if len(key) > longest {
		return ""
	}
	best, least := "", 2+len(key)/4
	for _, known := range among {
		if d := distance(key, known); d < least {
			best, least = known, d
		}
	}
	return best
}

// elsewhere gives the path of a setting or section with that key in another place; "" if there is none.
func elsewhere(key string) string {
	for path := range settings(reflect.ValueOf(Default()), "") {
		for at := path; at != ""; {
			i := strings.LastIndexByte(at, '.')
			if at[i+1:] == key {
				return at
			}
			at = at[:max(i, 0)]
		}
	}
	return ""
}

// distance is the number of characters to insert, remove or change that make b of a (Levenshtein), by bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
