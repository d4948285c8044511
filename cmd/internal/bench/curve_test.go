package bench

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/app"
	"github.com/parcelsentry/parcelsentry/cmd/internal/codec"
	"github.com/parcelsentry/parcelsentry/cmd/internal/testbed"
	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/windowstest"
)

// TestCurves shows that every point has a configuration that loads and a name of its own.
func TestCurves(t *testing.T) {
	names := map[string]bool{}
	for _, c := range Curves() {
		if names[c.Name] || !regexp.MustCompile(`^[a-z_]+$`).MatchString(c.Name) || c.Varies == "" || len(c.Points) < 2 {
			t.Errorf("curve %q %q with %d points", c.Name, c.Varies, len(c.Points))
		}
		names[c.Name] = true
		at := map[string]bool{}
		for _, p := range c.Points {
			if at[p.At] || !regexp.MustCompile(`^[a-z0-9.]+$`).MatchString(p.At) && !regexp.MustCompile(`^\d+MiB$`).MatchString(p.At) {
				t.Errorf("%s has a point %q", c.Name, p.At)
			}
			at[p.At] = true
			load(t, "W2", p.Set...)
		}
	}
}

func TestRulesCurve(t *testing.T) {
	var got []string
	for _, p := range overRules() {
		c := load(t, "W2", p.Set...)
		set, err := app.NewSet(&c)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(len(set.Rules())))
		if got[len(got)-1] != p.At {
			t.Errorf("point %s has the rules %v", p.At, set.Rules())
		}
	}
	c := load(t, "W2")
	set, err := app.NewSet(&c)
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprint(len(set.Rules())); got[len(got)-1] != want {
		t.Errorf("the last point has %s rules, the shipped configuration %s", got[len(got)-1], want)
	}
}

func TestPointEvents(t *testing.T) {
	if got := (&Point{}).events(1000); got != 1000 {
		t.Errorf("%d of 1000 events", got)
	}
	large := Point{Shape: Shape{Padding: 16 << 10}}
	if got := large.events(1_000_000); got*large.size() > pointBytes || got < 30_000 {
		t.Errorf("%d events of %d bytes", got, large.size())
	}
	if got := (&Point{Span: time.Hour}).shape(3600).Step; got != time.Second {
		t.Errorf("3,600 events in an hour are %v apart", got)
	}
}

// shipments gives so many of a shape, and what the service reads in them.
func shipments(t *testing.T, n int, shape Shape, each func(Shipment, time.Time)) {
	t.Helper()
	g, decoder := NewGenerator(1, "s", shape), codec.NewDecoder(codec.Options{})
	for range n {
		s := g.Next()
		e, err := decoder.Decode(s.Value, windows.Coordinates{}, time.Time{})
		if err != nil || string(e.Sender) != string(s.Sender) {
			t.Fatalf("%v: %s", err, s.Value)
		}
		each(s, e.Time)
	}
}

func TestShapes(t *testing.T) {
	const n = 5000
	t.Run("senders that send alike", func(t *testing.T) {
		count := map[string]int{}
		shipments(t, n, Shape{Senders: 50, Even: true}, func(s Shipment, _ time.Time) { count[string(s.Sender)]++ })
		for name, c := range count {
			if c < 60 || c > 150 {
				t.Errorf("%s sent %d of %d", name, c, n)
			}
		}
		if len(count) != 50 {
			t.Errorf("%d senders", len(count))
		}
	})
	t.Run("size", func(t *testing.T) {
		for _, p := range overSizes() {
			total := 0
			shipments(t, 100, p.Shape, func(s Shipment, _ time.Time) { total += len(s.Value) })
			if got := fmt.Sprintf("%.1f", float64(total)/100/1024); strings.TrimSuffix(got, ".0") != p.At {
				t.Errorf("events of %s KiB have %s", p.At, got)
			}
		}
	})
	t.Run("late", func(t *testing.T) {
		newest, late, most := map[string]time.Time{}, 0, time.Duration(0)
		shipments(t, n, Shape{Senders: 20, Late: 0.3}, func(s Shipment, at time.Time) {
			behind := newest[string(s.Sender)].Sub(at)
			if behind > 0 {
				late++
				most = max(most, behind)
				if behind < leastLate-time.Minute || behind > mostLate {
					t.Errorf("%v late", behind)
				}
			} else {
				newest[string(s.Sender)] = at
			}
		})
		if share := float64(late) / n; share < 0.27 || share > 0.33 || most < mostLate*9/10 {
			t.Errorf("%.2f are late, by at most %v", share, most)
		}
	})
	t.Run("step", func(t *testing.T) {
		var first, last time.Time
		shipments(t, n, Shape{Step: time.Minute}, func(_ Shipment, at time.Time) {
			if first.IsZero() {
				first = at
			}
			last = at
		})
		if mean := last.Sub(first) / n; mean < 57*time.Second || mean > 63*time.Second {
			t.Errorf("%v apart", mean)
		}
	})
}

func TestTable(t *testing.T) {
	r := Result{
		At: "1000", Events: 1000, Elapsed: time.Second / 2, Job: 5 * time.Millisecond, Redis: 3 * time.Millisecond, Broker: time.Millisecond,
		PeakMemory: 90 << 20, RedisMemory: 36 << 20, RedisGrowth: 20_000, Keys: 100, Received: 120_000, Sent: 30_000,
	}
	cut := r
	cut.At, cut.Cut, cut.Keys = "10000", true, 0
	lines := strings.Split(Table(&Curve{Varies: "senders"}, []Result{r, cut}), "\n")
	want := []string{
		"| senders | events | events/s | service µs | Redis µs | broker µs | system µs | service MiB | Redis MiB | to Redis B | from Redis B | a key B |",
		"| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
		"| 1000 | 1000 | 2000 | 5.00 | 3.00 | 1.00 | 9.00 | 90 | 36 | 120 | 30 | 200 |",
		"| 10000 (cut) | 1000 | 2000 | 5.00 | 3.00 | 1.00 | 9.00 | 90 | 36 | 120 | 30 | - |",
		"",
	}
	for i := range want {
		if i >= len(lines) || lines[i] != want[i] {
			t.Fatalf("the table is\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
		}
	}
}

func TestBrokerLines(t *testing.T) {
	if got := brokerLines(nil); got != nil {
		t.Errorf("without curves %q", got)
	}
	const waits = "group.initial.rebalance.delay.ms=3000"
	alone, shared := Curve{Points: []Point{{}}}, Curve{Points: []Point{{}, {Setup: Setup{Members: 2}}}}
	if got := strings.Join(brokerLines([]Curve{alone}), " "); strings.Contains(got, waits) {
		t.Errorf("for one member %q", got)
	}
	if got := strings.Join(brokerLines([]Curve{alone, shared}), " "); !strings.Contains(got, waits) {
		t.Errorf("for two members %q", got)
	}
}

// TestDraw draws the beginning of a curve with the real service.
func TestDraw(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds and starts the service")
	}
	broker := windowstest.Server(t, "PARCELSENTRY_TEST_KAFKA")
	const events = 2000
	c := Curve{Name: "test", Varies: "days", Points: overHistory()[:2], Continued: true}
	var out, notes bytes.Buffer
	var drawn []Result
	err := Play(t.Context(), Options{
		Curves: []Curve{c}, Events: events, Seed: 1, Runs: 1, Broker: broker, Dir: t.TempDir(), Out: &out, Notes: &notes,
		Drawn: func(_ *Curve, all []Result) error {
			drawn = all
			return nil
		},
	})
	if errors.Is(err, testbed.ErrCannotRun) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, notes.String())
	}
	if len(drawn) != 2 {
		t.Fatalf("%d points are drawn", len(drawn))
	}
	for i, r := range drawn {
		if r.Events != events || r.Cut || r.Job <= 0 || r.Received <= 0 || r.Sent <= 0 || r.Keys <= windows.Buckets || r.RedisGrowth <= 0 || r.Pace() <= 0 {
			t.Errorf("%s gives %+v", r.At, r)
		}
		if !strings.Contains(out.String(), "bench-e2e curve=test at="+c.Points[i].At+" workload=W2 events=2000 ") {
			t.Errorf("no line for %s in\n%s", r.At, out.String())
		}
	}
	if drawn[1].Keys <= drawn[0].Keys {
		t.Errorf("%d keys, then %d: the second does not go on where the first ended", drawn[0].Keys, drawn[1].Keys)
	}
}
