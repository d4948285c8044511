package deploy_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const dashboardFile = "grafana/dashboards/parcelsentry.json"

// dashboard is what the tests look at in a dashboard of Grafana's schema v1.
type dashboard struct {
	UID           string
	Title         string
	SchemaVersion int
	Editable      bool
	Templating    struct{ List []variable }
	Panels        []panel
}

type variable struct {
	Name       string
	Type       string
	Datasource datasource
	Definition string
	Query      any // a text for a data source, an object for a query
	Refresh    int
	AllValue   string
}

type panel struct {
	ID          int
	Type        string // "row" for a heading
	Title       string
	Description string
	Datasource  datasource
	GridPos     struct{ X, Y, W, H int }
	FieldConfig struct {
		Defaults struct{ Unit string }
	}
	Targets []target
}

type datasource struct{ Type, UID string }

type target struct {
	RefID        string
	Datasource   datasource
	Expr         string
	LegendFormat string
}

// panelQuery is one query of a dashboard, ready for Prometheus.
type panelQuery struct {
	Panel  string // the panel's title
	Raw    string // as Grafana has it
	Expr   string // with values for Grafana's variables
	Legend string
}

func readDashboard(t testing.TB) dashboard {
	t.Helper()
	var board dashboard
	if err := json.Unmarshal([]byte(read(t, dashboardFile)), &board); err != nil {
		t.Fatalf("%s: %v", dashboardFile, err)
	}
	return board
}

// anySeries gives the dashboard's variables values that every series matches.
func anySeries() map[string]string {
	return map[string]string{"job": ".+", "instance": ".+", "__rate_interval": "5m"}
}

// queries are all queries of the dashboard's panels, in order, with the values
// for its variables.
func (d dashboard) queries(values map[string]string) ([]panelQuery, error) {
	var queries []panelQuery
	for _, panel := range d.Panels {
		for _, target := range panel.Targets {
			expr, err := substitute(target.Expr, values)
			if err != nil {
				return nil, fmt.Errorf("panel %q: %w", panel.Title, err)
			}
			queries = append(queries, panelQuery{panel.Title, target.Expr, expr, target.LegendFormat})
		}
	}
	return queries, nil
}

// substitute replaces $name and ${name} by values[name]; an unknown name is an error.
func substitute(expr string, values map[string]string) (string, error) {
	var unknown []string
	out := regexp.MustCompile(`\$\{?(\w+)\}?`).ReplaceAllStringFunc(expr, func(use string) string {
		name := strings.Trim(use, "${}")
		value, ok := values[name]
		if !ok {
			unknown = append(unknown, name)
		}
		return value
	})
	if len(unknown) > 0 {
		return "", fmt.Errorf("no value for %s in %s", strings.Join(unknown, ", "), expr)
	}
	return out, nil
}

func TestSubstitute(t *testing.T) {
	values := map[string]string{"job": "a", "__rate_interval": "5m"}
	got, err := substitute(`rate(x{job=~"$job", y="${job}"}[$__rate_interval])`, values)
	if want := `rate(x{job=~"a", y="a"}[5m])`; got != want || err != nil {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	if _, err := substitute(`x{job="$jbo"}`, values); err == nil {
		t.Error("an unknown variable is no error")
	}
}

func TestDashboardLayout(t *testing.T) {
	board := readDashboard(t)
	if board.UID != "parcelsentry" || board.SchemaVersion != 39 || board.Editable {
		t.Errorf("uid %q, schema %d, editable %v", board.UID, board.SchemaVersion, board.Editable)
	}
	ids, titles := map[int]bool{}, map[string]bool{}
	cells := map[[2]int]string{}
	for _, panel := range board.Panels {
		if panel.ID == 0 || ids[panel.ID] {
			t.Errorf("panel %q: id %d is not unique", panel.Title, panel.ID)
		}
		if panel.Title == "" || titles[panel.Title] {
			t.Errorf("panel %d: title %q is not unique", panel.ID, panel.Title)
		}
		ids[panel.ID], titles[panel.Title] = true, true
		at := panel.GridPos
		if at.W <= 0 || at.H <= 0 || at.X < 0 || at.X+at.W > 24 {
			t.Errorf("panel %q does not fit the grid: %+v", panel.Title, at)
		}
		for x := at.X; x < at.X+at.W; x++ {
			for y := at.Y; y < at.Y+at.H; y++ {
				if other, taken := cells[[2]int{x, y}]; taken {
					t.Fatalf("panels %q and %q overlap", other, panel.Title)
				}
				cells[[2]int{x, y}] = panel.Title
			}
		}
	}
}

func TestDashboardRows(t *testing.T) {
	var rows []string
	for _, panel := range readDashboard(t).Panels {
		if panel.Type == "row" {
			rows = append(rows, panel.Title)
		}
	}
	if want := []string{"Is it working", "Is it blind", "Alerts", "State", "Errors", "Process"}; !slices.Equal(rows, want) {
		t.Errorf("rows are %q, want %q", rows, want)
	}
	readme := read(t, "README.md")
	for _, row := range rows {
		if !strings.Contains(readme, "| "+row+" |") {
			t.Errorf("README.md does not explain the row %q", row)
		}
	}
}

func TestDashboardPanels(t *testing.T) {
	prometheus := datasource{Type: "prometheus", UID: "${datasource}"}
	for _, panel := range readDashboard(t).Panels {
		if panel.Type == "row" {
			continue
		}
		t.Run(panel.Title, func(t *testing.T) {
			if panel.Description == "" {
				t.Error("has no description")
			}
			if panel.FieldConfig.Defaults.Unit == "" {
				t.Error("has no unit")
			}
			if panel.Datasource != prometheus {
				t.Errorf("asks %+v", panel.Datasource)
			}
			if len(panel.Targets) == 0 {
				t.Error("asks nothing")
			}
			refs := map[string]bool{}
			for _, target := range panel.Targets {
				if target.RefID == "" || refs[target.RefID] {
					t.Errorf("refId %q is not unique", target.RefID)
				}
				refs[target.RefID] = true
				if target.Datasource != prometheus {
					t.Errorf("query %s asks %+v", target.RefID, target.Datasource)
				}
				if target.LegendFormat == "" {
					t.Errorf("query %s has no legend", target.RefID)
				}
			}
		})
	}
}

func TestDashboardVariables(t *testing.T) {
	variables := map[string]variable{}
	for _, variable := range readDashboard(t).Templating.List {
		variables[variable.Name] = variable
	}
	if source := variables["datasource"]; source.Type != "datasource" || source.Query != "prometheus" {
		t.Errorf("datasource is %+v", source)
	}
	for _, name := range []string{"job", "instance"} {
		got := variables[name]
		// Without a definite value for All, a series that lacks the label is lost.
		if got.Type != "query" || got.AllValue != ".+" || got.Datasource.UID != "${datasource}" {
			t.Errorf("%s is %+v", name, got)
		}
		// 2: on each change of the time range, so that old instances can be chosen.
		if got.Refresh != 2 {
			t.Errorf("%s is read anew when %d, want 2", name, got.Refresh)
		}
		if !strings.HasPrefix(got.Definition, "label_values(parcelsentry_build_info") || !strings.HasSuffix(got.Definition, " "+name+")") {
			t.Errorf("%s comes from %s", name, got.Definition)
		}
		if query, ok := got.Query.(map[string]any); !ok || query["query"] != got.Definition {
			t.Errorf("%s is defined as %s and asks %v", name, got.Definition, got.Query)
		}
	}
}
