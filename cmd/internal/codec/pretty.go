package codec

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"

	"github.com/parcelsentry/parcelsentry/detector"
)

// shownItems is how many items Pretty names: what fits a line.
const shownItems = 5

// Pretty tells an alert in a few lines for a person at a terminal, the last one ended too. Only with color there are
// ANSI sequences in it: what comes from events can't bring its own, since characters that don't print are replaced.
func Pretty(a *detector.Alert, color bool) string {
	paint := func(style, text string) string {
		if !color {
			return text
		}
		return "\x1b[" + style + "m" + text + "\x1b[0m"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s  %s  %s %s\n",
		paint(severityStyle(a.Severity), fmt.Sprintf("%-8s", strings.ToUpper(printable(string(a.Severity))))),
		printable(string(a.Activity)), a.EventAt.UTC().Format("2006-01-02 15:04:05 UTC"),
		printable(string(a.Entity.Kind)), paint(bold, printable(a.Entity.ID)))
	line := func(text string) { fmt.Fprintf(&b, "  %s\n", text) }
	line(printable(a.Text.EN))
	line(numbers(a))
	if text := itemsLine(a); text != "" {
		line(text)
	}
	if text := asides(a); text != "" {
		line(text)
	}
	line(paint(dim, "incident "+printable(a.Fingerprint)))
	return b.String()
}

// Parameters of the ANSI sequence "select graphic rendition".
const (
	bold = "1"
	dim  = "2"
)

func severityStyle(s detector.Severity) string {
	switch s {
	case detector.Critical:
		return "1;97;41" // white on red
	case detector.High:
		return "1;31" // red
	case detector.Medium:
		return "1;33" // yellow
	}
	return "36" // cyan
}

func numbers(a *detector.Alert) string {
	score := "score"
	if a.Activity == detector.Close {
		score = "highest score"
	}
	text := fmt.Sprintf("observed %s, expected %s; %s %s by %s", inDigits(a.Observed), inDigits(a.Expected), score, inDigits(a.Score), printable(a.Rule))
	if a.OneIn > 0 {
		text += fmt.Sprintf(", about one in %s %s-days", inDigits(a.OneIn), printable(string(a.Entity.Kind)))
	}
	return text + fmt.Sprintf("; up to %s would have stayed silent", inDigits(a.Counterfactual))
}

func itemsLine(a *detector.Alert) string {
	shown := a.Items[:min(len(a.Items), shownItems)]
	if len(shown) == 0 {
		if a.ItemsTotal == 0 {
			return ""
		}
		return fmt.Sprintf("items: %d", a.ItemsTotal)
	}
	text := "items: " + printable(strings.Join(shown, ", "))
	if more := a.ItemsTotal - int64(len(shown)); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// asides are what most alerts don't have to say.
func asides(a *detector.Alert) string {
	var text []string
	if len(a.Reasons) > 1 {
		var also []string
		for _, r := range a.Reasons[1:] {
			also = append(also, fmt.Sprintf("%s (%s)", printable(r.Detector), inDigits(r.Score)))
		}
		text = append(text, "also found by "+strings.Join(also, ", "))
	}
	if a.Held > 0 {
		text = append(text, fmt.Sprintf("%d held back by the cooldown", a.Held))
	}
	if a.Late {
		text = append(text, "a late event")
	}
	return strings.Join(text, "; ")
}

// inDigits writes a number with at most three decimals, as alerts carry.
func inDigits(x float64) string {
	return strconv.FormatFloat(math.Round(x*1000)/1000, 'f', -1, 64)
}

// printable replaces what could steer a terminal or reorder its text.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}
