package detectortest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/parcelsentry/parcelsentry/detector"
)

// condition is one word of an alert line.
type condition struct {
	text, name, want string
	compare          comparison // of a number
}

func numbers() map[string]func(*detector.Alert) float64 {
	return map[string]func(*detector.Alert) float64{
		"observed":       func(a *detector.Alert) float64 { return a.Observed },
		"expected":       func(a *detector.Alert) float64 { return a.Expected },
		"score":          func(a *detector.Alert) float64 { return a.Score },
		"items":          func(a *detector.Alert) float64 { return float64(a.ItemsTotal) },
		"held":           func(a *detector.Alert) float64 { return float64(a.Held) },
		"counterfactual": func(a *detector.Alert) float64 { return a.Counterfactual },
		"one_in":         func(a *detector.Alert) float64 { return a.OneIn },
	}
}

func texts() map[string]func(*detector.Alert) string {
	return map[string]func(*detector.Alert) string{
		"severity": func(a *detector.Alert) string { return string(a.Severity) },
		"baseline": func(a *detector.Alert) string { return string(a.Baseline.Source) },
		"event":    func(a *detector.Alert) string { return a.EventID },
		"reasons":  reasons,
		"late": func(a *detector.Alert) string {
			if a.Late {
				return "yes"
			}
			return "no"
		},
	}
}

func reasons(a *detector.Alert) string {
	var all []string
	for _, r := range a.Reasons {
		all = append(all, r.Detector)
	}
	return strings.Join(all, "+")
}

func parseCondition(word string) (condition, error) {
	at := strings.IndexAny(word, "<>=")
	if at <= 0 {
		return condition{}, fmt.Errorf("%q is no condition: write it like observed>=15 or severity=high, without spaces", word)
	}
	name, operator, want := word[:at], word[at:at+1], word[at+1:]
	if rest, ok := strings.CutPrefix(want, "="); ok && operator != "=" {
		operator, want = operator+"=", rest
	}
	c := condition{text: word, name: name, want: want}
	if numbers()[name] != nil {
		var err error
		c.compare, err = parseComparison(operator, want)
		return c, err
	}
	if texts()[name] == nil {
		return c, fmt.Errorf("an alert has no %q: write one of %s, %s", name, names(numbers()), names(texts()))
	}
	if operator != "=" {
		return c, fmt.Errorf("%q is compared with = only", name)
	}
	return c, nil
}

func (c *condition) holds(a *detector.Alert) bool {
	if number := numbers()[c.name]; number != nil {
		return c.compare.holds(number(a))
	}
	return texts()[c.name](a) == c.want
}

// of tells what the alert has where the condition looks.
func (c *condition) of(a *detector.Alert) string {
	if number := numbers()[c.name]; number != nil {
		return strconv.FormatFloat(number(a), 'g', -1, 64)
	}
	return texts()[c.name](a)
}
