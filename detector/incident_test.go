package detector

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// The life of an incident: threshold 4, cooldown 6 h, quiet 24 h, twice the score is clearly higher.
func TestIncidentLifeCycle(t *testing.T) {
	type step struct {
		hour  float64
		score float64
		want  string
	}
	for _, c := range []struct {
		what  string
		steps []step
	}{
		{"nothing over the threshold", []step{{0, 3.99, ""}, {1, 0, ""}}},
		{"at the threshold", []step{{0, 4, "create low"}}},
		{"held in the cooldown, then told", []step{
			{0, 4, "create low"},
			{1, 5, "held"},
			{2, 6.99, "held"},
			{5.9, 4, "held"},
			{6, 4, "update low items=4 held=3"},
			{7, 4, "held"},
		}},
		{"told at once where clearly higher", []step{
			{0, 4, "create low"},
			{1, 8, "update high items=1 held=0"},
			{2, 15.9, "held"},
			{3, 16, "update critical items=2 held=1"},
			{4, 32, "update critical items=1 held=0"},
		}},
		{"twice is counted from the highest score told", []step{
			{0, 9, "create high"}, {7, 4, "update low items=1 held=0"}, {8, 8, "held"}, {9, 18, "update critical items=2 held=1"},
		}},
		{"closed by the next event after a quiet day", []step{
			{0, 4, "create low"}, {1, 5, "held"}, {24.9, 0, ""}, {25, 0, "close items=2 held=1 score=5"}, {26, 0, ""},
		}},
		{"closed and opened by the same event", []step{{0, 4, "create low"}, {30, 8, "close items=1 held=0 score=4, create high"}}},
		{"a finding keeps it open", []step{{0, 4, "create low"}, {23, 4, "update low items=1 held=0"}, {46, 0, ""}, {47, 0, "close items=2 held=0 score=4"}}},
		{"a late finding does not reopen what it belongs to", []step{{10, 4, "create low"}, {2, 5, "held"}, {33.9, 0, ""}, {34, 0, "close items=2 held=1 score=5"}}},
		{"a late update does not shorten the cooldown", []step{{10, 4, "create low"}, {2, 8, "update high items=1 held=0"}, {15.9, 4, "held"}, {16, 4, "update low items=2 held=1"}}},
	} {
		t.Run(c.what, func(t *testing.T) {
			set, subject := newTestSet(t, nil), newTestSubject(t, "A")
			fingerprints := map[string]bool{}
			for n, s := range c.steps {
				e := testEvent(n, time.Duration(s.hour*float64(time.Hour)))
				got := tell(set, subject, e, s.score)
				if words := summary(&got); words != s.want {
					t.Fatalf("step %d, %v h, score %v: %q, want %q", n+1, s.hour, s.score, words, s.want)
				}
				if (got.Flag != nil) != (s.score >= 4) {
					t.Errorf("step %d: flag %v", n+1, got.Flag)
				}
				for _, a := range got.Alerts {
					fingerprints[a.Fingerprint] = true
				}
			}
			if creates := strings.Count(fmt.Sprint(c.steps), "create"); len(fingerprints) != creates {
				t.Errorf("%d incidents have %d fingerprints", creates, len(fingerprints))
			}
		})
	}
}

// tell carries the incident on as if one detector had given the score.
func tell(set *Set, subject *Subject, e *Event, score float64) Conclusion {
	var c Conclusion
	set.Begin(&c, e)
	c.Outcome = Counted
	c.Findings[slices.Index(set.Rules(), ruleBurst)] = Finding{Rule: ruleBurst, Detector: ruleBurst, Score: score, Threshold: 4}
	set.tell(e, subject, set.NewProfile(0), false, &c)
	return c
}

func summary(c *Conclusion) string {
	var all []string
	for _, a := range c.Alerts {
		switch a.Activity {
		case Create:
			all = append(all, fmt.Sprintf("create %s", a.Severity))
		case Update:
			all = append(all, fmt.Sprintf("update %s items=%d held=%d", a.Severity, a.ItemsTotal, a.Held))
		case Close:
			all = append(all, fmt.Sprintf("close items=%d held=%d score=%v", a.ItemsTotal, a.Held, a.Score))
		}
	}
	if c.Held {
		all = append(all, "held")
	}
	return strings.Join(all, ", ")
}

// Ids are promised to consumers: they are hashes that anybody can compute again, and never change.
func TestIDs(t *testing.T) {
	set, subject := newTestSet(t, nil), newTestSubject(t, "A")
	a := tell(set, subject, testEvent(0, 0), 5).Alerts[0]
	sum := func(text string) string {
		h := sha256.Sum256([]byte(text))
		return hex.EncodeToString(h[:16])
	}
	if want := sum("sender\x00A\x00event-1\x00"); a.Fingerprint != want || want != "450cf40a5a84ac7c82764f78bf359deb" {
		t.Errorf("fingerprint %s, want %s", a.Fingerprint, want)
	}
	if want := sum(a.Fingerprint + "\x00create\x00event-1\x00"); a.ID != want || want != "cd96391d523f85ebe0b053757b5cc4e9" {
		t.Errorf("id %s, want %s", a.ID, want)
	}
	again := tell(set, newTestSubject(t, "A"), testEvent(0, 0), 5).Alerts[0]
	if !reflect.DeepEqual(a, again) {
		t.Errorf("the same event made another alert:\n%+v\n%+v", a, again)
	}
}

func TestItemsAreBoundedAndCounted(t *testing.T) {
	set, subject := newTestSet(t, nil), newTestSubject(t, "A")
	tell(set, subject, testEvent(0, 0), 5)
	for n := 1; n <= 250; n++ {
		tell(set, subject, testEvent(n, time.Minute), 5)
	}
	a := tell(set, subject, testEvent(251, 7*time.Hour), 5).Alerts[0]
	if len(a.Items) != MaxItems || a.Items[0] != "item-2" || a.ItemsTotal != 251 || a.Held != 250 {
		t.Errorf("%d items from %s, total %d, held %d", len(a.Items), a.Items[0], a.ItemsTotal, a.Held)
	}
}

func TestEvidence(t *testing.T) {
	set, subject := newTestSet(t, nil), newTestSubject(t, "A")
	tell(set, subject, testEvent(5, 0), 5)
	source := testEvent(0, 0).At.Source
	back := tell(set, subject, testEvent(2, time.Hour), 10).Alerts[0]
	if want := []OffsetRange{{source, 102, 105}}; !reflect.DeepEqual(back.Evidence, want) {
		t.Errorf("an earlier offset of the source: %+v, want %+v", back.Evidence, want)
	}
	other := testEvent(7, 2*time.Hour)
	other.At.Source.Partition = 4
	both := tell(set, subject, other, 20).Alerts[0]
	if want := []OffsetRange{{source, 105, 105}, {other.At.Source, 107, 107}}; !reflect.DeepEqual(both.Evidence, want) {
		t.Errorf("another source: %+v, want %+v", both.Evidence, want)
	}
}

func TestIncidentLivesInTheNote(t *testing.T) {
	set, subject := newTestSet(t, nil), newTestSubject(t, "A")
	if subject.Dirty() {
		t.Error("a new subject is dirty")
	}
	tell(set, subject, testEvent(0, 0), 5)
	if !subject.Dirty() {
		t.Error("an incident makes no subject dirty")
	}
	d := subject.TakeDelta()
	if !d.SetNote || !json.Valid([]byte(d.Note)) || subject.Dirty() {
		t.Fatalf("delta %+v, dirty %v", d, subject.Dirty())
	}
	entity := windows.NewEntity(subject.Entity.Key)
	entity.RestoreNote(d.Note)
	restored, err := NewSubject(entity)
	if err != nil || !reflect.DeepEqual(restored.incident, subject.incident) {
		t.Fatalf("restored %+v (%v), want %+v", restored, err, subject.incident)
	}
	tell(set, subject, testEvent(1, 48*time.Hour), 0)
	if d := subject.TakeDelta(); !d.SetNote || d.Note != "" {
		t.Errorf("a closed incident leaves the note %q", d.Note)
	}
}

func TestUnreadableNote(t *testing.T) {
	entity := windows.NewEntity(windows.NewKey(KindSender, "A"))
	entity.RestoreNote(`{"fp":"ab","held":"x"}`)
	subject, err := NewSubject(entity)
	if err == nil || !strings.Contains(err.Error(), "sender A") {
		t.Errorf("error %v does not name the entity", err)
	}
	if subject == nil || subject.incident.open() {
		t.Errorf("subject %+v is not usable without an incident", subject)
	}
}

// An event that is judged once more, as more of the entity came to light, is not gathered twice.
func TestJudgedOnceMore(t *testing.T) {
	set, subject := newTestSet(t, nil), newTestSubject(t, "A")
	tell(set, subject, testEvent(0, 0), 5)
	for range 3 {
		tell(set, subject, testEvent(1, time.Hour), 6)
	}
	if i := subject.incident; i.Held != 1 || i.ItemsSince != 1 || i.ItemsEver != 2 || len(i.Items) != 1 {
		t.Errorf("%+v", i)
	}
	if c := tell(set, subject, testEvent(1, time.Hour), 20); len(c.Alerts) != 1 || c.Alerts[0].ItemsTotal != 1 {
		t.Errorf("%+v", c.Alerts)
	}
}
