package pipeline

import (
	"slices"
)

// kill ends an owner: one of the things that it asked for may still happen.
func (s *simulation) kill(partition int) bool {
	p := s.owners[partition]
	if len(p.pending) > 0 && s.r.IntN(2) == 0 {
		s.execute(p, p.pending[s.r.IntN(len(p.pending))])
	}
	s.owners[partition] = s.begin(partition)
	return true
}

func (s *simulation) replace(partition int) bool {
	s.zombies = append(s.zombies, s.owners[partition])
	if len(s.zombies) > 4 {
		s.zombies = slices.Delete(s.zombies, 0, 1)
	}
	s.owners[partition] = s.begin(partition)
	return true
}

func (s *simulation) stop(partition int) bool {
	p := s.owners[partition]
	s.ask(p, p.worker.stop())
	return true
}

func (s *simulation) rebalance(int) bool {
	for p := range s.owners {
		s.stop(p)
	}
	return true
}
