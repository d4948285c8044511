package windows

import (
	"context"
	"fmt"
	"time"
)

const (
	// MaxContributions is how many contributions are kept for the next artefact; beyond, the oldest go first. That is
	// fine because they need not be exact.
	MaxContributions = 10_000
	// MaxProfileDays is how many days are kept when a new one is decided; beyond, the oldest go first.
	MaxProfileDays = 400
)

// Profiles keeps what is known of the population: one artefact for each day of event time, decided once, and the
// contributions that the next one is made of. What is in them means nothing here; a nil artefact is the decision that
// there is none, an empty one is an artefact. Methods may be called concurrently; an error means nothing is known
// about what was done, and each call may be repeated.
type Profiles interface {
	// Contribute adds to what the next artefact is made of. A call that is repeated may count twice: contributions
	// need not be exact.
	Contribute(ctx context.Context, contribution []byte) error
	// Decide gives the artefact in force for a day (days since the Unix epoch, may be negative). The first call for a
	// day decides it for ever: if a LATER day is decided already, the day gets the newest artefact of a day before it
	// (nil if there is none) and contributions stay untouched; otherwise build is called with the newest earlier
	// artefact (nil for none) and all contributions in the order in which they came, its result is stored
	// create-only, and the contributions that it used are dropped. When two decide at once, one wins and both get the
	// winner's artefact; the contributions that the winner used are dropped, later ones stay.
	//
	// A day that was decided as nil has no artefact, so the newest one is that of a day before it. build is called
	// again when another day was decided while it ran, so it must have no effect but its result; it owns its
	// arguments and may call the other methods. Its error is returned, and nothing is decided.
	//
	// A day that is dropped because too many are kept is forgotten: asked for again it is a day before all others.
	Decide(
		ctx context.Context, day int64, build func(previous []byte, contributions [][]byte) ([]byte, error),
	) ([]byte, error)
	// Recorded gives every decided artefact with its day, ascending: for export. A day that shares an earlier day's
	// artefact has its bytes too.
	Recorded(ctx context.Context) ([]DayProfile, error)
	// Record puts artefacts in for days that have none: for import and for replay with recorded ones; a day that is
	// decided already with other bytes is a *DecidedError, with the same bytes it is fine. After a DecidedError
	// nothing was put in. It drops no days: those above MaxProfileDays stay until a day after all of them is decided.
	Record(ctx context.Context, all []DayProfile) error
}

// DayProfile is the artefact in force for a day.
type DayProfile struct {
	// Day counts from the Unix epoch.
	Day int64
	// Artefact is nil if it was decided that there is none.
	Artefact []byte
}

// Date gives the day as 2026-03-02.
func (d DayProfile) Date() string { return time.Unix(d.Day*24*60*60, 0).UTC().Format(time.DateOnly) }

// DecidedError says that a day was to be recorded with other bytes than those that it has.
type DecidedError struct{ Day int64 }

// Error names the day.
func (e *DecidedError) Error() string {
	return fmt.Sprintf("the profile of day %d is decided already, with other bytes", e.Day)
}
