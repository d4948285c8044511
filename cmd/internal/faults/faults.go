// Package faults ends a process at chosen points of its work, for the fault harness. It is in a service only when that
// is built with the tag faults.
package faults

import (
	"fmt"
	"strconv"
	"strings"
)

// Variable names the environment variable that asks for a fault: kill:POINT:N ends the process the Nth time that it
// comes to a point, as SIGKILL does.
const Variable = "PARCELSENTRY_FAULT"

// Services that make a marked event poison: one panics when it is decoded, the other when it has been judged.
const (
	PoisonDecoder  = "poison-decoder"
	PoisonDetector = "poison-detector"
)

// A Point is a moment between two steps, or in the middle of one.
type Point string

// The points, in the order in which a partition comes to them.
const (
	BeforeBegin  Point = "before-begin" // of the first fences
	AfterBegin   Point = "after-begin"
	AfterFetch   Point = "after-fetch"
	AfterLoad    Point = "after-load"
	BeforeWrite  Point = "before-write" // of outputs
	InWrite      Point = "in-write"     // when half of them are out
	AfterWrite   Point = "after-write"  // they are acknowledged
	BeforeApply  Point = "before-apply"
	InApply      Point = "in-apply" // half of the buckets have their deltas
	AfterApply   Point = "after-apply"
	BeforeCommit Point = "before-commit"
	AfterCommit  Point = "after-commit"
)

// Points are all of them.
func Points() []Point {
	return []Point{
		BeforeBegin, AfterBegin, AfterFetch, AfterLoad, BeforeWrite, InWrite, AfterWrite, BeforeApply, InApply, AfterApply,
		BeforeCommit, AfterCommit,
	}
}

// Plan is what Variable asks for.
type Plan struct {
	Point Point
	N     int64 // the first time is 1
}

// String gives the plan as Variable takes it.
func (p Plan) String() string { return fmt.Sprintf("kill:%s:%d", p.Point, p.N) }

// Parse reads a plan; false for the empty text, which asks for nothing.
func Parse(text string) (Plan, bool, error) {
	if text == "" {
		return Plan{}, false, nil
	}
	parts := strings.Split(text, ":")
	if len(parts) == 3 && parts[0] == "kill" {
		n, err := strconv.ParseInt(parts[2], 10, 64)
		for _, p := range Points() {
			if err == nil && n > 0 && string(p) == parts[1] {
				return Plan{p, n}, true, nil
			}
		}
	}
	return Plan{}, false, fmt.Errorf("%s=%q is not kill:POINT:N", Variable, text)
}
