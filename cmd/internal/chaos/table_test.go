package chaos

import (
	"strings"
	"testing"
	"time"
)

func TestTable(t *testing.T) {
	results := []Result{
		{Scenario: "kill", Seed: 1, Faults: 2, Events: 100, Alerts: 3, AlertsRepeated: 1, Flags: 7, Letters: 1, Recovery: 1500 * time.Millisecond},
		{Scenario: "kill", Seed: 2, Faults: 3, Events: 120, Alerts: 4, Flags: 5, Letters: 2, Recovery: time.Second, Lost: 4, Problems: []string{"4 events are lost"}},
		{Scenario: "retention", Seed: 1, Faults: 1, Events: 50, Lost: 9, Named: 9},
	}
	got := table(results)
	for _, want := range []string{
		"| kill (1 FAILED) | 2 | 5 | 220 | 4 | 0 | 0 | 0 of 7 | 1 | 0 of 12 | 0 of 3 | 1.5 s |\n",
		"| retention | 1 | 1 | 50 | 9 | 9 | 0 | 0 of 0 | 0 | 0 of 0 | 0 of 0 | 0.0 s |\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the table has no line\n%sbut is\n%s", want, got)
		}
	}
	if l := line(&results[1]); !strings.HasSuffix(l, "FAILED") {
		t.Errorf("a failed run reads: %s", l)
	}
}

func TestPick(t *testing.T) {
	all, err := pick(Options{})
	if err != nil || len(all) != len(Scenarios())-1 {
		t.Errorf("without names %d of %d, %v", len(all), len(Scenarios()), err)
	}
	named := map[string]bool{}
	for _, s := range all {
		if named[s.Name] || s.Story == "" || s.play == nil {
			t.Errorf("scenario %q is there twice or not whole", s.Name)
		}
		named[s.Name] = true
	}
	if soak, err := pick(Options{Scenarios: []string{"soak"}}); err != nil || len(soak) != 1 || named["soak"] {
		t.Errorf("soak is not played by its name alone: %d, %v", len(soak), err)
	}
	short, err := pick(Options{Short: true})
	if err != nil || len(short) == 0 || len(short) >= len(all) {
		t.Errorf("%d are short of %d, %v", len(short), len(all), err)
	}
	if _, err := pick(Options{Scenarios: []string{"nothing"}}); err == nil {
		t.Error("an unknown name is taken")
	}
}
