package windows

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// NoOffset is the offset of a fence that stands before every record.
const NoOffset int64 = -1

// A Fence is the last record of a source that is counted in a bucket.
type Fence struct {
	// Offset is the record's offset, NoOffset for none.
	Offset int64
	// Time is the timestamp of the record, zero if unknown: a topic that was created anew is known by it. Stores keep
	// it in milliseconds.
	Time time.Time
	// Writer is a number of its own of whoever put the fence there, 0 for nobody in particular. Two that count in one bucket and
	// come to the same offset may have counted different events: of records that retention took, of a log cut back, of
	// lost state. So an update is for a fence of the writer that it knows.
	Writer uint64
	// Begun tells that the fence says where its writer began, and that no update has moved it since.
	Begun bool
}

// Is tells that two fences are the same as stores keep them.
func (f Fence) Is(g Fence) bool {
	return f.Offset == g.Offset && f.Writer == g.Writer && f.Begun == g.Begun &&
		f.Time.IsZero() == g.Time.IsZero() && f.Time.UnixMilli() == g.Time.UnixMilli()
}

// Fences are the fences of one source, a bucket each.
type Fences struct {
	// Source has the highest epoch of which any bucket has a fence, or epoch 0.
	Source Source
	// At holds the fence of every bucket; it is meaningful where Present is true.
	At      [Buckets]Fence
	Present [Buckets]bool
}

// Update is what one flush does to one bucket.
type Update struct {
	Bucket int
	// Expected is the fence as the writer believes it to be, New the fence after the update.
	Expected, New Fence
	// Deltas belong to entities of this bucket, each at most once. None is a checkpoint: only the fence moves.
	Deltas []Delta
}

// Validate reports why no store takes the update: a bucket that there is not, a fence that would move backwards,
// deltas without a step forward of the fence, an entity of another bucket or twice.
func (u *Update) Validate() error {
	switch {
	case u.Bucket < 0 || u.Bucket >= Buckets:
		return fmt.Errorf("bucket %d: there are %d", u.Bucket, Buckets)
	case u.New.Offset < u.Expected.Offset:
		return fmt.Errorf("bucket %d: the fence would move back from %d to %d", u.Bucket, u.Expected.Offset, u.New.Offset)
	case u.New.Offset == u.Expected.Offset && len(u.Deltas) > 0:
		return fmt.Errorf("bucket %d: %d deltas, but the fence stays at %d", u.Bucket, len(u.Deltas), u.New.Offset)
	}
	var room [64]uint64 // as many as a bucket of a usual flush has
	hashes := room[:0]
	for i := range u.Deltas {
		key := u.Deltas[i].Key
		hash := key.Hash()
		if BucketOf(hash) != u.Bucket {
			return fmt.Errorf("bucket %d: %s %q is of bucket %d", u.Bucket, key.Kind, key.ID, BucketOf(hash))
		}
		hashes = append(hashes, hash)
	}
	slices.Sort(hashes)
	for i := 1; i < len(hashes); i++ {
		if hashes[i] == hashes[i-1] {
			return u.unlike()
		}
	}
	return nil
}

// unlike reports an entity that occurs twice, and not only its hash.
func (u *Update) unlike() error {
	seen := make(map[Key]bool, len(u.Deltas))
	for i := range u.Deltas {
		key := u.Deltas[i].Key
		if seen[key] {
			return fmt.Errorf("bucket %d: %s %q has two deltas", u.Bucket, key.Kind, key.ID)
		}
		seen[key] = true
	}
	return nil
}

// Status says what a store did with an Update.
type Status int

const (
	// Refused: the fence was neither as expected nor the new one, or an entity has lost events that its writer knew.
	// Nothing changed.
	Refused Status = iota
	// Applied: everything in the update is stored, in one atomic step.
	Applied
	// Already: the fence is the new one: the same update came before. Nothing changed.
	Already
)

// String gives the status in one word.
func (s Status) String() string {
	return [...]string{"refused", "applied", "already"}[s]
}

// Result is a store's answer to an Update.
type Result struct {
	Status Status
	// Events holds the entity's total of counted events after the update, one for each delta, unless Refused. A
	// total above what the writer expects shows that another source was counted there too.
	Events []int64
}

// Loaded is an entity as a store holds it, and the fence of the asking source in the entity's bucket, read after
// the entity: if the fence is as the reader expects, the entity holds nothing beyond it.
type Loaded struct {
	Entity  *Entity
	Fence   Fence
	Present bool
}

// A Store keeps entities, and for every source and bucket the fence up to which they are counted. Each method may
// be called by several goroutines at once. An error means that nothing is known about what was done; every call may
// be repeated, and a repeated one changes nothing that it changed before.
type Store interface {
	// Fences reads where a partition of a topic stands.
	Fences(ctx context.Context, topic string, partition int) (*Fences, error)
	// Begin writes fence at into every bucket that has none of the source yet, bucket 0 last: a source whose
	// bucket 0 has a fence has begun everywhere.
	Begin(ctx context.Context, source Source, at Fence) error
	// Load reads entities in the order of keys; an entity that was never stored comes back empty.
	Load(ctx context.Context, source Source, keys []Key) ([]Loaded, error)
	// Apply does each update in one atomic step of its own, in no promised order, and answers in the order of
	// updates.
	Apply(ctx context.Context, source Source, updates []Update) ([]Result, error)
}
