package deploy_test

import (
	"slices"
	"strings"
	"testing"
)

type prometheusConfig struct {
	Global struct {
		ScrapeInterval string `yaml:"scrape_interval"`
	}
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
