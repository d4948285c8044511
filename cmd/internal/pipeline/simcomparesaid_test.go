package pipeline

import (
	"fmt"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// compareSaid holds what was said of senders against what an undisturbed reader would say.
func (s *simulation) compareSaid(o *oracle) string {
	senders := s.fingerprints(o)
	for _, n := range o.wanted {
		got, want := s.said[n], o.want[n]
		if s.excused(o, senders, n, want) {
			continue
		}
		switch {
		case got == nil:
			return fmt.Sprintf("%v is missing: %v", n, want)
		case want.letter != nil:
		case got.differs != nil:
			return fmt.Sprintf("%v was said in two ways:\n    %v\nand %v", n, got, got.differs)
		case !got.equal(want):
			return fmt.Sprintf("%v differs:\n got %v\nwant %v", n, got, want)
		}
	}
	for _, n := range s.sayings {
		if got := s.said[n]; o.want[n] == nil && !s.excused(o, senders, n, got) {
			return fmt.Sprintf("%v should not have been said: %v", n, got)
		}
	}
	return ""
}

// fingerprints gives the senders of incidents: a sender's first finding is always told.
func (s *simulation) fingerprints(o *oracle) map[string]windows.Key {
	senders := map[string]windows.Key{}
	for _, all := range [...]map[saying]*said{s.said, o.want} {
		for _, what := range all {
			if a := what.alert; a != nil && a.Entity.Kind == detector.KindSender {
				senders[a.Fingerprint] = windows.NewKey(detector.KindSender, a.Entity.ID)
			}
		}
	}
	return senders
}

// excused tells that nothing certain can be said of an output: it is of another entity than a sender, or of one whose
// events are in several logs, or that has lost some.
func (s *simulation) excused(o *oracle, senders map[string]windows.Key, n saying, what *said) bool {
	var key windows.Key
	switch {
	case what.alert != nil:
		key = windows.NewKey(what.alert.Entity.Kind, what.alert.Entity.ID)
	case what.flag != nil:
		key = senders[what.flag.Fingerprint]
	case o.history.dead[n]:
		return true // compareLetters has seen to it
	case len(s.writer.deeds[n.deed].keys) > 0:
		key = s.writer.deeds[n.deed].keys[0]
	}
	return key.Kind != detector.KindSender || s.harmed[key] || o.history.several[key]
}
