package windows

// A Delta is what happened to one entity since it was last stored. Deltas of different sources commute, except for
// Note, where the last one stored stands.
type Delta struct {
	Key Key
	// Add has what to add to counts, each field once; N may be negative. A count that becomes 0 is removed.
	Add []FieldCount
	// Drop names counts beyond the horizon, to be removed whatever they hold and whatever Add says.
	Drop []Field
	// Seen says when members were last seen, each member once; the later time stands.
	Seen []Member
	// Forget names members to be removed before Seen is added: one that is in both is seen then and not later.
	Forget []Sub
	// First is set when this delta holds an event before all others that the writer knew of; the earlier one stands.
	First First
	// Note replaces the entity's note when SetNote; the empty note removes it.
	Note    string
	SetNote bool
	// Events is the number of events counted in this delta, added to the entity's total.
	Events int64
	// Packed is the whole entity after this delta, see Unpack, for a store that holds version Base of it, as the writer
	// believes, in which it has counted Had events. A store that holds another one adds the delta to that instead, as it does
	// if Packed is empty. If that has fewer events it has lost some, and the delta is of what is not there any more: refused.
	Base   Version
	Had    int64
	Packed []byte
}

// FieldCount is a count, or what to add to one.
type FieldCount struct {
	Field Field
	N     int64
}

// Member is one of the things that an entity remembers by name, and when it was last seen, in Unix milliseconds.
type Member struct {
	Sub       Sub
	UnixMilli int64
}
