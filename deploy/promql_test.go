package deploy_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/prometheus/promql/parser"
)

// metric is what a query has to know of a metric.
type metric struct {
	kind   string // counter, gauge, histogram
	labels []string
}

// exportedMetrics are the metrics that the service exports, by name.
func exportedMetrics(t testing.TB) map[string]metric {
	t.Helper()
	metrics := map[string]metric{
		"parcelsentry_events_total":                    {"counter", []string{"outcome", "reason"}},
		"parcelsentry_event_time_lag_seconds":          {"gauge", []string{"topic", "partition"}},
		"parcelsentry_offset_lag":                      {"gauge", []string{"topic", "partition"}},
		"parcelsentry_profile_age_seconds":             {"gauge", []string{"topic", "partition"}},
		"parcelsentry_last_progress_timestamp_seconds": {"gauge", []string{"topic", "partition"}},
		"parcelsentry_alerts_total":                    {"counter", []string{"rule", "severity", "activity"}},
		"parcelsentry_suppressed_total":                {"counter", []string{"rule"}},
		"parcelsentry_abstained_total":                 {"counter", []string{"rule"}},
		"parcelsentry_flagged_total":                   {"counter", []string{"rule"}},
		"parcelsentry_score":                           {"histogram", []string{"rule"}},
		"parcelsentry_alert_latency_seconds":           {"histogram", nil},
		"parcelsentry_flush_duration_seconds":          {"histogram", nil},
		"parcelsentry_flush_events":                    {"histogram", nil},
		"parcelsentry_flush_entities":                  {"histogram", nil},
		"parcelsentry_working_set_entities":            {"gauge", nil},
		"parcelsentry_working_set_bytes":               {"gauge", nil},
		"parcelsentry_working_set_hits_total":          {"counter", nil},
		"parcelsentry_working_set_misses_total":        {"counter", nil},
		"parcelsentry_working_set_evictions_total":     {"counter", nil},
		"parcelsentry_rewinds_total":                   {"counter", []string{"cause"}},
		"parcelsentry_resubmitted_total":               {"counter", nil},
		"parcelsentry_rewound_records_total":           {"counter", []string{"cause"}},
		"parcelsentry_repair_records":                  {"gauge", []string{"topic", "partition"}},
		"parcelsentry_lost_records_total":              {"counter", nil},
		"parcelsentry_retries_total":                   {"counter", []string{"operation"}},
		"parcelsentry_assigned_partitions":             {"gauge", nil},
		"parcelsentry_operation_seconds":               {"gauge", []string{"operation"}},
		"parcelsentry_counted_offset":                  {"gauge", []string{"topic", "partition"}},
		"parcelsentry_unflushed_ratio":                 {"gauge", []string{"topic", "partition"}},
		"parcelsentry_unflushed_seconds":               {"gauge", []string{"topic", "partition"}},
		"parcelsentry_unacknowledged_seconds":          {"gauge", []string{"topic", "partition"}},
		"parcelsentry_last_counted_timestamp_seconds":  {"gauge", nil},
		"parcelsentry_judged_total":                    {"counter", []string{"rule"}},
		"parcelsentry_group_joined":                    {"gauge", nil},
		"parcelsentry_group_generations_total":         {"counter", nil},
		"parcelsentry_group_errors_total":              {"counter", nil},
		"parcelsentry_group_lost_commits_total":        {"counter", nil},
		"parcelsentry_topic_partitions":                {"gauge", nil},
		"parcelsentry_canary_seconds":                  {"gauge", []string{"partition"}},
		"parcelsentry_canary_missing":                  {"gauge", []string{"partition"}},
		"parcelsentry_canaries_total":                  {"counter", []string{"outcome"}},
		"parcelsentry_redis_up":                        {"gauge", nil},
		"parcelsentry_redis_evicted_keys_total":        {"counter", []string{"server"}},
		"parcelsentry_redis_evicting":                  {"gauge", []string{"server"}},
		"parcelsentry_redis_memory_bytes":              {"gauge", []string{"server"}},
		"parcelsentry_redis_memory_max_bytes":          {"gauge", []string{"server"}},
		"parcelsentry_config_info":                     {"gauge", []string{"hash"}},
		"parcelsentry_build_info":                      {"gauge", []string{"version", "goversion"}},
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		found := metric{kind: strings.ToLower(family.GetType().String())}
		for _, label := range family.GetMetric()[0].GetLabel() {
			found.labels = append(found.labels, label.GetName())
		}
		metrics[family.GetName()] = found
	}
	return metrics
}

// lookup finds the metric of a series: a histogram has several, with a suffix.
func lookup(metrics map[string]metric, series string) (name string, found metric, ok bool) {
	if found, ok := metrics[series]; ok && found.kind != "histogram" {
		return series, found, true
	}
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		name, cut := strings.CutSuffix(series, suffix)
		if found, ok := metrics[name]; cut && ok && found.kind == "histogram" {
			labels := found.labels
			if suffix == "_bucket" {
				labels = append(slices.Clone(labels), "le")
			}
			return name, metric{"counter", labels}, true
		}
	}
	return "", metric{}, false
}

// checkQuery says what is wrong with a query over these metrics, nil for nothing,
// and which metrics it reads.
func checkQuery(query panelQuery, metrics map[string]metric) (used []string, faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(query.Expr)
	if err != nil {
		return nil, []error{err}
	}
	labels := []string{"job", "instance"}
	var named []string // labels that the query names beside those of the series
	parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
		switch node := node.(type) {
		case *parser.AggregateExpr:
			named = append(named, node.Grouping...)
		case *parser.VectorSelector:
			name, found, ok := lookup(metrics, node.Name)
			if !ok {
				fault("the service exports no series %s", node.Name)
				return nil
			}
			used = append(used, name)
			labels = append(labels, found.labels...)
			if counted := insideRate(path); counted != (found.kind == "counter") {
				fault("%s is a %s, in a rate or increase: %v", node.Name, found.kind, counted)
			}
			known := append([]string{"__name__", "job", "instance"}, found.labels...)
			matched := map[string]bool{}
			for _, matcher := range node.LabelMatchers {
				matched[matcher.Name] = true
				if !slices.Contains(known, matcher.Name) {
					fault("%s has no label %s", node.Name, matcher.Name)
				}
			}
			if !matched["job"] || !matched["instance"] {
				fault("%s is read from all jobs and instances", node.Name)
			}
		}
		return nil
	})
	for _, match := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(query.Legend, -1) {
		named = append(named, match[1])
	}
	for _, label := range named {
		if !slices.Contains(labels, label) {
			fault("no series of the query has the label %s", label)
		}
	}
	return used, faults
}

// insideRate tells whether a selector, found below path, is counted over time.
func insideRate(path []parser.Node) bool {
	return slices.ContainsFunc(path, func(node parser.Node) bool {
		call, ok := node.(*parser.Call)
		return ok && slices.Contains([]string{"rate", "irate", "increase"}, call.Func.Name)
	})
}

func TestDashboardQueries(t *testing.T) {
	metrics := exportedMetrics(t)
	queries, err := readDashboard(t).queries(anySeries())
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, query := range queries {
		used, faults := checkQuery(query, metrics)
		for _, fault := range faults {
			t.Errorf("panel %q: %v\n%s", query.Panel, fault, query.Raw)
		}
		for _, name := range used {
			shown[name] = true
		}
		for _, span := range regexp.MustCompile(`\[([^\]]+)\]`).FindAllStringSubmatch(query.Raw, -1) {
			if span[1] != "$__rate_interval" {
				t.Errorf("panel %q counts over [%s], want [$__rate_interval]", query.Panel, span[1])
			}
		}
	}
	for name := range metrics {
		if strings.HasPrefix(name, "parcelsentry_") && !shown[name] {
			t.Errorf("%s is exported and on no panel", name)
		}
	}
}

// The check above would be worth nothing if it let these pass.
func TestCheckQueryFindsFaults(t *testing.T) {
	const all = `job=~".+", instance=~".+"`
	tests := []struct{ name, expr, legend, want string }{
		{"syntax", `sum(`, "", "parse error"},
		{"unknown metric", `parcelsentry_offset_lags{` + all + `}`, "", "exports no series"},
		{"histogram without suffix", `parcelsentry_score{` + all + `}`, "", "exports no series"},
		{"bare counter", `parcelsentry_flagged_total{` + all + `}`, "", "is a counter"},
		{"bare bucket", `histogram_quantile(0.5, parcelsentry_score_bucket{` + all + `})`, "", "is a counter"},
		{"rate of a gauge", `rate(parcelsentry_offset_lag{` + all + `}[5m])`, "", "is a gauge"},
		{"unknown label", `parcelsentry_offset_lag{` + all + `, rule="x"}`, "", "no label rule"},
		{"any job", `parcelsentry_offset_lag{instance=~".+"}`, "", "from all jobs"},
		{"grouping", `sum by (rule) (parcelsentry_offset_lag{` + all + `})`, "", "the label rule"},
		{"legend", `parcelsentry_offset_lag{` + all + `}`, "{{rule}}", "the label rule"},
		{"nothing", `sum by (le) (rate(parcelsentry_score_bucket{` + all + `}[5m]))`, "{{le}}", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, faults := checkQuery(panelQuery{Expr: test.expr, Legend: test.legend}, exportedMetrics(t))
			if got := fmt.Sprint(faults); (test.want == "") != (len(faults) == 0) || !strings.Contains(got, test.want) {
				t.Errorf("faults are %v, want %q", faults, test.want)
			}
		})
	}
}
