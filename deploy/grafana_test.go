package deploy_test

import (
	"slices"
	"testing"
)

func TestGrafanaFindsPrometheus(t *testing.T) {
	type provisioning struct {
		APIVersion  int `yaml:"apiVersion"`
		Datasources []struct {
			Name      string
			UID       string
			Type      string
			Access    string
			URL       string
			IsDefault bool `yaml:"isDefault"`
			JSONData  struct {
				TimeInterval string `yaml:"timeInterval"`
			} `yaml:"jsonData"`
		}
	}
	config := readYAML[provisioning](t, "grafana/provisioning/datasources/prometheus.yaml")
	if config.APIVersion != 1 || len(config.Datasources) != 1 {
		t.Fatalf("got %+v, want one data source of apiVersion 1", config)
	}
	source := config.Datasources[0]
	if source.Type != "prometheus" || source.URL != "http://prometheus:9090" || !source.IsDefault {
		t.Errorf("the data source is %+v", source)
	}
	if _, ok := readCompose(t).Services["prometheus"]; !ok {
		t.Error("compose has no service prometheus")
	}
	// $__rate_interval is four times this: too short, and graphs have holes.
	scrape := readYAML[prometheusConfig](t, "prometheus/prometheus.yaml").Global.ScrapeInterval
	if source.JSONData.TimeInterval != scrape {
		t.Errorf("timeInterval is %s, the scrape interval is %s", source.JSONData.TimeInterval, scrape)
	}
}

func TestGrafanaFindsDashboards(t *testing.T) {
	type provisioning struct {
		APIVersion int `yaml:"apiVersion"`
		Providers  []struct {
			Name    string
			Type    string
			Options struct{ Path string }
		}
	}
	config := readYAML[provisioning](t, "grafana/provisioning/dashboards/parcelsentry.yaml")
	if config.APIVersion != 1 || len(config.Providers) != 1 || config.Providers[0].Type != "file" {
		t.Fatalf("got %+v, want one provider of type file and apiVersion 1", config)
	}
	grafana := readCompose(t).Services["grafana"]
	for _, mount := range []string{
		"./grafana/dashboards:" + config.Providers[0].Options.Path + ":ro",
		"./grafana/provisioning:/etc/grafana/provisioning:ro",
	} {
		if !slices.Contains(grafana.Volumes, mount) {
			t.Errorf("compose mounts %v, not %s", grafana.Volumes, mount)
		}
	}
	home := config.Providers[0].Options.Path + "/parcelsentry.json"
	if got := grafana.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]; got != home {
		t.Errorf("the home dashboard is %s, want %s", got, home)
	}
}
