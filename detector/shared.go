package detector

import "weak"

// shared is the share that a detector's window had in an ordinary day, see Profile.share: one event after the other asks
// for the same window. The zero shared has none.
type shared struct {
	profile weak.Pointer[Profile] // whose it is, without keeping it
	start   int64                 // of the window, in Unix milliseconds; its length is always the same
	share   float64               // 0 for none
}

func (l *shared) of(p *Profile, s Span) float64 {
	if start := s.Start.UnixMilli(); l.share == 0 || l.start != start || l.profile != p.self {
		*l = shared{profile: p.self, start: start, share: p.share(s)}
	}
	return l.share
}
