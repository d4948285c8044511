package config

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// place is a position in the file.
type place struct{ line, column int }

func placeOf(n *yaml.Node) place { return place{n.Line, n.Column} }

// decoder fills a Config from nodes by the struct's yaml tags. It goes on after a fault, so that it finds all.
type decoder struct {
	faults []Fault
	places map[string]place // by path, of all that stands in the file
	faulty map[string]bool  // paths with a fault, at them or below
}

func newDecoder() *decoder {
	return &decoder{places: map[string]place{}, faulty: map[string]bool{}}
}

// fault notes a fault and marks its path.
func (d *decoder) fault(at place, path, format string, args ...any) {
	d.note(at, path, format, args...)
	d.mark(path)
}

func (d *decoder) note(at place, path, format string, args ...any) {
	if len(d.faults) == maxFaults {
		return
	}
	d.faults = append(d.faults, Fault{
		Line: at.line, Column: at.column, Path: path, Message: fmt.Sprintf(format, args...),
	})
}

// mark makes path and all above it faulty.
func (d *decoder) mark(path string) {
	for path != "" && !d.faulty[path] {
		d.faulty[path] = true
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
}

// value decodes a node. Null leaves v as it is.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string) {
	d.places[path] = placeOf(n)
	if message := unwanted(n); message != "" {
		d.fault(placeOf(n), path, "%s", message)
		return
	}
	switch {
	case n.ShortTag() == "!!null":
	case isMapping(v.Type()):
		d.mapping(n, v, path)
	case v.Kind() == reflect.Slice:
		d.list(n, v, path)
	case n.Kind != yaml.ScalarNode:
		d.fault(placeOf(n), path, "must be a single value, is %s", kindOf(n))
	default:
		if err := scalar(n, v); err != nil {
			d.fault(placeOf(n), path, "%v", err)
		}
	}
}

// unwanted refuses what makes a file hard to read and to bound: a configuration of this size needs no shorthand, and
// without it every value has one position.
func unwanted(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.AliasNode:
		return fmt.Sprintf("aliases such as *%s are not used here: write the value out, or put quotes around it", n.Value)
	case n.Anchor != "":
		return fmt.Sprintf("anchors such as &%s are not used here: remove it, or put quotes around the value", n.Anchor)
	case n.Style&yaml.TaggedStyle != 0:
		return fmt.Sprintf("tags such as %s are not used here: remove it, or put quotes around the value", n.Tag)
	}
	return ""
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.fault(placeOf(n), path, "must be a mapping with some of the keys %s, is %s", strings.Join(keys(v.Type()), ", "), kindOf(n))
		return
	}
	known := keys(v.Type())
	seen := map[string]place{}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := join(path, key.Value)
		first, again := seen[key.Value]
		index := slices.Index(known, key.Value)
		switch {
		case key.Kind != yaml.ScalarNode || unwanted(key) != "":
			d.fault(placeOf(key), path, "a key must be plain text, one of %s", strings.Join(known, ", "))
		case index < 0:
			d.fault(placeOf(key), join(path, brief(key.Value)), "%s", unknown(key.Value, known))
		case again:
			d.fault(placeOf(key), at, "is set twice, first in line %d: remove one", first.line)
		default:
			seen[key.Value] = placeOf(key)
			d.value(value, v.Field(index), at)
		}
	}
}

// brief keeps a made-up key from filling the message.
func brief(key string) string { return strings.Trim(show(key), `"`) }

func unknown(key string, known []string) string {
	if key == "<<" {
		return "merge keys are not used here: write the keys out"
	}
	if near := suggest(key, known); near != "" {
		return fmt.Sprintf("unknown key, did you mean %q?", near)
	}
	if path := elsewhere(key); path != "" {
		return fmt.Sprintf("unknown key here, did you mean %s?", path)
	}
	return "unknown key, known here are " + strings.Join(known, ", ")
}

// list replaces what v holds. An empty list becomes nil.
func (d *decoder) list(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode {
		d.fault(placeOf(n), path, "must be a list such as [a, b], is %s", kindOf(n))
		return
	}
	if n := len(n.Content); n > maxItems {
		d.fault(d.places[path], path, "must have at most %d items, has %d", maxItems, n)
		return
	}
	list := reflect.Zero(v.Type())
	for i, item := range n.Content {
		element := reflect.New(v.Type().Elem()).Elem()
		d.element(item, element, path+"["+strconv.Itoa(i)+"]")
		list = reflect.Append(list, element)
	}
	v.Set(list)
}

// element decodes what stands in a list. It has no default, so it must be there, and a mapping must have all keys.
// Where one is missing, and where one was perhaps misspelt, nothing more can be said about those that are not there.
func (d *decoder) element(n *yaml.Node, v reflect.Value, path string) {
	before := len(d.faults)
	if n.ShortTag() == "!!null" {
		d.fault(placeOf(n), path, "is empty: give a value, or remove it")
	}
	d.value(n, v, path)
	if !isMapping(v.Type()) {
		return
	}
	var missing []string
	for _, key := range keys(v.Type()) {
		if _, stands := d.places[join(path, key)]; !stands {
			missing = append(missing, key)
			d.faulty[join(path, key)] = true
		}
	}
	if len(missing) > 0 && len(d.faults) == before {
		d.fault(placeOf(n), path, "needs %s as well", strings.Join(missing, " and "))
	}
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	default:
		return show(n.Value)
	}
}

// scalar decodes a single value.
func scalar(n *yaml.Node, v reflect.Value) (err error) {
	switch target := v.Addr().Interface().(type) {
	case *time.Time:
		*target, err = parseDate(n.Value)
		return err
	case encoding.TextUnmarshaler:
		return target.UnmarshalText([]byte(n.Value))
	case *bool:
		if n.ShortTag() != "!!bool" || n.Decode(target) != nil {
			return fmt.Errorf("must be true or false, without quotes, is %s", show(n.Value))
		}
		return nil
	case *float64:
		if tag := n.ShortTag(); tag != "!!float" && tag != "!!int" || n.Decode(target) != nil || math.IsNaN(*target) || math.IsInf(*target, 0) {
			return fmt.Errorf("must be a number, without quotes, is %s", show(n.Value))
		}
		return nil
	}
	switch v.Kind() {
	case reflect.Int, reflect.Int64:
		if n.ShortTag() != "!!int" || n.Decode(v.Addr().Interface()) != nil {
			return fmt.Errorf("must be a whole number, without quotes, is %s", show(n.Value))
		}
		return nil
	case reflect.String:
		if n.ShortTag() != "!!str" {
			return fmt.Errorf("must be text: put quotes around %s", n.Value)
		}
		v.SetString(n.Value)
		return nil
	}
	return errors.New("has no known type")
}
