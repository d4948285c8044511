package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// files gives name and content of testdata/dir/*.yaml, by base name.
func files(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", dir, "*.yaml"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no test data in %s: %v", dir, err)
	}
	all := map[string][]byte{}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(name)] = data
	}
	return all
}

func load(t testing.TB, text string) Config {
	t.Helper()
	c, err := Load("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func faultsOf(t testing.TB, text string) []Fault {
	t.Helper()
	c, err := Load("test.yaml", []byte(text))
	if err == nil {
		return nil
	}
	if !reflect.DeepEqual(c, Config{}) {
		t.Errorf("a refused configuration is not empty: %+v", c)
	}
	var e *Error
	if !errors.As(err, &e) || len(e.Faults) == 0 {
		t.Fatalf("%T instead of *Error with faults: %v", err, err)
	}
	return e.Faults
}

// roundTrip checks what must be true of every configuration that Load accepted.
func roundTrip(t testing.TB, c Config) {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Fatalf("loaded, but not valid: %v", err)
	}
	var printed bytes.Buffer
	if err := c.Print(&printed); err != nil {
		t.Fatal(err)
	}
	again, err := Load("printed.yaml", printed.Bytes())
	if err != nil {
		t.Fatalf("printed, but not loaded: %v\n%s", err, &printed)
	}
	if !reflect.DeepEqual(c, again) {
		t.Fatalf("printed as\n%s\nloaded  %+v\nprinted %+v", &printed, again, c)
	}
	if c.Hash() != again.Hash() {
		t.Fatal("another hash after a round trip")
	}
}

func TestValidFiles(t *testing.T) {
	for name, data := range files(t, "valid") {
		t.Run(name, func(t *testing.T) { roundTrip(t, load(t, string(data))) })
	}
}

// fromDaysOf gives the rules that learn from panes of a day.
func fromDaysOf(d *Detectors) []*Counting {
	return []*Counting{&d.Burst, &d.Surge, &d.Fanout, &d.Fanin, &d.LaneBurst, &d.Structuring}
}

func TestWhatLoads(t *testing.T) {
	valid := files(t, "valid")
	want := func(name string, change func(*Config)) {
		t.Run(name, func(t *testing.T) {
			c := Default()
			change(&c)
			if got := load(t, string(valid[name])); !reflect.DeepEqual(got, c) {
				t.Errorf("got  %+v\nwant %+v", got, c)
			}
		})
	}
	want("empty.yaml", func(*Config) {})
	want("comment.yaml", func(*Config) {})
	want("null.yaml", func(*Config) {})
	want("minimal.yaml", func(c *Config) {
		c.Kafka.Brokers = []string{"kafka-1:9092", "kafka-2:9092"}
		c.Redis.Addresses = []string{"redis:6379"}
	})
	want("peers.yaml", func(c *Config) {
		c.Windows.Resolutions = []Resolution{
			{Name: "m", Slide: minute, Keep: hour},
			{Name: "d", Slide: day, Keep: 120 * day},
		}
		c.Detectors.Limit = Limit{Enabled: true, Window: 10 * minute, Shipments: 40}
		d := &c.Detectors
		for _, r := range append(fromDaysOf(d), &d.Route, &d.SlowRoute) {
			r.Enabled = false
		}
		d.Weight.Enabled, d.Value.Enabled = false, false
	})
	want("without-days.yaml", func(c *Config) {
		c.Windows.Resolutions = []Resolution{
			{Name: "h", Slide: hour, Keep: 50 * hour},
			{Name: "w", Slide: 7 * day, Keep: 140 * day},
		}
		for _, r := range fromDaysOf(&c.Detectors) {
			r.Enabled = false
		}
	})
	want("quoted.yaml", func(c *Config) {
		c.Kafka.Group, c.Kafka.ClientID = "123", "null"
		c.Kafka.FetchBytes, c.Kafka.FetchWait = 64*kib, 100*millisecond
		c.Events.TimeRange.From = c.Events.TimeRange.From.AddDate(10, 1, 28)
		c.Events.TimeRange.To = c.Events.TimeRange.To.AddDate(-70, 0, 0)
		c.Events.AllowedLateness = 36 * hour
		c.HTTP.Address = ":0"
	})
	want("lists.yaml", func(c *Config) {
		c.Events.ShipmentTypes, c.Privacy.Pseudonyms = nil, nil
		c.Privacy.KeyFile, c.Redis.PasswordFile = "secrets/pseudonyms.key", "/run/secrets/redis"
		c.Redis.Cluster = true
		c.Redis.Addresses = []string{"[::1]:7000", "10.0.0.2:7000", "redis-3.example:7000"}
	})
}

// In all-keys.yaml nothing is a default, so a key that is read into the wrong field, or not at all, shows.
func TestEveryKeyIsRead(t *testing.T) {
	got := load(t, string(files(t, "valid")["all-keys.yaml"]))
	defaults := map[string]any{}
	d := Default()
	for path, v := range settings(reflect.ValueOf(&d).Elem(), "") {
		defaults[path] = v.Interface()
	}
	for path, v := range settings(reflect.ValueOf(&got).Elem(), "") {
		if path == "redis.database" { // a cluster, which is not the default, has no other
			continue
		}
		if reflect.DeepEqual(v.Interface(), defaults[path]) {
			t.Errorf("%s still has its default %v", path, v)
		}
	}
}

var wantLine = regexp.MustCompile(`(?m)^# want (\d+:\d+) (.+)$`)

// Each invalid file states all its faults in lines "# want line:column part of path: message".
func TestInvalidFiles(t *testing.T) {
	for name, data := range files(t, "invalid") {
		t.Run(name, func(t *testing.T) {
			wants := wantLine.FindAllStringSubmatch(string(data), -1)
			if len(wants) == 0 {
				t.Fatal("no line says what to expect")
			}
			got := faultsOf(t, string(data))
			for i := range max(len(wants), len(got)) {
				switch {
				case i >= len(got):
					t.Errorf("missing %s", wants[i][0])
				case i >= len(wants):
					t.Errorf("unexpected %s", got[i])
				case !strings.HasPrefix(got[i].String(), "test.yaml:"+wants[i][1]+": ") ||
					!strings.Contains(got[i].String(), wants[i][2]):
					t.Errorf("got  %s\nwant %s %s", got[i], wants[i][1], wants[i][2])
				}
			}
		})
	}
}

// only gives a file that sets one setting.
func only(path, value string) string {
	parts := strings.Split(path, ".")
	var b strings.Builder
	for i, p := range parts {
		fmt.Fprintf(&b, "%s%s:", strings.Repeat("  ", i), p)
		if i < len(parts)-1 {
			b.WriteByte('\n')
		}
	}
	return b.String() + " " + value + "\n"
}

func TestRanges(t *testing.T) {
	const none = ""
	for _, r := range []struct{ path, below, low, high, above string }{
		{"kafka.fetch_bytes", "16383", "16KiB", "10MB", "10000001"},
		{"kafka.fetch_wait", "9ms", "10ms", "5s", "5001ms"},
		{"kafka.commit_interval", "99ms", "100ms", "1m", "61s"},
		{"kafka.session_timeout", "2s", "2001ms", "5m", "301s"},
		{"kafka.heartbeat_interval", "99ms", "100ms", "2999ms", "3s"},
		{"kafka.rebalance_timeout", "999ms", "1s", "150s", "151s"},
		{"redis.database", "-1", "0", "15", "16"},
		{"redis.timeout", "99ms", "100ms", "15s", "15001ms"},
		{"redis.retention_margin", "-1ns", "0", "365d", "365d1ns"},
		{"redis.flush_interval", "9ms", "10ms", "1m", "61s"},
		{"redis.flush_events", "0", "1", "200000", "200001"},
		{"redis.max_unflushed", "19999", "20000", "100000000", "100000001"},
		{"redis.checkpoint_interval", "999ms", "1s", "1h", "61m"},
		{"events.allowed_lateness", "-1s", "0s", "366d", "366d1s"},
		{"events.clock_tolerance", "-1s", "0s", "30d", "30d1s"},
		{"events.time_range.from", "1899-12-31", "1900-01-01", "2099-12-31", "2100-01-01"},
		{"events.time_range.to", "1990-01-01", "1990-01-02", "2262-01-01", "2262-01-02"},
		{"events.max_bytes", "1023", "1KiB", "10MiB", "10485761"},
		{"events.duplicate_horizon", "-1s", "0s", "30d", "30d1s"},
		{"events.item_horizon", "-1s", "0s", "30d", "30d1s"},
		{"windows.working_set", "1048575", "1MiB", "256GiB", "274877906945"},
		{"windows.max_fields", "63", "64", "4096", "4097"},
		{"detectors.prior.rate", "9e-7", "1e-6", "1000", "1001"},
		{"detectors.prior.dispersion", "0.99", "1", "100", "100.1"},
		{"detectors.limit.window", "59m", "1h", "49h", "50h"},
		{"detectors.limit.shipments", "0", "1", "1000000000", "1000000001"},
		{"detectors.burst.window", "0s", "1h", "330d", "331d"},
		{"detectors.burst.threshold", "0", "0.1", "300", "300.1"},
		{"detectors.surge.window", "0s", "14d", "330d", "331d"},
		{"detectors.surge.threshold", "0", "0.1", "300", "300.1"},
		{"detectors.fanout.window", "0s", "2h", "330d", "331d"},
		{"detectors.fanout.threshold", "0", "0.1", "300", "300.1"},
		{"detectors.fanin.window", "0s", "1d", "330d", "331d"},
		{"detectors.fanin.threshold", "0", "0.1", "300", "300.1"},
		{"detectors.lane_burst.window", "0s", "49h", "330d", "331d"},
		{"detectors.lane_burst.threshold", "0", "0.1", "300", "300.1"},
		{"detectors.structuring.window", "0s", "119d", "330d", "331d"},
		{"detectors.structuring.threshold", "0", "0.1", "300", "300.1"},
		{"detectors.route.window", "0s", "49h", "330d", "331d"},
		{"detectors.route.threshold", "0", "0.1", "300", "300.1"},
		{"detectors.slow_route.window", "0s", "7d", "330d", "331d"},
		{"detectors.slow_route.threshold", "0", "0.1", "300", "300.1"},
		{"detectors.weight.threshold", "0", "0.1", "300", "301"},
		{"detectors.value.threshold", "0", "0.1", "300", "301"},
		{"alerts.cooldown", "-1s", "0s", "7d", "7d1s"},
		{"alerts.quiet", "6d23h", "7d", "90d", "90d1s"},
		{"alerts.update_factor", "0.9", "1", "100", "101"},
		{"alerts.severity.medium", "0", "0.1", "7.9", "8"},
		{"alerts.severity.high", "6", "6.1", "11.9", "12"},
		{"alerts.severity.critical", "8", "8.1", "300", "301"},
		{"kafka.topics.alerts", "''", "a", strings.Repeat("a", 249), strings.Repeat("a", 250)},
		{"kafka.group", "''", "a", strings.Repeat("a", 255), strings.Repeat("a", 256)},
		{"kafka.brokers", "[]", "['a:1']", "['a:65535']", "['a:65536']"},
		{"http.address", "'9700'", "':0'", "'[::1]:65535'", "a:65536"},
		{"http.stuck_after", "119s", "2m", "24h", "1441m"},
		{"canary.interval", "-1s", "0s", none, "25h"},
		{"canary.timeout", "999ms", "1s", "1h", "61m"},
		{"windows.resolutions", "[]", none, none, "[" + strings.Repeat("{name: a, slide: 1d, keep: 2d},", 6) + "]"},
	} {
		for _, good := range []string{r.low, r.high} {
			if f := faultsOf(t, only(r.path, good)); good != none && len(f) > 0 {
				t.Errorf("%s: %s is refused: %v", r.path, good, f)
			}
		}
		for _, bad := range []string{r.below, r.above} {
			switch f := faultsOf(t, only(r.path, bad)); {
			case len(f) == 0:
				t.Errorf("%s: %s is taken", r.path, bad)
			case f[0].Path != r.path && !strings.HasPrefix(f[0].Path, r.path+"["):
				t.Errorf("%s: %s is refused as a fault of %s", r.path, bad, f[0].Path)
			}
		}
	}
}

func TestProgramsGetFaultsWithoutPosition(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Fatal(err)
	}
	c := Default()
	c.HTTP.Address = "nowhere"
	c.Kafka.HeartbeatInterval = 4 * second
	got := c.Validate().Error()
	for _, want := range []string{"http.address: must be host:port", "kafka.heartbeat_interval: kafka.heartbeat_interval (4s)"} {
		if !slices.ContainsFunc(strings.Split(got, "\n"), func(line string) bool { return strings.HasPrefix(line, want) }) {
			t.Errorf("no line begins with %q:\n%s", want, got)
		}
	}
}

// A program may put anything in, and is told so instead of meeting a panic.
func TestValidateSurvivesAnything(t *testing.T) {
	if (Config{}).Validate() == nil {
		t.Error("the zero Config is valid")
	}
	c := Default()
	c.Windows.Resolutions = []Resolution{{Slide: -1 << 63, Keep: -1 << 63}, {Slide: 1<<63 - 1}, {}}
	if c.Validate() == nil {
		t.Error("resolutions without sense are valid")
	}
}

func TestLoadFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "c.yaml")
	absolute := filepath.Join(dir, "elsewhere", "key")
	text := "redis: {password_file: secret/redis}\nprivacy: {key_file: " + absolute + "}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := LoadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "secret", "redis"); c.Redis.PasswordFile != want {
		t.Errorf("password_file is %s, want %s", c.Redis.PasswordFile, want)
	}
	if c.Privacy.KeyFile != absolute {
		t.Errorf("key_file is %s, want %s", c.Privacy.KeyFile, absolute)
	}

	if err := os.WriteFile(file, []byte("kafka: {start: now}"), 0o600); err != nil {
		t.Fatal(err)
	}
	var e *Error
	if _, err = LoadFile(file); !errors.As(err, &e) || e.Faults[0].File != file {
		t.Errorf("not a fault of %s: %v", file, err)
	}
	if _, err = LoadFile(filepath.Join(dir, "missing.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
}

func TestTooLarge(t *testing.T) {
	f := faultsOf(t, strings.Repeat("#", int(maxFile)+1))
	if len(f) != 1 || !strings.Contains(f[0].Message, "at most 256KiB") {
		t.Errorf("got %v", f)
	}
	load(t, strings.Repeat("#", int(maxFile)))

	if f = faultsOf(t, strings.Repeat("?\n", 2000)); len(f) != maxFaults {
		t.Errorf("%d faults", len(f))
	}

	types := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "t%d,", i)
		}
		return only("events.shipment_types", "["+b.String()+"]")
	}
	load(t, types(maxItems))
	f = faultsOf(t, types(maxItems+1))
	if len(f) != 1 || !strings.Contains(f[0].Message, "at most 1000 items, has 1001") {
		t.Errorf("got %v", f)
	}
}

func TestHash(t *testing.T) {
	base := Default().Hash()
	if !regexp.MustCompile(`^[0-9a-f]{12}$`).MatchString(base) {
		t.Errorf("%q is not 12 hex digits", base)
	}
	same := func(path, value string) {
		if load(t, only(path, value)).Hash() != base {
			t.Errorf("%s changes the hash", path)
		}
	}
	other := func(path, value string) {
		if load(t, only(path, value)).Hash() == base {
			t.Errorf("%s does not change the hash", path)
		}
	}
	same("kafka.brokers", "['a:1']")
	same("kafka.topics.alerts", "a")
	same("redis.password_file", "a")
	same("http.address", "':1'")
	same("http.stuck_after", "10m")
	same("kafka.topics.canary", "a")
	same("canary.timeout", "10s")
	same("windows.working_set", "1MiB")
	same("events.dead_letter.payload", "never")
	same("detectors.limit.window", "1d") // as the default 24h
	other("events.allowed_lateness", "1d")
	other("events.shipment_types", "[]")
	other("windows.max_fields", "513")
	other("detectors.burst.threshold", "4.1")
	other("detectors.prior.rate", "0.3")
	other("detectors.slow_route.window", "7d")
	other("detectors.value.enabled", "false")
	other("alerts.severity.high", "9")
}

func FuzzLoad(f *testing.F) {
	for _, dir := range []string{"valid", "invalid"} {
		for _, data := range files(f, dir) {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Load("fuzz.yaml", data)
		if err == nil {
			roundTrip(t, c)
			return
		}
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("%T: %v", err, err)
		}
		for _, fault := range e.Faults {
			if fault.Line < 1 || fault.Column < 1 || fault.Message == "" {
				t.Errorf("a fault without place or message: %#v", fault)
			}
		}
		if e.Detail() == "" {
			t.Error("no detail")
		}
	})
}
