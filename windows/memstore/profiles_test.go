package memstore_test

import (
	"strconv"
	"testing"

	"github.com/parcelsentry/parcelsentry/windows"
	"github.com/parcelsentry/parcelsentry/windows/memstore"
	"github.com/parcelsentry/parcelsentry/windows/windowstest"
)

func TestProfiles(t *testing.T) {
	windowstest.RunProfiles(t, func(*testing.T) windows.Profiles { return memstore.NewProfiles() })
}

// TestManyContributions: the oldest go first, also those that are being used.
func TestManyContributions(t *testing.T) {
	p := memstore.NewProfiles()
	contribute := func(from, to int) {
		for i := from; i < to; i++ {
			if err := p.Contribute(t.Context(), []byte(strconv.Itoa(i))); err != nil {
				t.Fatal(err)
			}
		}
	}
	const most = windows.MaxContributions
	contribute(0, most+2)
	for _, step := range []struct{ from, to, more int }{{2, most + 2, 3}, {most + 2, most + 5, 0}} {
		_, err := p.Decide(t.Context(), int64(step.from), func(_ []byte, c [][]byte) ([]byte, error) {
			first, last := string(c[0]), string(c[len(c)-1])
			if len(c) != step.to-step.from || first != strconv.Itoa(step.from) || last != strconv.Itoa(step.to-1) {
				t.Errorf("%d contributions, %s to %s; want %d to %d", len(c), first, last, step.from, step.to-1)
			}
			contribute(step.to, step.to+step.more)
			return nil, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
