package kafkaio

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/parcelsentry/parcelsentry/cmd/internal/pipeline"
)

// collect gives what a call of Read brings. A new topic has no leaders for its first moments.
func collect(t *testing.T, r *Reader) (values []string) {
	t.Helper()
	ctx := limited(t)
	for {
		values = nil
		err := r.Read(ctx, func(_ int, r pipeline.Record) error {
			values = append(values, string(r.Value))
			return nil
		})
		if err == nil {
			break
		}
		if pause(ctx, missingPause) != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(values) // partitions come in no order that matters
	return values
}

func TestReaderGoesOn(t *testing.T) {
	everywhere(t, func(t *testing.T, o Options) {
		create(t, o, 3)
		all, late := NewReader(o, o.Topic, time.Time{}), NewReader(o, o.Topic, timeOf(2))
		defer all.Close()
		defer late.Close()
		if got := collect(t, all); len(got) != 0 {
			t.Errorf("an empty topic holds %v", got)
		}
		write(t, o, "some sender", "a", "b", "c")
		if got := collect(t, late); !slices.Equal(got, []string{"c"}) {
			t.Errorf("from the third second on: %v", got)
		}
		write(t, o, "another", "d")
		for _, want := range [][]string{{"a", "b", "c", "d"}, nil} {
			if got := collect(t, all); !slices.Equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
		}
		never := NewReader(o, o.Topic, timeOf(3))
		defer never.Close()
		if got := collect(t, never); len(got) != 0 {
			t.Errorf("after the last record: %v", got)
		}
	})
}

func TestLookup(t *testing.T) {
	c, o := fake(t)
	create(t, o, 1, "cleanup.policy", "compact")
	for n := range 200 {
		write(t, o, fmt.Sprintf("sender %d", n%40), fmt.Sprint(n))
	}
	c.Compact()
	look := func(offsets ...int64) (got []string) {
		if err := Lookup(limited(t), o, o.Topic, 0, offsets, func(r pipeline.Record) error {
			if string(r.Value) != fmt.Sprint(r.Offset) {
				t.Errorf("record %d has value %s", r.Offset, r.Value)
			}
			got = append(got, string(r.Value))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := look(3, 17, 160, 161, 163, 180, 199, 200, 1000); !slices.Equal(got, []string{"160", "161", "163", "180", "199"}) {
		t.Errorf("%v of a compacted topic", got)
	}
	if err := c.DeleteRecords(o.Topic, 0, 170); err != nil {
		t.Fatal(err)
	}
	if got := look(160, 169, 170, 171); !slices.Equal(got, []string{"170", "171"}) {
		t.Errorf("%v of a cut topic", got)
	}
	if err := Lookup(limited(t), o, o.Topic, 7, []int64{0}, nil); err != nil {
		t.Errorf("of no partition: %v", err)
	}
}

func TestWritesToAPartition(t *testing.T) {
	everywhere(t, func(t *testing.T, o Options) {
		create(t, o, 3)
		p := NewProducer(o)
		defer p.Close()
		var all []Message
		for _, partition := range []int{2, 0, 5, 2} { // 5 is 2 of 3
			m := messages(o.Topic, "the same sender", fmt.Sprint(partition))[0]
			m.Partition = &partition
			all = append(all, m)
		}
		if err := p.Write(limited(t), all); err != nil {
			t.Fatal(err)
		}
		got := everything(t, o)
		if !slices.Equal(got[0], []string{"0"}) || len(got[1]) != 0 || !slices.Equal(got[2], []string{"2", "5", "2"}) {
			t.Errorf("%v", got)
		}
	})
}
