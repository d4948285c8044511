package pipeline

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/parcelsentry/parcelsentry/detector"
	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/memstore"
)

var (
	errAway     = errors.New("nobody answers")
	errPassword = errors.New("wrong password")
)

// fakeIO is a source, a store and a sink in memory, with faults. A bubble's clock drives it.
type fakeIO struct {
	windows.Store

	mu   sync.Mutex
	log  []Record
	ends int // the fetch from which on the source ends with its log, 0 for never
	// later is the number of records, at the end of the log, that come only once something was written.
	later     int
	profiles  *ProfileChain
	committed int64
	said      []Output
	// faults are what the next calls of an operation fail with, one each.
	faults map[operation][]error
	// hangs says how many of the next calls of an operation hang until their context ends.
	hangs map[operation]int
	calls map[operation]int
}

func newFakeIO(log ...Record) *fakeIO {
	return &fakeIO{
		Store: memstore.New(), profiles: NewProfileChain(smallSet(nil)), log: log, committed: windows.NoOffset,
		faults: map[operation][]error{}, hangs: map[operation]int{}, calls: map[operation]int{},
	}
}

func (f *fakeIO) io() IO {
	return IO{
		Source: f, Store: f, Sink: f, Profiles: f, Grace: 10 * time.Second,
		Fatal: func(err error) bool { return errors.Is(err, errPassword) },
	}
}

// Teach implements Profiles.
func (f *fakeIO) Teach(ctx context.Context, sums *detector.Sums) error {
	if err := f.call(ctx, opProfile); err != nil {
		return err
	}
	return f.profiles.Teach(ctx, sums)
}

// For implements Profiles.
func (f *fakeIO) For(ctx context.Context, day int64) (*detector.Profile, error) {
	if err := f.call(ctx, opProfile); err != nil {
		return nil, err
	}
	return f.profiles.For(ctx, day)
}

// call counts a call and gives the fault that awaits it.
func (f *fakeIO) call(ctx context.Context, op operation) error {
	f.mu.Lock()
	f.calls[op]++
	hang := f.hangs[op] > 0
	if hang {
		f.hangs[op]--
	}
	var err error
	if faults := f.faults[op]; !hang && len(faults) > 0 {
		err, f.faults[op] = faults[0], faults[1:]
	}
	f.mu.Unlock()
	if hang {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

func (f *fakeIO) Bounds(ctx context.Context) (first, end int64, err error) {
	return 0, int64(len(f.log)), f.call(ctx, opStand)
}

func (f *fakeIO) Committed(context.Context) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.committed, nil
}

func (f *fakeIO) RecordTime(_ context.Context, offset int64) (time.Time, bool, error) {
	return f.log[offset].Time, true, nil
}

func (f *fakeIO) Fetch(ctx context.Context, offset int64) (Batch, error) {
	end := f.end()
	if offset == end { // a broker waits a little for records
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
	if err := f.call(ctx, opFetch); err != nil {
		return Batch{}, err
	}
	end = f.end()
	done := f.ends > 0 && f.calls[opFetch] >= f.ends && end == int64(len(f.log))
	return Batch{Records: f.log[offset:end], Next: end, End: end, Done: done}, ctx.Err()
}

func (f *fakeIO) end() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls[opWrite] == 0 {
		return int64(len(f.log) - f.later)
	}
	return int64(len(f.log))
}

func (f *fakeIO) Commit(ctx context.Context, offset int64) error {
	if err := f.call(ctx, opCommit); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.committed = offset
	return nil
}

func (f *fakeIO) Begin(ctx context.Context, source windows.Source, at windows.Fence) error {
	if err := f.call(ctx, opBegin); err != nil {
		return err
	}
	return f.Store.Begin(ctx, source, at)
}

// Fences fails for opVerify only: until Begin they are read to find the position.
func (f *fakeIO) Fences(ctx context.Context, topic string, partition int) (*windows.Fences, error) {
	f.mu.Lock()
	begun := f.calls[opBegin] > 0
	f.mu.Unlock()
	if begun && topic == "shipments" {
		if err := f.call(ctx, opVerify); err != nil {
			return nil, err
		}
	}
	return f.Store.Fences(ctx, topic, partition)
}

func (f *fakeIO) Load(ctx context.Context, source windows.Source, keys []windows.Key) ([]windows.Loaded, error) {
	if err := f.call(ctx, opLoad); err != nil {
		return nil, err
	}
	return f.Store.Load(ctx, source, keys)
}

func (f *fakeIO) Apply(ctx context.Context, source windows.Source, updates []windows.Update) ([]windows.Result, error) {
	if err := f.call(ctx, opApply); err != nil {
		return nil, err
	}
	return f.Store.Apply(ctx, source, updates)
}

func (f *fakeIO) Write(ctx context.Context, outputs []Output) error {
	op := opWrite
	if outputs[0].Alert != nil {
		op = opAlert
	}
	if err := f.call(ctx, op); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.said = append(f.said, outputs...)
	return nil
}
