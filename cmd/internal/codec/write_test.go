package codec

import (
	"bytes"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// byReflection writes an alert by encoding/json.
func byReflection(a *detector.Alert) []byte {
	flat := flatAlert{
		ID: a.ID, Fingerprint: a.Fingerprint, Activity: a.Activity, Rule: a.Rule, Detector: a.Detector,
		Severity: a.Severity, Score: figure(a.Score), EventTime: stamp(a.EventAt), EventID: a.EventID,
		Entity: flatEntity(a.Entity), Observed: figure(a.Observed), Expected: figure(a.Expected),
		Window:     flatSpan{Start: stamp(a.Window.Start), End: stamp(a.Window.End)},
		QuietUntil: stamp(a.QuietUntil),
		Baseline: flatBaseline{
			Source: a.Baseline.Source, Days: figure(a.Baseline.Days), Mean: figure(a.Baseline.Mean),
			Dispersion: figure(a.Baseline.Dispersion),
		},
		Reasons: []flatReason{}, Items: append([]string{}, a.Items...), ItemsTotal: a.ItemsTotal, Held: a.Held, Late: a.Late,
		Evidence: []flatRange{}, Counterfactual: figure(a.Counterfactual), ConfigHash: a.ConfigHash, ProfileID: a.ProfileID,
		OneIn: figure(a.OneIn), Text: flatText(a.Text),
	}
	for _, r := range a.Reasons {
		flat.Reasons = append(flat.Reasons, flatReason{
			Detector: r.Detector, Score: figure(r.Score), Observed: figure(r.Observed), Expected: figure(r.Expected),
			Text: flatText(r.Text),
		})
	}
	for _, r := range a.Evidence {
		flat.Evidence = append(flat.Evidence, flatRange{Source: r.Source.String(), First: r.First, Last: r.Last})
	}
	return appendJSON(nil, &flat)
}

// hostile are texts of what JSON has to escape, what it may leave, and what is no UTF-8.
func hostile() *rapid.Generator[string] {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{
			`"`, `\`, "\x00", "\n", "\x1f", " ", "~", "\x7f", "\x80", "<>&", "\u2028", "\u2029", "\u2027", "\u202a", "ệ", "\ufffd", "\xff",
			"\xe2\x80", "\xed\xa0\x80", "😀", "RR123456785VN", "",
		}),
		rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
	)
	return rapid.Map(rapid.SliceOfN(piece, 0, 4), func(all []string) string {
		text := ""
		for _, p := range all {
			text += p
		}
		return text
	})
}

func anyFigure() *rapid.Generator[float64] {
	return rapid.OneOf(
		rapid.Float64(), rapid.Float64Range(-1e6, 1e6),
		rapid.SampledFrom([]float64{
			0, math.Copysign(0, -1), 1, .1, 1e-6, 9.99e-7, -1e-7, 1e21, 9.99e20, -1e21, 1e300, 5e-324, math.MaxFloat64,
			math.NaN(), math.Inf(1), math.Inf(-1),
		}),
	)
}

func anyTime() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "none") {
			return time.Time{}
		}
		at := time.Unix(rapid.Int64Range(-80_000_000_000, 300_000_000_000).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds"))
		return at.In(time.FixedZone("", rapid.IntRange(-50_000, 50_000).Draw(t, "zone")))
	})
}

func TestFlagAsByReflection(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := func(name string) string { return hostile().Draw(t, name) }
		f := detector.Flag{
			Item: text("item"), EventID: text("id"), Fingerprint: text("fingerprint"),
			Score: anyFigure().Draw(t, "score"), EventAt: anyTime().Draw(t, "at"),
		}
		want := appendJSON([]byte("before "), &flatFlag{
			ItemID: f.Item, EventID: f.EventID, Fingerprint: f.Fingerprint, Score: figure(f.Score), EventTime: stamp(f.EventAt),
		})
		if got := AppendFlag([]byte("before "), &f); !bytes.Equal(got, want) {
			t.Fatalf("\n got %s\nwant %s", got, want)
		}
	})
}

func TestAlertAsByReflection(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := func(name string) string { return hostile().Draw(t, name) }
		number := func(name string) float64 { return anyFigure().Draw(t, name) }
		at := func(name string) time.Time { return anyTime().Draw(t, name) }
		sentence := func() detector.Text { return detector.Text{EN: text("english"), VI: text("vietnamese")} }
		a := detector.Alert{
			ID: text("id"), Fingerprint: text("fingerprint"), Activity: detector.Activity(text("activity")), Rule: text("rule"),
			Detector: text("detector"), Severity: detector.Severity(text("severity")), Score: number("score"), EventAt: at("event"),
			EventID: text("event id"), Entity: detector.EntityRef{Kind: windows.Kind(text("kind")), ID: text("entity")},
			Observed: number("observed"), Expected: number("expected"), Window: detector.Span{Start: at("start"), End: at("end")},
			QuietUntil: at("quiet"), Baseline: detector.Baseline{
				Source: detector.BaselineSource(text("baseline")), Days: number("days"), Mean: number("mean"), Dispersion: number("dispersion"),
			},
			Items: rapid.SliceOfN(hostile(), 0, 3).Draw(t, "items"), ItemsTotal: rapid.Int64().Draw(t, "total"),
			Held: rapid.Int64().Draw(t, "held"), Late: rapid.Bool().Draw(t, "late"), Counterfactual: number("counterfactual"),
			ConfigHash: text("hash"), ProfileID: text("profile"), OneIn: number("one in"), Text: sentence(),
		}
		for range rapid.IntRange(0, 2).Draw(t, "reasons") {
			a.Reasons = append(a.Reasons, detector.Reason{
				Detector: text("reason"), Score: number("its score"), Observed: number("its observed"), Expected: number("its expected"), Text: sentence(),
			})
		}
		for range rapid.IntRange(0, 2).Draw(t, "evidence") {
			a.Evidence = append(a.Evidence, detector.OffsetRange{
				Source: windows.Source{Topic: text("topic"), Epoch: rapid.Int().Draw(t, "epoch"), Partition: 3},
				First:  rapid.Int64().Draw(t, "first"), Last: rapid.Int64().Draw(t, "last"),
			})
		}
		want := string(byReflection(&a))
		if got := string(AppendAlert(nil, &a)); got != want {
			t.Fatalf("\n got %s\nwant %s", got, want)
		}
	})
}

func BenchmarkAppendFlag(b *testing.B) {
	f := detector.Flag{
		Item: "RR123456785VN", EventID: "01JBP7X8Q0W3M5N6R7S8T9V0AB", Fingerprint: "0123456789abcdef0123456789abcdef",
		Score: 7.125, EventAt: time.Date(2026, 11, 2, 8, 0, 0, 5e6, time.UTC),
	}
	var buffer []byte
	b.ReportAllocs()
	for b.Loop() {
		buffer = AppendFlag(buffer[:0], &f)
	}
}
