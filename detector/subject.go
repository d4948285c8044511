package detector

import (
	"encoding/json"
	"fmt"
	"unsafe"

	"github.com/parcelsentry/parcelsentry/windows"
)

// Subject is an entity with the state of its incident, as a Set works on it.
type Subject struct {
	Entity   *windows.Entity
	incident *incident // nil for none
	changed  bool      // the incident is not in the entity's note yet

	last Judged // the event counted last
	late bool   // it was older than what is counted
	memo *memo  // nil for none
}

// NewSubject gives a subject that is opened, see Open.
func NewSubject(entity *windows.Entity) (*Subject, error) {
	s := &Subject{}
	err := s.Open(entity)
	return s, err
}

// Open begins anew with an entity, and reads the incident from its note. With an error the subject has no open incident
// and can be used all the same: the entity's counts are unharmed.
func (s *Subject) Open(entity *windows.Entity) error {
	*s = Subject{Entity: entity}
	if entity.Note() == "" {
		return nil
	}
	s.incident = &incident{}
	if err := json.Unmarshal([]byte(entity.Note()), s.incident); err != nil {
		s.incident = nil
		return fmt.Errorf("%s %s: the alert state is unreadable: %w", entity.Key.Kind, entity.Key.ID, err)
	}
	return nil
}

// TakeDelta gives what changed since the last call, counts and incident together.
func (s *Subject) TakeDelta() windows.Delta { return s.TakeDeltaTo(&windows.Room{}) }

// TakeDeltaTo is TakeDelta with what the delta holds in room.
func (s *Subject) TakeDeltaTo(room *windows.Room) windows.Delta {
	if s.changed {
		s.changed = false
		s.Entity.SetNote(s.incident.note())
	}
	return s.Entity.TakeDeltaTo(room)
}

// Dirty reports whether there is anything for TakeDelta to take.
func (s *Subject) Dirty() bool { return s.changed || s.Entity.Dirty() }

// Release lets go of the event counted last, see Judged: an entity may stay in memory for long, and the batch that its
// event came with must not.
func (s *Subject) Release() { s.last = Judged{} }

// Bytes estimates the memory that the subject takes with its entity, but not the event that Release lets go of. What
// the incident holds of texts is about what its note says.
func (s *Subject) Bytes() int64 {
	n := int64(unsafe.Sizeof(*s)) + s.Entity.Bytes() + s.memo.bytes()
	if i := s.incident; i != nil {
		n += int64(unsafe.Sizeof(*i)) + int64(cap(i.Items))*int64(unsafe.Sizeof("")) + int64(len(s.Entity.Note()))
	}
	return n
}
