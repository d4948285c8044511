package detector

import (
	"encoding/json"
	"fmt"
	"math"
	"sync"
	"time"
	"weak"

	"github.com/parcelsentry/parcelsentry/windows"
)

// Profile is what the population is like, as known when a day begins. It is immutable and safe for concurrent use.
type Profile struct {
	// Day is the first day since the Unix epoch that it is meant for.
	Day int64

	sums         *Sums // decayed to Day
	priors       [families]Prior
	hours        [hoursPerDay]float64 // shares of a day
	activity     *activity
	newPlaces    [bins + 1]float64 // new places in a bin and all above it
	calibrations map[string]*calibration
	amounts      map[string]logAmounts

	self weak.Pointer[Profile] // tells profiles apart, without keeping them
	name sync.Once
	id   string
}

// logAmounts is how the logarithms of amounts are spread within senders and between them, as variances, and the part of
// them that is odd for their sender.
type logAmounts struct{ mean, within, between, odd float64 }

// What the built-in prior weighs against what was learned; the tables hardly move when these are halved or doubled.
const (
	priorEvents  = 20.0  // events
	priorSquares = 100.0 // expected events
	hourPrior    = 10.0  // parcels an hour
	rarityPrior  = 20.0  // new places
	backOff      = 100.0 // parcels of an origin that all destinations weigh (50: .002)
	fewAmounts   = 20    // below which nothing is said of amounts
	// knownShare is the part of its later days that an entity seen once counts as quiet ones. Had it all of them,
	// everybody who comes back would look extreme; with none, nobody would (.3 costs .03 on histories of days, 1 .1).
	knownShare = .1
)

// NewProfile gives the profile that knows nothing.
func (s *Set) NewProfile(day int64) *Profile { return s.profile(day, NewSums()) }

// NextProfile is the profile for day, made of the one before and of what was gathered since.
func (s *Set) NextProfile(previous *Profile, day int64, gathered *Sums) *Profile {
	days := float64(max(0, day-previous.Day))
	sums := NewSums()
	sums.Add(previous.sums, math.Exp2(-days/halfLife))
	sums.Add(gathered, 1)
	for f := range sums.Families {
		sums.Families[f].Days += knownShare * sums.Families[f].Entities * days
	}
	sums.bound()
	keepDays(sums.ByDay, day)
	return s.profile(day, sums)
}

func (s *Set) profile(day int64, sums *Sums) *Profile {
	p := &Profile{Day: day, sums: sums, activity: newActivity(day, sums.ByDay), calibrations: map[string]*calibration{}, amounts: map[string]logAmounts{}}
	p.self = weak.Make(p)
	for f := range p.priors {
		p.priors[f] = sums.Families[f].prior(s.settings.Prior)
	}
	for rule, h := range sums.Highest {
		p.calibrations[rule] = newCalibration(h, sums.Entries[kindOf(rule)])
	}
	for i := bins - 1; i >= 0; i-- {
		p.newPlaces[i] = p.newPlaces[i+1] + sums.NewPlaces[i]
	}
	var parcels float64
	for _, n := range sums.Hours {
		parcels += n
	}
	for h, n := range sums.Hours {
		p.hours[h] = (n + hourPrior) / (parcels + hoursPerDay*hourPrior)
	}
	for rule, a := range sums.Amounts {
		if a.N >= fewAmounts && a.Pairs >= fewAmounts {
			p.amounts[rule] = a.spread()
		}
	}
	return p
}

func (f *FamilySums) prior(builtin Prior) Prior {
	return Prior{
		Rate:       (f.Events + priorEvents) / (f.Days + priorEvents/builtin.Rate),
		Dispersion: max(1, (f.Squares+priorSquares*builtin.Dispersion)/(f.Expected+priorSquares)),
	}
}

func (a *AmountSums) spread() logAmounts {
	const least = 1e-4 // a population of equal amounts must not divide by 0
	mean := a.Sum / a.N
	all := max(least, a.Squares/a.N-mean*mean)
	within := max(least, a.Spread/a.Pairs)
	return logAmounts{mean: mean, within: within, between: max(all-within, .05*all), odd: max(a.Odd/a.N, math.Pow(10, -oddScore))}
}

// artefact is a profile as it is stored and exported.
type artefact struct {
	Day  string `json:"day"`
	Sums *Sums  `json:"sums"`
}

const dateLayout = "2006-01-02"

// Encode gives the profile as JSON: the same profile gives the same bytes.
func (p *Profile) Encode() []byte {
	b, err := json.Marshal(artefact{Day: time.Unix(p.Day*24*60*60, 0).UTC().Format(dateLayout), Sums: p.sums})
	if err != nil {
		panic(err) // maps, strings and finite numbers always encode
	}
	return b
}

// ID names the content: 16 hexadecimal digits of a hash of it, see ArtefactID.
func (p *Profile) ID() string {
	p.name.Do(func() { p.id = hash(string(p.Encode()))[:16] })
	return p.id
}

// ReadProfile reads what Encode gave.
func (s *Set) ReadProfile(b []byte) (*Profile, error) {
	a := artefact{Sums: NewSums()}
	if err := json.Unmarshal(b, &a); err != nil {
		return nil, fmt.Errorf("read a profile: %w", err)
	}
	day, err := time.Parse(dateLayout, a.Day)
	if err != nil {
		return nil, fmt.Errorf("read a profile: its day %q is no date", a.Day)
	}
	if a.Sums == nil {
		a.Sums = NewSums()
	}
	if err := a.Sums.complete(); err != nil {
		return nil, fmt.Errorf("read a profile: %w", err)
	}
	p := s.profile(Day(day), a.Sums)
	p.name.Do(func() { p.id = ArtefactID(b) })
	return p, nil
}

// share is what part of an ordinary day's parcels is to be expected in s: each day by its length and its level of
// activity, in less than a day each hour by what it is worth.
func (p *Profile) share(s Span) float64 {
	// Windows are whole milliseconds, and arithmetic on them is cheaper than on times.
	const hour = int64(time.Hour / time.Millisecond)
	const day = hoursPerDay * hour
	t, end := s.Start.UnixMilli(), s.End.UnixMilli()
	length, step := end-t, day
	if length < day {
		step = hour
	}
	var sum float64
	for t < end {
		next := min((floor(t, step)+1)*step, end)
		part := float64(next-t) / float64(step)
		if step == hour {
			part *= p.hours[floor(t, hour)-floor(t, day)*hoursPerDay]
		}
		sum += p.activity.level(floor(t, day)) * part
		t = next
	}
	// Hours and days that nobody uses must not make one parcel infinitely odd.
	const least = 0.05
	return max(sum, least*float64(length)/float64(day))
}

// floor is a/b, rounded down also below 0.
func floor(a, b int64) int64 {
	n := a / b
	if a%b < 0 {
		n--
	}
	return n
}

// place is the chance that a parcel of anybody from that origin goes to the destination.
func (p *Profile) place(origin, destination windows.Sub) float64 {
	s := p.sums
	anywhere := (s.Destinations[destination] + .5) / (s.Parcels + .5*(float64(len(s.Destinations))+1))
	if origin.IsZero() {
		return anywhere
	}
	return (s.Lanes[laneSub(origin, destination)] + backOff*anywhere) / (s.Origins[origin] + backOff)
}

// asOdd is the part of past new places that were at most as likely for their origin.
func (p *Profile) asOdd(chance float64) float64 {
	return (p.newPlaces[binOf(-math.Log10(chance))] + rarityPrior) / (p.newPlaces[0] + rarityPrior)
}

func laneSub(origin, destination windows.Sub) windows.Sub {
	return windows.NewSub(string(origin[:]) + string(destination[:]))
}

// calibrate gives the score to be used for a rule's raw one.
func (p *Profile) calibrate(rule string, raw float64) float64 {
	return p.calibrations[rule].calibrate(raw)
}

// oneIn is about how many entity-days of a kind there are for one that reaches the score, with two digits; 0 if too
// little is known.
func (p *Profile) oneIn(kind windows.Kind, score float64) float64 {
	c := p.calibrations[string(kind)]
	if c == nil {
		return 0
	}
	n := 1 / c.chance(score)
	unit := math.Pow(10, max(0, math.Floor(math.Log10(n))-1))
	return math.Round(n/unit) * unit
}
