package deploy_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// claims names for each file in deploy, Go sources aside, the test that loads it.
func claims() map[string]string {
	return map[string]string{
		"Dockerfile":                           "TestDockerfile",
		"README.md":                            "TestREADME",
		"PERFORMANCE.md":                       "TestPerformance",
		"compose.yaml":                         "TestCompose",
		"parcelsentry.yaml":                    "TestComposeConfiguration",
		"prometheus/prometheus.yaml":           "TestPrometheusScrapesTheService",
		"prometheus/rules.yaml":                "TestPrometheusRules",
		"prometheus/rules_test.yaml":           "TestPrometheusRulesFire",
		"grafana/dashboards/parcelsentry.json": "TestDashboardLayout",
		"grafana/provisioning/dashboards/parcelsentry.yaml": "TestGrafanaFindsDashboards",
		"grafana/provisioning/datasources/prometheus.yaml":  "TestGrafanaFindsPrometheus",
		"servers/servers.sh":        "TestServersScript",
		"bench/peers.sh":            "TestPeersScript",
		"bench/compare.sh":          "TestCompareScript",
		"bench/gate.awk":            "TestGate",
		"servers/kafka.properties":  "TestKafkaSettings",
		"servers/log4j2.properties": "TestKafkaSaysWhenItHasStarted",
		"servers/pom.xml":           "TestKafkaVersions",
		"servers/redis.conf":        "TestRedisSettings",
		"servers/cluster.conf":      "TestRedisSettings",
	}
}

func TestEveryFileIsLoadedByATest(t *testing.T) {
	claims := claims()
	tests := testFunctions(t)
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		path = filepath.ToSlash(path)
		if err != nil || entry.IsDir() || strings.HasSuffix(path, ".go") {
			return err
		}
		if strings.HasPrefix(path, results+"/") {
			return nil // TestPerformance looks at all of them
		}
		claim, ok := claims[path]
		delete(claims, path)
		switch names, exists := tests[claim]; {
		case !ok:
			t.Errorf("%s: no test claims it", path)
		case !exists:
			t.Errorf("%s is claimed by %s, which does not exist", path, claim)
		case !names[path]:
			t.Errorf("%s is claimed by %s, whose file never names it", path, claim)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, claim := range claims {
		t.Errorf("%s claims %s, which does not exist", claim, path)
	}
}

// testFunctions are the tests of this package, each with the strings that stand
// in its source file.
func testFunctions(t *testing.T) map[string]map[string]bool {
	t.Helper()
	sources, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]map[string]bool{}
	for _, source := range sources {
		file, err := parser.ParseFile(token.NewFileSet(), source, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		literals := map[string]bool{}
		ast.Inspect(file, func(node ast.Node) bool {
			if lit, ok := node.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil {
					literals[text] = true
				}
			}
			return true
		})
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Test") {
				tests[f.Name.Name] = literals
			}
		}
	}
	return tests
}

func read(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// readYAML decodes a file that may hold nothing that T does not know.
func readYAML[T any](t testing.TB, path string) T {
	t.Helper()
	var value T
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(read(t, path))))
	decoder.KnownFields(true)
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return value
}

// settings reads lines of a key and a value; each key stands once.
func settings(text, separator string) (map[string]string, error) {
	values := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, value, ok := strings.Cut(line, separator)
		if !ok {
			return nil, fmt.Errorf("line %q has no value", line)
		}
		if _, twice := values[key]; twice {
			return nil, fmt.Errorf("%s is set twice", key)
		}
		values[key] = value
	}
	return values, nil
}

// wantSettings fails the test where the file says something else than want.
func wantSettings(t *testing.T, path, separator string, want map[string]string) {
	t.Helper()
	got, err := settings(read(t, path), separator)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s: %s is %q, want %q", path, key, got[key], value)
		}
	}
}
