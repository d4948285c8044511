package chaos

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/parcelsentry/parcelsentry/cmd/internal/testbed"
)

// add starts a member of the service, with more of its environment.
func (r *Run) add(env ...string) (*member, error) {
	port, err := testbed.FreePort()
	if err != nil {
		return nil, err
	}
	n := len(r.members) + 1
	m := &member{address: fmt.Sprintf("%s:%d", testbed.Host, port), log: filepath.Join(r.dir, fmt.Sprintf("member-%d.log", n))}
	file := filepath.Join(r.dir, fmt.Sprintf("member-%d.yaml", n))
	yaml, err := os.ReadFile(r.file)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, fmt.Appendf(yaml, "http: {address: %q}\n", m.address), 0o600); err != nil {
		return nil, err
	}
	name := fmt.Sprintf("member %d", n)
	m.Process, err = r.harness.children.Launch(env, name, r.dir, m.log, r.harness.binary, "run", "--config", file)
	if err != nil {
		return nil, err
	}
	m.watch(r.ctx)
	r.members = append(r.members, m)
	r.tell("%s starts, pid %d %v", name, m.PID(), env)
	return m, nil
}

// living are the members that run.
func (r *Run) living() []*member {
	var all []*member
	for _, m := range r.members {
		if m.Running() {
			all = append(all, m)
		}
	}
	return all
}

// any gives one of the members that run, nil if none does.
func (r *Run) any() *member {
	all := r.living()
	if len(all) == 0 {
		return nil
	}
	return all[r.random.IntN(len(all))]
}

// kill ends a member without warning.
func (r *Run) kill(m *member) {
	r.expected[m] = true
	m.die(r.ctx)
}

// leave lets a member end, which it must do well.
func (r *Run) leave(m *member) {
	r.expected[m] = true
	if err := m.leave(r.ctx); err != nil {
		r.wrong("%v", err)
	}
}
