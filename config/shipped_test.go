package config

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

const shipped = "parcelsentry.yaml"

func TestShippedFileIsDefault(t *testing.T) {
	c, err := LoadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	if want := Default(); !reflect.DeepEqual(c, want) {
		t.Errorf("shipped %+v\ndefault %+v", c, want)
	}
}

// The shipped file is the manual: each setting stands in it, on a line of its own, below a comment about it.
func TestShippedFileExplainsEverySetting(t *testing.T) {
	data, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	comments := explain(string(data))
	c := Default()
	for path, v := range settings(reflect.ValueOf(&c).Elem(), "") {
		comment, stands := comments[path]
		if !stands {
			t.Errorf("%s is missing", path)
			continue
		}
		if len(comment) < len("# Whether it is used.") {
			t.Errorf("%s: %q explains nothing", path, comment)
		}
		if v.Kind() != reflect.Slice || !isMapping(v.Type().Elem()) {
			continue
		}
		for _, key := range keys(v.Type().Elem()) {
			if !regexp.MustCompile(`\b` + key + `\b`).MatchString(comment) {
				t.Errorf("%s: the comment says nothing about %s", path, key)
			}
		}
	}
}

var keyLine = regexp.MustCompile(`^( *)([a-z_]+):`)

// explain gives the comment directly above each key of a file that is indented by two blanks, by path.
func explain(text string) map[string]string {
	comments := map[string]string{}
	var comment string
	var path []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			comment += line
			continue
		}
		if m := keyLine.FindStringSubmatch(line); m != nil {
			path = append(path[:len(m[1])/2], m[2])
			comments[strings.Join(path, ".")] = comment
		}
		comment = ""
	}
	return comments
}

// Print masks nothing, because there is nothing to mask. A setting with a secret in it would change that.
func TestSecretsStandInFiles(t *testing.T) {
	c := Default()
	secret := regexp.MustCompile(`password|secret|token|(^|[._])key`)
	for path := range settings(reflect.ValueOf(&c).Elem(), "") {
		if secret.MatchString(path) && !strings.HasSuffix(path, "_file") {
			t.Errorf("%s holds a secret: make it %s_file", path, path)
		}
	}
}
