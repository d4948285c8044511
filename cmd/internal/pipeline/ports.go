package pipeline

import (
	"context"
	"errors"
	"time"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
)

// ErrOutOfRange is what Source.Fetch gives when the log does not hold the offset: it was cut, or the topic is another
// one. The worker then works out its position anew.
var ErrOutOfRange = errors.New("the log does not hold this offset")

// Source is one partition as its worker reads it. Calls of different methods may overlap.
type Source interface {
	// Bounds gives the offset of the first record that the log holds and the one after the last.
	Bounds(ctx context.Context) (first, end int64, err error)
	// Committed gives the offset to read next as committed by the group, windows.NoOffset if there is none.
	Committed(ctx context.Context) (int64, error)
	// RecordTime gives the timestamp of the record at offset; false if the log holds no record there.
	RecordTime(ctx context.Context, offset int64) (time.Time, bool, error)
	// Fetch gives records from offset on, after waiting a little for some; a batch without records is no fault.
	Fetch(ctx context.Context, offset int64) (Batch, error)
	// Commit tells the group that everything before offset is done.
	Commit(ctx context.Context, offset int64) error
}

// Record is one message. Key, Value and Headers belong to the batch, which nobody changes after Fetch.
type Record struct {
	Offset int64
	// Time is the timestamp that Kafka gave the record; zero where there is none, as in a file.
	Time       time.Time
	Key, Value []byte
	// Headers stand beside the value; nil where there are none, as with most records.
	Headers []Header
}

// Header is a name and a value beside a record.
type Header struct {
	Key   string
	Value []byte
}

// Header gives the value of the last header of that name; false if the record has none.
func (r *Record) Header(name string) ([]byte, bool) {
	for i := len(r.Headers) - 1; i >= 0; i-- {
		if r.Headers[i].Key == name {
			return r.Headers[i].Value, true
		}
	}
	return nil, false
}

// Batch is what one fetch gave: records in order of offset, perhaps with gaps.
type Batch struct {
	Records []Record
	// Next is where to fetch next: above every offset in the batch.
	Next int64
	// End is the offset after the last record of the log, 0 if unknown: lag is measured to it.
	End int64
	// Done tells that the source has ended and will never have more, as a file does.
	Done bool
	// Release, unless nil, is called at most once when nobody needs Records any more, from any goroutine. What keys, values and
	// headers point to may be held for longer.
	Release func()

	decoded *decoded // nil until Worker.decode was called
}

// Decoder makes an event of a record's value, in place of a zero one. It may keep neither the value nor share strings with it.
// An error means that no event can be made of it, and the event is zero; *Malformed names the field.
type Decoder interface {
	DecodeInto(e *detector.Event, value []byte, at windows.Coordinates, recordTime time.Time) error
}

// Malformed is why a record can't be decoded.
type Malformed struct {
	Field string // the field at fault, empty for the record as a whole
	Err   error
}

func (m *Malformed) Error() string { return m.Err.Error() }
func (m *Malformed) Unwrap() error { return m.Err }

// Sink takes what a worker has to say. A call with alerts may overlap one with other outputs: neither waits for the other.
type Sink interface {
	// Write returns nil once every output is acknowledged, in order per key. Either all outputs are alerts or none is.
	// After an error any of them may have been written; the same call is made again.
	Write(ctx context.Context, outputs []Output) error
}

// Profiles say what the population is like on a day of event time. All workers get the same for the same day,
// whenever they ask.
type Profiles interface {
	// Teach adds to what later profiles are made of. Repeated after an error it may count twice.
	Teach(ctx context.Context, sums *detector.Sums) error
	// For gives the profile in force on a day since the Unix epoch. Who asks first for a day decides it: it is made of
	// all that was taught by then, or, if a later day is decided already, that of the day before it.
	For(ctx context.Context, day int64) (*detector.Profile, error)
}

// Activity is told what a worker is doing while it does it, so that somebody outside sees what hangs. Calls may overlap;
// they return at once.
type Activity interface {
	// Begin says that an operation is under way from now on, End that it is done or given up, Failed that an attempt at
	// it has failed and that another will be made.
	Begin(operation string)
	End(operation string)
	Failed(operation string, err error)
	// Moved says that the worker has come forward, and whether anything is left for it to do.
	Moved(left bool)
}

// Output is one thing to say: exactly one of Alert, Flag and DeadLetter is set.
type Output struct {
	Alert      *detector.Alert
	Flag       *detector.Flag
	DeadLetter *DeadLetter
	// Offset is that of the record behind it.
	Offset int64
	// RecordTime is the timestamp of the record behind it, zero if it has none.
	RecordTime time.Time
	// Redelivered tells that the record had been read before, Degraded that state is being repaired: the same output
	// may be out already.
	Redelivered, Degraded bool
	// Canary tells that the alert is for nobody but the service itself.
	Canary bool
}

// DeadLetter is a record that was not counted.
type DeadLetter struct {
	Reason string
	Field  string // of a malformed record
	Error  string
	At     windows.Coordinates
	Record Record
	// Reached: the event came to its entities, of which some may have counted it. The same comes of it when the record is
	// read again; it must not be written to the log again.
	Reached bool
}
