package detectortest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/parcelsentry/parcelsentry/detector"
)

// alert expects the next alert in order.
type alert struct {
	activity   detector.Activity
	rule       string
	of         subject
	conditions []condition
	text       string
}

func parseAlert(words []string) (statement, error) {
	const usage = "write: alert create|update|close RULE SUBJECT [observed>=15] [severity=high] …"
	if len(words) < 3 {
		return nil, fmt.Errorf("an activity, a rule and a subject are needed; %s", usage)
	}
	a := alert{activity: detector.Activity(words[0]), rule: words[1], text: strings.Join(words, " ")}
	switch a.activity {
	case detector.Create, detector.Update, detector.Close:
	default:
		return nil, fmt.Errorf("an alert is not %q; %s", words[0], usage)
	}
	of, rest, err := takeSubject(words[2:])
	if err != nil {
		return nil, err
	}
	a.of = of
	for _, w := range rest {
		c, err := parseCondition(w)
		if err != nil {
			return nil, err
		}
		a.conditions = append(a.conditions, c)
	}
	return a, nil
}

func (a alert) play(w *world) error {
	if len(w.unread) == 0 {
		return failed(a.text, "no alert. The last event of %s: %s", a.of, w.describeLast(a.of))
	}
	got := &w.unread[0].alert
	if got.Activity != a.activity || got.Rule != a.rule || !a.of.is(got.Entity) {
		return failed(a.text, "%s", describe(got))
	}
	for _, c := range a.conditions {
		if !c.holds(got) {
			return failed(a.text, "%s\nnot %s: it is %s", describe(got), c.text, c.of(got))
		}
	}
	w.unread = w.unread[1:]
	return nil
}

// quiet expects that no alert is left.
type quiet struct{ of *subject } // nil is anybody

func parseQuiet(words []string) (statement, error) {
	if len(words) == 0 {
		return quiet{}, nil
	}
	of, rest, err := takeSubject(words)
	if err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("write: quiet SUBJECT, or quiet alone for everybody")
	}
	return quiet{&of}, nil
}

func (q quiet) play(w *world) error {
	for i := range w.unread {
		if a := &w.unread[i].alert; q.of == nil || q.of.is(a.Entity) {
			return failed("no alert", "%s", describe(a))
		}
	}
	return nil
}

// total expects a number of an entity.
type total struct {
	what    string
	of      subject
	compare comparison
}

func parseTotal(what string, words []string) (statement, error) {
	of, rest, err := takeSubject(words)
	if len(rest) == 1 {
		rest = []string{"=", rest[0]}
	}
	if err != nil || len(rest) != 2 {
		return nil, fmt.Errorf("write: %s SUBJECT 12, or %s SUBJECT >= 12", what, what)
	}
	t := total{what: what, of: of}
	t.compare, err = parseComparison(rest[0], rest[1])
	return t, err
}

func (t total) play(w *world) error {
	s := w.known(t.of)
	var n int64
	switch t.what {
	case "flagged":
		n, s.flagged = s.flagged, 0
	case "held":
		n, s.held = s.held, 0
	case "counted":
		n = w.stored.load(t.of.key(), w.set.Ladder()).Events()
	case "fields":
		n = int64(w.stored.load(t.of.key(), w.set.Ladder()).Fields())
	}
	if !t.compare.holds(float64(n)) {
		return failed(fmt.Sprintf("%s of %s %s", t.what, t.of, t.compare), "%d", n)
	}
	return nil
}

// score expects what a rule made of an entity's last event.
type score struct {
	rule      string
	of        subject
	abstained bool
	compare   comparison
}

func parseScore(words []string) (statement, error) {
	s, rest, err := parseJudged(words)
	if err != nil || len(rest) != 2 {
		return nil, fmt.Errorf("write: score RULE SUBJECT >= 3")
	}
	s.compare, err = parseComparison(rest[0], rest[1])
	return s, err
}

func parseAbstain(words []string) (statement, error) {
	s, rest, err := parseJudged(words)
	if err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("write: abstain RULE SUBJECT")
	}
	s.abstained = true
	return s, nil
}

// parseJudged reads a rule and whom it judged, and gives what follows.
func parseJudged(words []string) (score, []string, error) {
	if len(words) == 0 {
		return score{}, nil, fmt.Errorf("a rule is missing")
	}
	of, rest, err := takeSubject(words[1:])
	return score{rule: words[0], of: of}, rest, err
}

func (s score) play(w *world) error {
	at := slices.Index(w.set.Rules(), s.rule)
	if at < 0 {
		return fmt.Errorf("no rule %q is on: there are %s", s.rule, strings.Join(w.set.Rules(), ", "))
	}
	expected := fmt.Sprintf("%s scores %s", s.rule, s.compare)
	if s.abstained {
		expected = s.rule + " abstains"
	}
	findings := w.known(s.of).last.Findings
	if findings == nil {
		return failed(expected, "%s", w.describeLast(s.of))
	}
	f := &findings[at]
	if f.Rule == "" {
		return failed(expected, "%s does not judge such an event", s.rule)
	}
	if (f.Abstained != "") != s.abstained || !s.abstained && !s.compare.holds(f.Score) {
		return failed(expected, "%s", describeFinding(f))
	}
	return nil
}

// outcome expects what became of the last event.
type outcome struct{ want detector.Outcome }

func parseOutcome(words []string) (statement, error) {
	known := []detector.Outcome{detector.Counted, detector.NotShipment, detector.Duplicate, detector.SameItem, detector.TooLate, detector.Future}
	if len(words) == 1 && slices.Contains(known, detector.Outcome(words[0])) {
		return outcome{detector.Outcome(words[0])}, nil
	}
	return nil, fmt.Errorf("write: outcome with one of %v", known)
}

func (o outcome) play(w *world) error {
	if w.outcome != o.want {
		return failed(string(o.want), "%s", w.outcome)
	}
	return nil
}

// comparison holds a number against another.
type comparison struct {
	operator string
	number   float64
}

func parseComparison(operator, number string) (comparison, error) {
	n, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return comparison{}, fmt.Errorf("%q is no number", number)
	}
	if !slices.Contains([]string{">=", "<=", ">", "<", "="}, operator) {
		return comparison{}, fmt.Errorf("%q does not compare: write >=, <=, >, < or =", operator)
	}
	return comparison{operator, n}, nil
}

func (c comparison) holds(x float64) bool {
	switch c.operator {
	case ">=":
		return x >= c.number
	case "<=":
		return x <= c.number
	case ">":
		return x > c.number
	case "<":
		return x < c.number
	}
	return x == c.number
}

// String gives the comparison as it is written.
func (c comparison) String() string {
	return c.operator + " " + strconv.FormatFloat(c.number, 'g', -1, 64)
}
