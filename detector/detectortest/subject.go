package detectortest

import (
	"fmt"
	"strings"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// subject names an entity in a scenario.
type subject struct {
	kind windows.Kind
	id   string // of a lane ORIGIN>DESTINATION
}

func sender(id string) subject { return subject{detector.KindSender, id} }

// takeSubject reads the entity at the beginning of words, and gives what follows it: A, sender A, recipient R or
// lane X>Y.
func takeSubject(words []string) (subject, []string, error) {
	if len(words) == 0 {
		return subject{}, nil, fmt.Errorf("whose is missing: write A, recipient R or lane X>Y")
	}
	kind := windows.Kind(words[0])
	switch kind {
	case detector.KindSender, detector.KindRecipient, detector.KindLane:
	default:
		return sender(words[0]), words[1:], nil
	}
	if len(words) < 2 {
		return subject{}, nil, fmt.Errorf("which %s is missing", kind)
	}
	if origin, destination, _ := strings.Cut(words[1], ">"); kind == detector.KindLane && (origin == "" || destination == "") {
		return subject{}, nil, fmt.Errorf("%q is no lane: write it like X>Y", words[1])
	}
	return subject{kind, words[1]}, words[2:], nil
}

func (s subject) key() windows.Key {
	if s.kind == detector.KindLane {
		origin, destination, _ := strings.Cut(s.id, ">")
		return windows.NewKey(s.kind, origin, destination)
	}
	return windows.NewKey(s.kind, s.id)
}

// is tells that an alert is about the subject.
func (s subject) is(ref detector.EntityRef) bool { return s == subjectOf(ref) }

func subjectOf(ref detector.EntityRef) subject {
	return subject{ref.Kind, strings.ReplaceAll(ref.ID, " > ", ">")}
}

// String gives the subject as lines name it.
func (s subject) String() string {
	if s.kind == detector.KindSender {
		return s.id
	}
	return string(s.kind) + " " + s.id
}

func refer(ref detector.EntityRef) string { return subjectOf(ref).String() }
