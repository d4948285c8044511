package kafkaio

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
)

// TestOnce reads each partition to where the log ended, or to what the group had committed, while more comes.
func TestOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, o Options) {
		create(t, o, 1)
		write(t, o, "k", numbered(0, 10)...)
		all := func() []string {
			t.Helper()
			var values []string
			if err := Once(limited(t), o, func(ctx context.Context, _ int, s pipeline.Source) error {
				write(t, o, "k", "more")
				for offset := int64(0); ; {
					b, err := s.Fetch(ctx, offset)
					if err != nil {
						return err
					}
					for _, r := range b.Records {
						values = append(values, string(r.Value))
					}
					if err := s.Commit(ctx, b.Next); err != nil {
						return err
					}
					if offset = b.Next; b.Done {
						return nil
					}
				}
			}); err != nil {
				t.Fatal(err)
			}
			return values
		}
		if got, want := strings.Join(all(), " "), strings.Join(numbered(0, 10), " "); got != want {
			t.Errorf("read %s, want %s", got, want)
		}
		if s := open(t, o); committedOf(t, s) >= 0 {
			t.Error("it has committed")
		}
		ctx, end := context.WithCancel(limited(t))
		if err := NewGroup(o).Run(ctx, func(ctx context.Context, _ int, s pipeline.Source) error {
			defer end()
			return s.Commit(ctx, 4)
		}); err != nil {
			t.Fatal(err)
		}
		if got, want := strings.Join(all(), " "), strings.Join(numbered(0, 4), " "); got != want {
			t.Errorf("read %s, want what is committed: %s", got, want)
		}
	})
}

func TestOnceEndsWithAnError(t *testing.T) {
	_, o := fake(t)
	create(t, o, 3)
	broken := errors.New("broken")
	err := Once(limited(t), o, func(ctx context.Context, partition int, _ pipeline.Source) error {
		if partition == 1 {
			return broken
		}
		<-ctx.Done()
		return ctx.Err()
	})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "partition 1 of "+o.Topic) {
		t.Errorf("error %v", err)
	}
}
