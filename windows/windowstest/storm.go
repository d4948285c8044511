package windowstest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/parcelsentry/parcelsentry/windows"
)

// Storm is a random run over an empty name space: writers of two partitions that share recipients crash, turn into
// zombies, lose answers and make checkpoints; then it is calm, fresh writers finish, and everything must be counted
// once. The same seed gives the same run. disturb may be nil; it is called between steps, now and then, and may do
// to the store what its promises survive.
func Storm(t *testing.T, store windows.Store, seed uint64, disturb func(*rand.Rand)) {
	t.Helper()
	ctx := context.Background()
	r := rand.New(rand.NewPCG(seed, 1))
	name := fmt.Sprintf("storm%d", seed)
	s := &storm{r: r}
	var sources []windows.Source
	var logs [][]shipment
	for p := range 2 {
		source := windows.Source{Topic: name, Partition: p}
		if err := store.Begin(ctx, source, windows.Fence{Offset: windows.NoOffset}); err != nil {
			t.Fatal(err)
		}
		sources = append(sources, source)
		logs = append(logs, shipments(r, name, p, 5+r.IntN(50)))
		s.owners = append(s.owners, &writer{store: store, source: source, log: logs[p]})
		if err := s.owners[p].start(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for range 40 + r.IntN(200) {
		if disturb != nil && r.IntN(20) == 0 {
			disturb(r)
		}
		if err := s.step(ctx); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	for _, w := range s.owners {
		if err := w.start(ctx); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if err := w.finish(ctx); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	expect(t, store, sources, logs)
	if t.Failed() {
		t.Fatalf("seed %d", seed)
	}
}

type storm struct {
	r               *rand.Rand
	owners, zombies []*writer
}

// step lets one thing happen.
func (s *storm) step(ctx context.Context) error {
	p := s.r.IntN(len(s.owners))
	w := s.owners[p]
	switch x := s.r.IntN(100); {
	case x < 2: // a crash: the next one has nothing but the fences
		return w.start(ctx)
	case x < 5: // the old one does not know that it is replaced
		s.zombies = append(s.zombies, w)
		s.owners[p] = &writer{store: w.store, source: w.source, log: w.log, number: w.number + 1}
		return s.owners[p].start(ctx)
	case x < 20 && len(s.zombies) > 0:
		w = s.zombies[s.r.IntN(len(s.zombies))]
	}
	err := s.work(ctx, w)
	if errors.Is(err, errGo) {
		return w.start(ctx)
	}
	return err
}

// work takes a writer one step further.
func (s *storm) work(ctx context.Context, w *writer) error {
	x := s.r.IntN(100)
	switch {
	case len(w.todo) > 0:
		return w.apply(ctx, 1+s.r.IntN(len(w.todo)), x < 15)
	case !w.done() && x < 75:
		return w.read(ctx)
	case w.next == 0:
		return nil
	}
	if w.flush(); x >= 97 && len(w.todo) == 0 {
		w.checkpoint()
	}
	return nil
}
