// Command eval prints, as markdown tables, what the evaluation kit's score.py said of the streams that eval.sh played.
//
//	eval [-write README] WORK SET...
//	eval [-write README] -check
//
// It reads WORK/SET-plain, SET-lines and SET-clean: ours.json of each, of the first also ours.txt and reference.json.
// With -write the tables replace what stands between the two marks of README as well; -check only says whether the
// marks are there. It exits 1 if anything is missing.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	begin = "<!-- eval begin -->\n"
	end   = "<!-- eval end -->\n"
	none  = "–"     // where the kit says nothing
	ours  = "score" // the column of replay's CSV that decides
	macro = "MACRO" // what the kit calls the mean over the kinds
)

func main() {
	readme := flag.String("write", "", "replace the text between the eval marks of this `file`")
	check := flag.Bool("check", false, "only say whether the marks are there")
	flag.Parse()
	if err := run(*readme, *check, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "eval:", err)
		os.Exit(1)
	}
}

func run(readme string, check bool, args []string) error {
	if check {
		return replace(readme, nil)
	}
	if len(args) < 2 {
		return errors.New("usage: eval [-write README] WORK SET, or more of the sets")
	}
	streams := make([]stream, 0, len(args)-1)
	for _, name := range args[1:] {
		s, err := readStream(args[0], name)
		if err != nil {
			return err
		}
		streams = append(streams, s)
	}
	text := tables(streams)
	if _, err := os.Stdout.WriteString(text); err != nil {
		return err
	}
	return replace(readme, []byte("\n"+text+"\n"))
}

// replace puts text between the marks of the file; nil leaves the file as it is. Without a path it does nothing.
func replace(path string, text []byte) error {
	if path == "" {
		return nil
	}
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, rest, ok := bytes.Cut(old, []byte(begin))
	_, tail, ok2 := bytes.Cut(rest, []byte(end))
	if !ok || !ok2 {
		return fmt.Errorf("%s lacks the lines %q and %q", path, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	if text == nil {
		return nil
	}
	return os.WriteFile(path, slices.Concat(head, []byte(begin), text, []byte(end), tail), 0o644)
}

// result is what score.py --json writes, as far as it is shown.
type result struct {
	Folders  []string                                 // one a seed
	Power    map[string]map[string]map[string]float64 // detector, false rate, kind: recall
	Practice map[string]map[string]float64            // rule or all, measure: value
	BySize   map[string][2]int                        `json:"by_size"` // "detector rate kind size": found, of
}

// stream is a data set with what came of its three variants.
type stream struct {
	name                           string
	plain, lines, clean, reference result
	delay                          map[string]string // by kind: parcels until found
}

func readStream(work, name string) (stream, error) {
	s := stream{name: name}
	for file, to := range map[string]*result{
		"plain/ours.json": &s.plain, "lines/ours.json": &s.lines, "clean/ours.json": &s.clean,
		"plain/reference.json": &s.reference,
	} {
		text, err := os.ReadFile(filepath.Join(work, name+"-"+file))
		if err != nil {
			return s, err
		}
		if err := json.Unmarshal(text, to); err != nil {
			return s, fmt.Errorf("%s-%s: %w", name, file, err)
		}
	}
	if s.plain.Power[ours] == nil || s.lines.Power[ours] == nil {
		return s, fmt.Errorf("%s: the scores have no column %q", name, ours)
	}
	text, err := os.ReadFile(filepath.Join(work, name+"-plain", "ours.txt"))
	if err != nil {
		return s, err
	}
	s.delay = readDelay(string(text), s.kinds())
	return s, nil
}

// readDelay takes our row of the delays, which score.py only prints: a cell for each kind that the stream holds.
func readDelay(text string, kinds []string) map[string]string {
	_, text, _ = strings.Cut(text, "\nPOWER: injected parcels until found")
	text, _, _ = strings.Cut(text, "\n\n")
	delay := map[string]string{}
	for line := range strings.Lines(text) {
		cells := strings.Fields(line)
		if len(cells) != len(kinds)+1 || cells[0] != ours {
			continue
		}
		for i, kind := range kinds {
			delay[kind] = strings.Replace(cells[i+1], "-", none, 1)
		}
	}
	return delay
}

// allKinds are the kinds of incidents, in score.py's order.
func allKinds() []string {
	return []string{"burst", "newburst", "route", "slow", "fanin", "structuring", "fanout", "ramp", "value"}
}

// kinds are those that the stream holds.
func (s *stream) kinds() []string {
	return slices.DeleteFunc(allKinds(), func(kind string) bool {
		_, ok := s.plain.Power[ours]["1"][kind]
		return !ok
	})
}

// incidents counts those of all seeds.
func (s *stream) incidents() int {
	n := 0
	for key, found := range s.plain.BySize {
		if strings.HasPrefix(key, ours+" 1 ") {
			n += found[1]
		}
	}
	return n
}

func (s *stream) title() string {
	switch s.name {
	case "sendy":
		return "Sendy"
	case "state":
		return "Olist, states"
	case "zip":
		return "Olist, post codes"
	}
	return s.name
}

// rel and abs are the means that score.py prints under these names.
func rel(rates map[string]map[string]float64) float64 {
	return mean(rates, "1/1000", "5/1000", "10/1000")
}
func abs(rates map[string]map[string]float64) float64 { return mean(rates, "0.5", "1", "3") }

func mean(rates map[string]map[string]float64, names ...string) float64 {
	sum := 0.0
	for _, name := range names {
		sum += rates[name][macro]
	}
	return sum / float64(len(names))
}

func tables(streams []stream) string {
	return strings.Join([]string{
		overall(streams), byKind(streams), asSent(streams), delays(streams), orderLines(streams), cleanStreams(streams),
	}, "\n")
}

func overall(streams []stream) string {
	t := newTable("")
	ourRow, names := []string{"**parcelsentry**"}, map[string]bool{}
	for i := range streams {
		s := &streams[i]
		t.head = append(t.head, s.title()+": rel", "abs")
		rates := s.plain.Power[ours]
		ourRow = append(ourRow, bold(three(rel(rates))), bold(three(abs(rates))))
		for name := range s.reference.Power {
			names[name] = true
		}
	}
	t.add(ourRow...)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		row := []string{name}
		for i := range streams {
			rates := streams[i].reference.Power[name]
			row = append(row, three(rel(rates)), three(abs(rates)))
		}
		t.add(row...)
	}
	return t.under("Share of the incidents found, a mean over their kinds, " + seeds(len(streams[0].plain.Folders)) +
		". *rel*: mean at 1, 5 and 10 false in 1,000 sender-days; *abs*: at 0.5, 1 and 3 a day.")
}

func byKind(streams []stream) string {
	t := newTable("", append(allKinds(), "macro", "incidents")...)
	for i := range streams {
		s := &streams[i]
		for _, at := range []struct{ rate, text string }{{"1", "1 a day"}, {"5/1000", "5 in 1,000"}} {
			row := append([]string{s.title() + ": " + at.text}, recall(s.plain.Power[ours][at.rate])...)
			t.add(append(row, fmt.Sprint(s.incidents()))...)
		}
	}
	return t.under("Found by kind, at 1 false sender-day a day and at 5 false in 1,000 sender-days.")
}

func asSent(streams []stream) string {
	t := newTable("", append(allKinds(), "macro", "false a day", "in 1,000", "alerts an incident")...)
	for i := range streams {
		all := streams[i].plain.Practice["all"]
		row := append([]string{streams[i].title()}, recall(all)...)
		t.add(append(row, two(all["false_per_day"]), two(all["false_per_1000"]), one(all["alerts_per_incident"]))...)
	}
	return t.under("Alerts as sent: incidents found by kind, false alerts a day, sender-days with a false alert in " +
		"1,000, alerts for each incident found.")
}

func delays(streams []stream) string {
	t := newTable("", allKinds()...)
	for i := range streams {
		row := []string{streams[i].title()}
		for _, kind := range allKinds() {
			cell, ok := streams[i].delay[kind]
			if !ok {
				cell = none
			}
			row = append(row, cell)
		}
		t.add(row...)
	}
	return t.under("Injected parcels until the incident is found, a mean over those found at 1 false sender-day a day.")
}

func orderLines(streams []stream) string {
	t := newTable("", "rel", "with lines", "difference", "abs", "with lines", "difference")
	for i := range streams {
		s := &streams[i]
		plain, lines := s.plain.Power[ours], s.lines.Power[ours]
		t.add(
			s.title(), three(rel(plain)), three(rel(lines)), signed(rel(lines)-rel(plain)),
			three(abs(plain)), three(abs(lines)), signed(abs(lines)-abs(plain)),
		)
	}
	return t.under("With 30 % of the shipments written as several order lines, an event each.")
}

func cleanStreams(streams []stream) string {
	t := newTable("", "false a day: clean", "with incidents", "in 1,000: clean", "with incidents")
	for i := range streams {
		clean, plain := streams[i].clean.Practice["all"], streams[i].plain.Practice["all"]
		t.add(
			streams[i].title(), two(clean["false_per_day"]), two(plain["false_per_day"]),
			two(clean["false_per_1000"]), two(plain["false_per_1000"]),
		)
	}
	return t.under("False alerts as sent on the same shipments without incidents.")
}

// recall gives a cell for every kind and one for their mean.
func recall(of map[string]float64) []string {
	var cells []string
	for _, kind := range append(allKinds(), macro) {
		cell := none
		if x, ok := of[kind]; ok {
			cell = two(x)
		}
		cells = append(cells, cell)
	}
	return cells
}

func one(x float64) string    { return fmt.Sprintf("%.1f", x) }
func two(x float64) string    { return fmt.Sprintf("%.2f", x) }
func three(x float64) string  { return fmt.Sprintf("%.3f", x) }
func signed(x float64) string { return fmt.Sprintf("%+.3f", x) }
func bold(s string) string    { return "**" + s + "**" }

func seeds(n int) string {
	if n == 1 {
		return "one seed"
	}
	return fmt.Sprintf("%d seeds pooled", n)
}

// table is a markdown table; all columns but the first hold numbers.
type table struct {
	head []string
	rows [][]string
}

func newTable(first string, columns ...string) *table {
	return &table{head: append([]string{first}, columns...)}
}

func (t *table) add(cells ...string) {
	t.rows = append(t.rows, cells)
}

// under gives the table below a line that says what it shows.
func (t *table) under(caption string) string {
	var b strings.Builder
	b.WriteString(caption + "\n\n")
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(t.head)
	line(append([]string{"---"}, slices.Repeat([]string{"---:"}, len(t.head)-1)...))
	for _, row := range t.rows {
		line(row)
	}
	return b.String()
}
