package detector

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// FuzzNote: whatever an entity's note says, the entity counts on and is judged.
func FuzzNote(f *testing.F) {
	set := newTestSet(f, nil)
	subject := newTestSubject(f, "A")
	for n := range 12 {
		observe(set, testEvent(n, time.Duration(n)*time.Minute), subject)
	}
	f.Add(subject.TakeDelta().Note)
	for _, note := range []string{
		"", "{}", "null", "[]", `{"fp":"ab","items":null,"found":"0001-01-01T00:00:00Z"}`, `{"fp":"ab","held":"x"}`,
		`{"fp":"a","since":-9223372036854775808,"top":{"Score":1e308,"Threshold":-1e308},"told":"9999-12-31T23:59:59Z"}`,
	} {
		f.Add(note)
	}
	profile := set.NewProfile(0)
	f.Fuzz(func(t *testing.T, note string) {
		entity := windows.NewEntity(windows.NewKey(KindSender, "A"))
		entity.RestoreNote(note)
		subject, _ := NewSubject(entity)
		for n := range 12 {
			set.Observe(testEvent(n, time.Duration(n)*time.Minute), Subjects{Sender: subject}, profile, NewSums())
		}
		c := set.Observe(testEvent(99, 1000*time.Hour), Subjects{Sender: subject}, profile, NewSums())
		if c.Outcome != Counted || entity.Events() != 13 || subject.Bytes() <= 0 {
			t.Errorf("%s, %d events, %d bytes", c.Outcome, entity.Events(), subject.Bytes())
		}
		if d := subject.TakeDelta(); d.Note != "" && !json.Valid([]byte(d.Note)) {
			t.Errorf("the note %q becomes %q", note, d.Note)
		}
	})
}

// FuzzReadProfile: bytes that are a profile can be judged by, taught to the next one, and written again.
func FuzzReadProfile(f *testing.F) {
	set := newTestSet(f, nil)
	sums, subject := NewSums(), newTestSubject(f, "A")
	for n := range 12 {
		e := testEvent(n, time.Duration(n)*7*time.Hour)
		e.Origin, e.Destination, e.WeightG = "P", "X", Amount{Value: 100, Known: true}
		set.Observe(e, Subjects{Sender: subject}, set.NewProfile(0), sums)
	}
	f.Add(set.NextProfile(set.NewProfile(20514), 20515, sums).Encode())
	for _, b := range []string{
		`{"day":"2026-03-02"}`, `{"day":"2026-03-02","sums":null}`, `{"day":"0000-01-01","sums":{}}`, `{"day":"x"}`, `{}`, ``,
		`{"day":"2026-03-02","sums":{"origins":null,"highest":{"burst":null},"amounts":null,"by_day":null,"entries":null,"new_places":null}}`,
		`{"day":"2026-03-02","sums":{"amounts":{"weight":{"n":1e308,"sum":1e308}},"parcels":1e308}}`,
		`{"day":"2026-03-02","sums":{"parcels":1e59,"families":[{"events":1e59,"squares":1e60,"expected":1e-300}],"hours":[1e60]}}`,
		`{"day":"2026-03-02","sums":{"by_day":{"-9223372036854775808":1,"9223372036854775807":1e308,"20513":-5}}}`,
		`{"day":"2026-03-02","sums":{"families":[{"events":-1e308,"days":-1e308,"squares":-1e308}],"hours":[-1e308],"parcels":-1e308}}`,
		`{"day":"2026-03-02","sums":{"highest":{"burst":{"-7":1,"99999":5}},"new_places":{"-1":3,"77777":1},"entries":{"sender":-5}}}`,
		`{"day":"2026-03-02","sums":{"amounts":{"weight":{"n":1e300,"sum":-1e308,"squares":-1e308,"pairs":1e300,"spread":-1,"odd":1e308}}}}`,
	} {
		f.Add([]byte(b))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := set.ReadProfile(b)
		if err != nil {
			return
		}
		subject, sums := newTestSubject(t, "A"), NewSums()
		for n := range 4 {
			e := testEvent(n, time.Duration(n)*30*time.Hour)
			e.Origin, e.Destination, e.WeightG = "P", "X", Amount{Value: 100, Known: true}
			set.Observe(e, Subjects{Sender: subject}, p, sums)
		}
		next := set.NextProfile(p, p.Day+1, sums)
		_ = set.Summarise(next)
		_, _ = p.Encode(), next.ID()
	})
}

// FuzzReadSums: bytes that are sums can be added to others, and others to them.
func FuzzReadSums(f *testing.F) {
	for _, b := range []string{
		`{}`, `null`, `{"origins":null,"destinations":null,"lanes":null,"new_places":null,"entries":null,"highest":null,"amounts":null,"by_day":null}`,
		`{"highest":{"burst":null}}`, `{"origins":{"toolongforasub":1}}`, `{"families":[]}`, `[1]`, ``,
	} {
		f.Add([]byte(b))
	}
	set := newTestSet(f, nil)
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ReadSums(b)
		if err != nil {
			return
		}
		other := NewSums()
		other.Origins[windows.NewSub("P")], other.Highest["burst"], other.ByDay[5] = 1, Histogram{1: 1}, 1
		other.Entries[KindSender], other.NewPlaces[1], other.Amounts["weight"] = 1, 1, AmountSums{N: 1}
		other.Lanes[windows.NewSub("L")], other.Destinations[windows.NewSub("X")] = 1, 1
		other.Add(s, .5)
		s.Add(other, .5)
		set.NextProfile(set.NewProfile(0), 1, s)
	})
}
