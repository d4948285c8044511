package detector

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parcelsentry/parcelsentry/windows"
)

// anyIncident is an open one, with texts, numbers and times of all kinds.
func anyIncident(t *rapid.T) *incident {
	text := func(name string) string {
		return rapid.OneOf(
			rapid.StringMatching(`[A-Z]{0,3}[0-9]{0,9}`), rapid.String(),
			rapid.SampledFrom([]string{"<&>", `"`, `\`, "\x00", "\x7f", "\u2028", "ệ", "\xff", " ~"}),
		).Draw(t, name)
	}
	number := func(name string) float64 {
		return rapid.OneOf(
			rapid.Float64(), rapid.Float64Range(0, 1000),
			rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1e-6, 9e-7, 1e21, 9e20, -1e21, 5e-324, math.MaxFloat64, math.Inf(1), math.NaN()}),
		).Draw(t, name)
	}
	at := func(name string) time.Time {
		seconds := rapid.Int64Range(-70_000_000_000, 260_000_000_000).Draw(t, name)
		when := time.Unix(seconds, rapid.SampledFrom([]int64{0, 5e6, 123_456_789}).Draw(t, "nanoseconds"))
		return rapid.SampledFrom([]time.Time{{}, when.UTC(), when.UTC(), when.In(time.FixedZone("", 7*60*60))}).Draw(t, "time")
	}
	count := func(name string) int64 {
		return rapid.OneOf(rapid.Int64Range(0, 2), rapid.Int64()).Draw(t, name)
	}
	return &incident{
		Fingerprint: "f" + text("fingerprint"),
		Opened: windows.Coordinates{
			Source: windows.Source{Topic: text("topic"), Epoch: int(count("epoch")), Partition: int(count("partition"))}, Offset: count("offset"),
		},
		LastFound: at("found"), Told: at("told"), ToldScore: number("said"),
		Top: Finding{
			Rule: text("rule"), Detector: text("detector"), Raw: number("raw"), Score: number("score"), Threshold: number("threshold"),
			Observed: number("observed"), Expected: number("expected"), Window: Span{Start: at("start"), End: at("end")},
			Baseline:       Baseline{Source: BaselineSource(text("source")), Days: number("days"), Mean: number("mean"), Dispersion: number("dispersion")},
			Counterfactual: number("counterfactual"), Place: Place(text("place")), Abstained: text("abstained"),
		},
		Held: count("held"), HeldEver: count("held ever"), Items: rapid.SliceOfN(rapid.Custom(func(*rapid.T) string { return text("item") }), 0, 4).Draw(t, "items"),
		ItemsSince: count("since"), ItemsEver: count("ever"), Last: text("last"),
	}
}

func TestNoteAsByReflection(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i := anyIncident(t)
		want, _ := json.Marshal(i)
		if got := i.note(); got != string(want) {
			t.Fatalf("\n got %s\nwant %s", got, want)
		}
	})
}

// oldNote is one of a version that wrote what is empty, too.
const oldNote = `{"fp":"ab","at":{"Source":{"Topic":"shipments","Epoch":0,"Partition":3},"Offset":42},"found":"2026-03-02T10:00:00Z",` +
	`"told":"2026-03-02T09:00:00.005Z","said":7.25,"top":{"Rule":"burst","Detector":"tail","Raw":8,"Score":7.25,"Threshold":5,"Observed":12,` +
	`"Expected":1.5,"Window":{"Start":"2026-03-02T09:00:00Z","End":"2026-03-02T10:00:00Z"},"Baseline":{"Source":"own","Days":12.5,"Mean":8,` +
	`"Dispersion":1.1},"Counterfactual":6,"Place":"","Abstained":""},"held":3,"hever":3,"items":["RR1","RR2"],"since":2,"ever":14,"last":"e1"}`

func TestOldNoteIsReadable(t *testing.T) {
	entity := windows.NewEntity(windows.NewKey(KindSender, "A"))
	entity.RestoreNote(oldNote)
	subject, err := NewSubject(entity)
	if err != nil {
		t.Fatal(err)
	}
	want := &incident{}
	if err := json.Unmarshal([]byte(oldNote), want); err != nil || !reflect.DeepEqual(subject.incident, want) {
		t.Errorf("%+v, %v", subject.incident, err)
	}
	if got, want := subject.incident.note(), strings.Replace(oldNote, `,"Place":"","Abstained":""`, "", 1); got != want {
		t.Errorf("it becomes\n     %s\nnot %s", got, want)
	}
}

// BenchmarkNote writes and reads the note of an incident with as many items as it holds.
func BenchmarkNote(b *testing.B) {
	entity := windows.NewEntity(windows.NewKey(KindSender, "A"))
	entity.RestoreNote(oldNote)
	subject, err := NewSubject(entity)
	if err != nil {
		b.Fatal(err)
	}
	few := *subject.incident
	many := few
	for range MaxItems {
		many.Items = append(many.Items, "RR123456785VN")
	}
	for name, i := range map[string]*incident{"few": &few, "many": &many} {
		b.Run("write/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				i.note()
			}
		})
		b.Run("read/"+name, func(b *testing.B) {
			entity.RestoreNote(i.note())
			b.ReportAllocs()
			for b.Loop() {
				if _, err := NewSubject(entity); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
