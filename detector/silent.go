package detector

import (
	"sort"
)

// silent is what tells the highest count that would have stayed silent, where somebody asks. In a burst each parcel is
// over the threshold and few are told, and the number takes as long as several judgements. The zero silent tells nothing.
type silent struct {
	of       *counting
	past     rate
	expected float64
	observed int64
	profile  *Profile
}

func (s *silent) number() float64 {
	d := s.of
	return float64(sort.Search(int(s.observed), func(n int) bool {
		return s.profile.calibrate(d.name, s.past.surprise(int64(n), s.expected, d.settings.Window)) >= d.settings.Threshold
	}) - 1)
}

// settle puts the number in its place and lets go of what it was worked out from.
func (s *silent) settle(f *Finding) {
	if s.of != nil {
		f.Counterfactual, *s = s.number(), silent{}
	}
}
