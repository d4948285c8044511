package deploy_test

import (
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
				if !strings.Contains(fault.Error(), "from all jobs and instances") { // as an alert should
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
}
