package deploy_test

import (
	"encoding/xml"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestShellScriptsParse(t *testing.T) {
	for _, script := range []string{"servers/servers.sh", "../.ci/run"} {
		if out, err := exec.Command("bash", "-n", script).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", script, err, out)
		}
		info, err := os.Stat(script)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode()&0o111 == 0 {
			t.Errorf("%s is not executable", script)
		}
	}
}

// servers runs servers.sh with a work folder of its own.
type servers struct {
	dir  string
	vars []string
}

func (s servers) run(t *testing.T, args ...string) (output string, code int) {
	t.Helper()
	command := exec.Command("servers/servers.sh", args...)
	command.Env = append(os.Environ(), "SERVERS_DIR="+s.dir)
	command.Env = append(command.Env, s.vars...)
	out, err := command.CombinedOutput()
	if command.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), command.ProcessState.ExitCode()
}

func TestServersScript(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want string // is part of the output
		code int
	}{
		{"env names all servers", []string{"env"}, "export PARCELSENTRY_TEST_KAFKA=127.0.0.1:111\n" +
			"export PARCELSENTRY_TEST_REDIS=127.0.0.1:222\n" +
			"export PARCELSENTRY_TEST_REDIS_CLUSTER=127.0.0.1:333\n", 0},
		{"env names one server", []string{"env", "redis"}, "export PARCELSENTRY_TEST_REDIS=127.0.0.1:222\n", 0},
		{"status tells that nothing runs", []string{"status"}, "servers: cluster does not run\n", 3},
		{"stop without servers is fine", []string{"stop"}, "servers: kafka does not run\n", 0},
		{"an unknown server", []string{"start", "zookeeper"}, "no server is called zookeeper", 1},
		{"no command", nil, "servers.sh start|stop|status|env", 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			script := servers{t.TempDir(), []string{"KAFKA_PORT=111", "REDIS_PORT=222", "CLUSTER_PORT=333"}}
			got, code := script.run(t, test.args...)
			if !strings.Contains(got, test.want) || code != test.code {
				t.Errorf("exit status %d, want %d, and it printed:\n%s\nwant:\n%s", code, test.code, got, test.want)
			}
		})
	}
}

func TestServersStartAndStopRedis(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("PARCELSENTRY_REQUIRE_SERVERS") != "" {
			t.Fatal(err)
		}
		t.Skip("redis-server is not installed")
	}
	// The space shows that names are quoted.
	script := servers{filepath.Join(t.TempDir(), "a folder"), []string{"REDIS_PORT=" + freePort(t)}}
	t.Cleanup(func() { script.run(t, "stop", "redis") })

	steps := []struct {
		command string
		want    string
		code    int
	}{
		{"start", "redis started", 0},
		{"start", "redis runs already", 0},
		{"status", "redis runs, pid", 0},
		{"stop", "redis stopped", 0},
		{"status", "redis does not run", 3},
	}
	for _, step := range steps {
		if got, code := script.run(t, step.command, "redis"); !strings.Contains(got, step.want) || code != step.code {
			t.Fatalf("%s: exit status %d, printed %q; want %d, %q", step.command, code, got, step.code, step.want)
		}
	}
}

// A pid file that survived its server may carry the number of any process: here
// that of this test, which would not survive a mistake.
func TestServersStopSparesStrangers(t *testing.T) {
	script := servers{dir: t.TempDir()}
	pid := filepath.Join(script.dir, "redis", "pid")
	if err := os.MkdirAll(filepath.Dir(pid), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(pid, []byte(strconv.Itoa(os.Getpid())), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, code := script.run(t, "stop", "redis"); !strings.Contains(got, "redis does not run") || code != 0 {
		t.Errorf("exit status %d, printed %q", code, got)
	}
}

func TestKafkaSettings(t *testing.T) {
	wantSettings(t, "servers/kafka.properties", "=", map[string]string{
		"auto.create.topics.enable":                "false",
		"group.initial.rebalance.delay.ms":         "0",
		"broker.session.timeout.ms":                "3000",
		"log.message.timestamp.before.max.ms":      "9223372036854775807",
		"log.retention.ms":                         "-1",
		"offsets.topic.replication.factor":         "1",
		"transaction.state.log.replication.factor": "1",
		"transaction.state.log.min.isr":            "1",
	})
}

func TestKafkaSaysWhenItHasStarted(t *testing.T) {
	wantSettings(t, "servers/log4j2.properties", "=", map[string]string{
		"logger.server.name":  "kafka.server.KafkaRaftServer",
		"logger.server.level": "info",
	})
}

// The jars, the script that looks for them, and compose's image are one Kafka.
func TestKafkaVersions(t *testing.T) {
	var pom struct {
		Dependencies []struct {
			ArtifactID string `xml:"artifactId"`
			Version    string `xml:"version"`
		} `xml:"dependencies>dependency"`
	}
	if err := xml.Unmarshal([]byte(read(t, "servers/pom.xml")), &pom); err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	for _, dependency := range pom.Dependencies {
		versions[dependency.ArtifactID] = dependency.Version
	}
	version := versions["kafka_2.13"]
	if version == "" {
		t.Fatalf("pom.xml does not name the broker: %v", versions)
	}
	if !strings.Contains(read(t, "servers/servers.sh"), "\nkafka_version="+version+"\n") {
		t.Errorf("servers.sh looks for another version than %s", version)
	}
	for _, name := range []string{"kafka", "topics"} {
		if got := readCompose(t).Services[name].Image; got != "apache/kafka:"+version {
			t.Errorf("compose's %s is %s, want version %s", name, got, version)
		}
	}
}

func TestRedisSettings(t *testing.T) {
	wantSettings(t, "servers/redis.conf", " ", map[string]string{
		"bind":             "127.0.0.1",
		"appendonly":       "yes",
		"maxmemory-policy": "noeviction",
		"rdbcompression":   "no",
		"latency-tracking": "no",
		"set-proc-title":   "no",
	})
	wantSettings(t, "servers/cluster.conf", " ", map[string]string{
		"cluster-enabled":     "yes",
		"cluster-announce-ip": "127.0.0.1",
	})
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}
