package detector

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

func newTestSet(t testing.TB, change func(*Settings)) *Set {
	t.Helper()
	s := DefaultSettings()
	if change != nil {
		change(&s)
	}
	set, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// only leaves one rule on.
func only(rule string) func(*Settings) {
	return func(s *Settings) {
		d := DefaultSettings()
		s.Limit, s.Burst, s.Surge, s.Fanout, s.Fanin, s.LaneBurst, s.Structuring = nil, nil, nil, nil, nil, nil, nil
		s.Route, s.SlowRoute, s.Weight, s.Value = nil, nil, nil, nil
		switch rule {
		case "": // none
		case ruleLimit:
			s.Limit = d.Limit
		case ruleBurst:
			s.Burst = d.Burst
		case ruleRoute:
			s.Route = d.Route
		case ruleWeight:
			s.Weight = d.Weight
		default:
			panic("no test wants only " + rule)
		}
	}
}

func newTestSubject(t testing.TB, sender Sender) *Subject {
	t.Helper()
	subject, err := NewSubject(windows.NewEntity(windows.NewKey(KindSender, string(sender))))
	if err != nil {
		t.Fatal(err)
	}
	return subject
}

// observe counts and judges the event for its sender alone, by the profile that knows nothing.
func observe(set *Set, e *Event, sender *Subject) Conclusion {
	return set.Observe(e, Subjects{Sender: sender}, set.NewProfile(0), NewSums())
}

// finding gives what a rule made of the event.
func finding(t testing.TB, c *Conclusion, rule string) *Finding {
	t.Helper()
	for i := range c.Findings {
		if c.Findings[i].Rule == rule {
			return &c.Findings[i]
		}
	}
	t.Fatalf("%s has no finding: %+v", rule, c)
	return nil
}

// same tells that two conclusions say the same. What alerts would be told later is not compared: it names a profile.
func same(a, b Conclusion) bool {
	for _, c := range []*Conclusion{&a, &b} {
		c.silent, c.shared, c.way = nil, nil, way{}
	}
	return reflect.DeepEqual(a, b)
}

func testEvent(n int, after time.Duration) *Event {
	return &Event{
		ID: fmt.Sprintf("event-%d", n+1), Item: fmt.Sprintf("item-%d", n+1), Sender: "A",
		Time: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC).Add(after),
		At:   windows.Coordinates{Source: windows.Source{Topic: "shipments", Partition: 3}, Offset: int64(100 + n)},
	}
}
