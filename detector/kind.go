package detector

import (
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// The kinds of entity that events are counted for.
const (
	KindSender    windows.Kind = "sender"
	KindRecipient windows.Kind = "recipient"
	// KindLane is the way from one place to another.
	KindLane windows.Kind = "lane"
)

// LaneArrow stands between the places of a lane where it is named for people.
const LaneArrow = " > "

// Subjects are an event's entities. One is nil if the event lacks it, or if it has counted the event already.
type Subjects struct{ Sender, Recipient, Lane *Subject }

// since is when the sender's first event was; zero if that is not known, which makes it a new one.
func (s *Subjects) since() time.Time {
	if s.Sender == nil {
		return time.Time{}
	}
	return s.Sender.Entity.First().Time
}

// Set puts a subject in its place, by its kind.
func (s *Subjects) Set(subject *Subject) {
	switch subject.Entity.Key.Kind {
	case KindSender:
		s.Sender = subject
	case KindRecipient:
		s.Recipient = subject
	case KindLane:
		s.Lane = subject
	}
}

// inOrder gives the subjects in the order in which their findings are told: the first that has any speaks.
func (s *Subjects) inOrder() [3]*Subject { return [...]*Subject{s.Sender, s.Recipient, s.Lane} }

// Keys names the entities that an event concerns, the sender first.
func (s *Set) Keys(e *Event) []windows.Key { return s.AppendKeys(make([]windows.Key, 0, kindCount), e) }

// AppendKeys appends what Keys gives.
func (s *Set) AppendKeys(keys []windows.Key, e *Event) []windows.Key {
	keys = append(keys, windows.NewKey(KindSender, string(e.Sender)))
	if e.Recipient != "" && len(s.counted(KindRecipient)) > 0 {
		keys = append(keys, windows.NewKey(KindRecipient, string(e.Recipient)))
	}
	if e.Origin != "" && e.Destination != "" && len(s.counted(KindLane)) > 0 {
		keys = append(keys, windows.NewKey(KindLane, string(e.Origin), string(e.Destination)))
	}
	return keys
}

// refer names an event's entity of a kind for outsiders.
func (e *Event) refer(kind windows.Kind) EntityRef {
	switch kind {
	case KindRecipient:
		return EntityRef{Kind: kind, ID: string(e.Recipient)}
	case KindLane:
		return EntityRef{Kind: kind, ID: string(e.Origin) + LaneArrow + string(e.Destination)}
	}
	return EntityRef{Kind: kind, ID: string(e.Sender)}
}

// kindCount is the number of kinds.
const kindCount = 3

// Kinds lists the kinds in the order in which their findings are told.
func Kinds() [kindCount]windows.Kind {
	return [...]windows.Kind{KindSender, KindRecipient, KindLane}
}

// place is that of a kind among Kinds.
func place(kind windows.Kind) int {
	switch kind {
	case KindRecipient:
		return 1
	case KindLane:
		return 2
	}
	return 0
}

// counted is what is counted for entities of a kind.
func (s *Set) counted(kind windows.Kind) []Count { return s.counts[place(kind)] }
