package deploy_test

import (
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/parcelsentry/parcelsentry/config"
)

// compose is the part of the Compose specification that compose.yaml uses; a
// field beyond it is more likely misspelt than meant.
type compose struct {
	Name     string
	Services map[string]service
	Volumes  map[string]struct{}
}

type service struct {
	Image string
	Build struct {
		Context    string
		Dockerfile string
	}
	Entrypoint      []string
	Command         []string
	Environment     map[string]string
	DependsOn       any `yaml:"depends_on"` // a list of names, or a map by name
	Ports           []string
	Volumes         []string
	Healthcheck     healthcheck
	Restart         string
	StopGracePeriod string   `yaml:"stop_grace_period"`
	ReadOnly        bool     `yaml:"read_only"`
	CapDrop         []string `yaml:"cap_drop"`
	SecurityOpt     []string `yaml:"security_opt"`
}

type healthcheck struct {
	Test     []string
	Interval string
	Timeout  string
	Retries  int
}

func readCompose(t testing.TB) compose {
	t.Helper()
	return readYAML[compose](t, "compose.yaml")
}

// dependencies are the services that must be there first, each with the
// condition that it has to meet; none is "service_started".
func (s service) dependencies(t *testing.T) map[string]string {
	t.Helper()
	conditions := map[string]string{}
	switch on := s.DependsOn.(type) {
	case nil:
	case []any:
		for _, name := range on {
			conditions[name.(string)] = "service_started"
		}
	case map[string]any:
		for name, how := range on {
			conditions[name] = how.(map[string]any)["condition"].(string)
		}
	default:
		t.Fatalf("depends_on is a %T", on)
	}
	return conditions
}

func TestCompose(t *testing.T) {
	file := readCompose(t)
	for name, service := range file.Services {
		t.Run(name, func(t *testing.T) {
			if (service.Image == "") == (service.Build.Context == "") {
				t.Error("it needs an image or a build, one of them")
			}
			if service.Image != "" && (!strings.Contains(service.Image, ":") || strings.HasSuffix(service.Image, ":latest")) {
				t.Errorf("image %s has no fixed tag", service.Image)
			}
			for other, condition := range service.dependencies(t) {
				target, ok := file.Services[other]
				if !ok {
					t.Errorf("depends on %s, which is no service", other)
				}
				if condition == "service_healthy" && len(target.Healthcheck.Test) == 0 {
					t.Errorf("waits for %s to be healthy, which has no health check", other)
				}
			}
			for _, port := range service.Ports {
				if !strings.HasPrefix(port, "127.0.0.1:") {
					t.Errorf("port %s is open to the network", port)
				}
			}
			for _, volume := range service.Volumes {
				source, _, _ := strings.Cut(volume, ":")
				if !strings.HasPrefix(source, ".") {
					if _, ok := file.Volumes[source]; !ok {
						t.Errorf("volume %s is not declared", source)
					}
					continue
				}
				if matches, _ := filepath.Glob(source); len(matches) == 0 {
					t.Errorf("mounts %s, which does not exist", source)
				}
			}
		})
	}
	build := file.Services["parcelsentry"].Build
	if got := filepath.Join(build.Context, build.Dockerfile); got != filepath.Join("..", "deploy", "Dockerfile") {
		t.Errorf("the service is built from %s", got)
	}
}

func TestComposeTopics(t *testing.T) {
	file := readCompose(t)
	var topics []string
	for _, match := range regexp.MustCompile(`(?m)^topic (\S+)`).FindAllStringSubmatch(file.Services["topics"].Command[0], -1) {
		topics = append(topics, match[1])
	}
	slices.Sort(topics)
	if want := []string{"dead-letters", "flagged-shipments", "high-risk-alerts", "shipments"}; !slices.Equal(topics, want) {
		t.Errorf("topics are %v, want %v", topics, want)
	}
	used := composeConfiguration(t).Kafka.Topics
	for _, topic := range []string{used.Shipments, used.Alerts, used.Flagged, used.DeadLetters} {
		if !slices.Contains(topics, topic) {
			t.Errorf("the service uses the topic %s, which is not made", topic)
		}
	}
	if got := file.Services["parcelsentry"].dependencies(t)["topics"]; got != "service_completed_successfully" {
		t.Errorf("the service starts when the topics are %q", got)
	}
	if got := file.Services["kafka"].Environment["KAFKA_AUTO_CREATE_TOPICS_ENABLE"]; got != "false" {
		t.Errorf("Kafka creates topics by itself: %q", got)
	}
}

func TestComposeRedisForgetsNothing(t *testing.T) {
	command := strings.Join(readCompose(t).Services["redis"].Command, " ")
	for _, setting := range []string{"--appendonly yes", "--maxmemory-policy noeviction"} {
		if !strings.Contains(command, setting) {
			t.Errorf("command %q lacks %s", command, setting)
		}
	}
}

func composeConfiguration(t *testing.T) config.Config {
	t.Helper()
	loaded, err := config.LoadFile("parcelsentry.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// The configuration that compose mounts names compose's own services.
func TestComposeConfiguration(t *testing.T) {
	file, loaded := readCompose(t), composeConfiguration(t)
	service := file.Services["parcelsentry"]
	if mount := "./parcelsentry.yaml:/etc/parcelsentry/parcelsentry.yaml:ro"; !slices.Contains(service.Volumes, mount) {
		t.Errorf("mounts %v, not %s", service.Volumes, mount)
	}
	for _, address := range slices.Concat(loaded.Kafka.Brokers, loaded.Redis.Addresses) {
		host, _, err := net.SplitHostPort(address)
		if _, ok := file.Services[host]; !ok || err != nil {
			t.Errorf("%s is no service of compose", address)
		}
	}
	advertised := file.Services["kafka"].Environment["KAFKA_ADVERTISED_LISTENERS"]
	if len(loaded.Kafka.Brokers) != 1 || !strings.Contains(advertised, "//"+loaded.Kafka.Brokers[0]) {
		t.Errorf("the brokers are %v, Kafka is at %s", loaded.Kafka.Brokers, advertised)
	}
	if loaded.HTTP.Address != ":9700" || !slices.Contains(service.Ports, "127.0.0.1:9700:9700") {
		t.Errorf("listens on %s, published as %v", loaded.HTTP.Address, service.Ports)
	}
}
