package app_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestKilled counts 100,000 shipments with a process that is killed without warning ten times, at random moments, and
// started again. Nothing is lost and nothing counted twice, and every planted parcel over a threshold is flagged.
func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process eleven times: not with -short")
	}
	const (
		shipments = 100_000
		kills     = 10
	)
	b := newBench(t)
	binary := filepath.Join(t.TempDir(), "parcelsentry")
	if out, err := exec.Command("go", "build", "-o", binary, "github.com/parcelsentry/parcelsentry/cmd/parcelsentry").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	all := b.shipments(shipments)
	store := b.store()
	total := int64(len(all))
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))

	for i := range kills {
		p := b.process(binary)
		from, to := len(all)*i/kills, len(all)*(i+1)/kills
		b.produce(all[from:to])
		// Somewhere between nothing and everything of what was just written.
		b.await(store, min(total, int64(from)+random.Int64N(int64(to-from))))
		p.kill()
	}
	p := b.process(binary)
	b.awaitEverywhere(store, total)
	p.stop()
	b.verify(store)
}

// process is the service in a process of its own.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
}

func (b *bench) process(binary string) *process {
	b.t.Helper()
	p := &process{t: b.t, cmd: exec.CommandContext(b.context(), binary, "run", "--config", b.file)}
	if err := p.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	return p
}

func (p *process) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatalf("the service ended before it was killed: %v", err)
	}
	_ = p.cmd.Wait() // says that it was killed
}

func (p *process) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the service ended with: %v", err)
	}
}
