package deploy_test

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

type prometheusConfig struct {
	Global struct {
		ScrapeInterval string `yaml:"scrape_interval"`
	}
	RuleFiles     []string `yaml:"rule_files"`
	ScrapeConfigs []struct {
		JobName       string `yaml:"job_name"`
		StaticConfigs []struct {
			Targets []string
		} `yaml:"static_configs"`
	} `yaml:"scrape_configs"`
}

func TestPrometheusScrapesTheService(t *testing.T) {
	config := readYAML[prometheusConfig](t, "prometheus/prometheus.yaml")
	if len(config.ScrapeConfigs) != 1 || config.ScrapeConfigs[0].JobName != "parcelsentry" {
		t.Fatalf("jobs are %+v, want parcelsentry alone", config.ScrapeConfigs)
	}
	var targets []string
	for _, static := range config.ScrapeConfigs[0].StaticConfigs {
		targets = append(targets, static.Targets...)
	}
	if want := []string{"parcelsentry:9700"}; !slices.Equal(targets, want) {
		t.Errorf("targets are %v, want %v", targets, want)
	}
	file := readCompose(t)
	if _, ok := file.Services["parcelsentry"]; !ok {
		t.Error("compose has no service of the target's name")
	}
	if mount := "./prometheus/prometheus.yaml:/etc/prometheus/prometheus.yml:ro"; !slices.Contains(file.Services["prometheus"].Volumes, mount) {
		t.Errorf("compose does not mount %s", mount)
	}
	if docker := read(t, "Dockerfile"); !strings.Contains(docker, "EXPOSE 9700\n") {
		t.Error("the image does not expose the port that is scraped")
	}
}

type prometheusRules struct {
	Groups []struct {
		Name  string
		Rules []struct {
			Alert, Expr, For    string
			Labels, Annotations map[string]string
		}
	}
}

// TestPrometheusRules: every alert reads metrics that the service exports, and says what to do.
func TestPrometheusRules(t *testing.T) {
	if files := readYAML[prometheusConfig](t, "prometheus/prometheus.yaml").RuleFiles; !slices.Equal(files, []string{"rules.yaml"}) {
		t.Errorf("rule files %v", files)
	}
	if mount := "./prometheus/rules.yaml:/etc/prometheus/rules.yaml:ro"; !slices.Contains(readCompose(t).Services["prometheus"].Volumes, mount) {
		t.Errorf("compose does not mount %s", mount)
	}
	metrics, names := exportedMetrics(t), map[string]bool{}
	for _, group := range readYAML[prometheusRules](t, "prometheus/rules.yaml").Groups {
		for _, rule := range group.Rules {
			legend := regexp.MustCompile(`\$labels\.(\w+)`).ReplaceAllString(rule.Annotations["summary"], "{{$1}}")
			used, faults := checkQuery(panelQuery{Expr: rule.Expr, Legend: legend}, metrics)
			for _, fault := range faults {
				switch text := fault.Error(); {
				case strings.Contains(text, "from all jobs and instances"): // as an alert should
				case strings.Contains(text, "in a rate or increase: false") && strings.Contains(rule.Expr, "unless"):
					// A counter that begins above zero: it rose before anybody looked, and no increase shows that.
				default:
					t.Errorf("%s: %v", rule.Alert, fault)
				}
			}
			if names[rule.Alert] || rule.Alert == "" || len(used) == 0 || rule.For == "" || rule.Labels["severity"] == "" {
				t.Errorf("%+v", rule)
			}
			names[rule.Alert] = true
			for _, name := range []string{"summary", "description"} {
				if len(rule.Annotations[name]) < 20 {
					t.Errorf("%s has no %s", rule.Alert, name)
				}
			}
		}
	}
	if len(names) == 0 {
		t.Error("there are no alerts")
	}
	readme := read(t, "README.md")
	for name := range names {
		if !strings.Contains(readme, "| "+name+" |") {
			t.Errorf("README.md does not tell what to do about %s", name)
		}
	}
}

// prometheusRulesTest is what promtool takes.
type prometheusRulesTest struct {
	RuleFiles          []string `yaml:"rule_files"`
	EvaluationInterval string   `yaml:"evaluation_interval"`
	Tests              []struct {
		Name     string
		Interval string
		Series   []struct{ Series, Values string } `yaml:"input_series"`
		Checks   []struct {
			EvalTime string `yaml:"eval_time"`
			Expr     string
			Samples  []struct {
				Labels string
				Value  float64
			} `yaml:"exp_samples"`
		} `yaml:"promql_expr_test"`
	}
}

// TestPrometheusRulesFire: promtool lets every alert fire, and lets none fire in hours in which all is well, when every
// series that the alerts read is there.
func TestPrometheusRulesFire(t *testing.T) {
	const file = "prometheus/rules_test.yaml"
	fires := map[string]bool{}
	var calm string
	for _, test := range readYAML[prometheusRulesTest](t, file).Tests {
		quiet := true
		for _, check := range test.Checks {
			if check.Expr != `count by (alertname) (ALERTS{alertstate="firing"})` {
				t.Errorf("%s: asks %s", test.Name, check.Expr)
			}
			for _, sample := range check.Samples {
				quiet = false
				fires[sample.Labels] = true
			}
		}
		if len(test.Checks) < 2 && quiet {
			t.Errorf("%s: checks nothing", test.Name)
		}
		if quiet {
			for _, series := range test.Series {
				calm += series.Series + "\n"
			}
		}
	}
	metrics := exportedMetrics(t)
	for _, group := range readYAML[prometheusRules](t, "prometheus/rules.yaml").Groups {
		for _, rule := range group.Rules {
			if !fires[`{alertname="`+rule.Alert+`"}`] {
				t.Errorf("no test makes %s fire", rule.Alert)
			}
			used, _ := checkQuery(panelQuery{Expr: rule.Expr}, metrics)
			for _, name := range used {
				if !strings.Contains(calm, name+"{") {
					t.Errorf("%s reads %s, which is not there while all is well", rule.Alert, name)
				}
			}
		}
	}
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("PARCELSENTRY_REQUIRE_SERVERS") != "" {
			t.Fatal(err)
		}
		t.Skip("promtool is not installed")
	}
	if out, err := exec.Command(promtool, "test", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
