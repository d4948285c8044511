package detector

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/parcelsentry/parcelsentry/windows"
)

// Sums are what a population profile is made of. They are additive, in whatever order: workers add up theirs. They need not be
// exact, as they say what is usual, not what was. Use NewSums; the zero Sums can only be read.
type Sums struct {
	Families [families]FamilySums `json:"families"`
	// Hours are parcels by the hour of the day, in UTC.
	Hours [hoursPerDay]float64 `json:"hours"`
	// ByDay are parcels by the day since the Unix epoch, of a sender its first few of a day. They do not lose weight with
	// time, but go when they are old.
	ByDay map[int64]float64 `json:"by_day"`
	// Parcels counts all with a destination; Origins, Destinations and Lanes those of each.
	Parcels      float64                 `json:"parcels"`
	Origins      map[windows.Sub]float64 `json:"origins"`
	Destinations map[windows.Sub]float64 `json:"destinations"`
	Lanes        map[windows.Sub]float64 `json:"lanes"`
	// NewPlaces counts the destinations new to a sender by how unlikely they were for their origin.
	NewPlaces Histogram `json:"new_places"`
	// Entries is the number of entity-days of each kind, Highest the highest score of a rule in each that had any,
	// and of all the rules of a kind, under the kind's name. A shared entity has more than one entry a day, see enter.
	Entries map[windows.Kind]float64 `json:"entries"`
	Highest map[string]Histogram     `json:"highest"`
	Amounts map[string]AmountSums    `json:"amounts"`
}

// FamilySums tell how a family's counts are spread over entities and days.
type FamilySums struct {
	// Events is the number counted, Entities that of entities seen for the first time, Days the days that entities
	// have been known for.
	Events   float64 `json:"events"`
	Entities float64 `json:"entities"`
	Days     float64 `json:"days"`
	// Expected sums up what was expected of closed days, Squares the squared differences to what came, less what rates
	// that are not known better explain. A day of many expected events weighs about as much as one of one.
	Expected float64 `json:"expected"`
	Squares  float64 `json:"squares"`
}

// AmountSums are of the natural logarithms of amounts.
type AmountSums struct {
	N       float64 `json:"n"`
	Sum     float64 `json:"sum"`
	Squares float64 `json:"squares"`
	// Pairs is the number of amounts that had an earlier one of the same sender, Spread the sum of their variances
	// from these.
	Pairs  float64 `json:"pairs"`
	Spread float64 `json:"spread"`
	// Odd is the number of those far from what was usual for their sender.
	Odd float64 `json:"odd"`
}

// NewSums gives empty sums.
func NewSums() *Sums {
	return &Sums{
		Origins: map[windows.Sub]float64{}, Destinations: map[windows.Sub]float64{}, Lanes: map[windows.Sub]float64{},
		NewPlaces: Histogram{}, Entries: map[windows.Kind]float64{}, Highest: map[string]Histogram{},
		Amounts: map[string]AmountSums{}, ByDay: map[int64]float64{},
	}
}

// IsEmpty reports whether nothing was gathered.
func (s *Sums) IsEmpty() bool {
	for f := range s.Families {
		if s.Families[f].Events > 0 {
			return false
		}
	}
	return true
}

// Encode gives the sums as JSON.
func (s *Sums) Encode() []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // maps, strings and finite numbers always encode
	}
	return b
}

// ReadSums reads what Encode gave.
func ReadSums(b []byte) (*Sums, error) {
	s := NewSums()
	if err := json.Unmarshal(b, s); err != nil {
		return nil, fmt.Errorf("read sums of the population: %w", err)
	}
	if err := s.complete(); err != nil {
		return nil, fmt.Errorf("read sums of the population: %w", err)
	}
	return s, nil
}

// mostSum is far above whatever a population adds up to, and so far below the largest float64 that neither squares nor
// sums of many such numbers overflow.
const mostSum = 1e60

// complete puts back the maps that JSON set to null. It is an error if a number is too large to go on with.
func (s *Sums) complete() error {
	empty := NewSums()
	restore(&s.ByDay, empty.ByDay)
	restore(&s.Origins, empty.Origins)
	restore(&s.Destinations, empty.Destinations)
	restore(&s.Lanes, empty.Lanes)
	restore(&s.NewPlaces, empty.NewPlaces)
	restore(&s.Entries, empty.Entries)
	restore(&s.Highest, empty.Highest)
	restore(&s.Amounts, empty.Amounts)
	maps.DeleteFunc(s.Highest, func(_ string, h Histogram) bool { return h == nil })
	for x := range s.numbers {
		if math.Abs(x) > mostSum {
			return fmt.Errorf("%g is no number of parcels", x)
		}
	}
	return nil
}

// numbers gives every number of the sums, in no order.
func (s *Sums) numbers(yield func(float64) bool) {
	all := func(numbers ...float64) bool {
		return !slices.ContainsFunc(numbers, func(x float64) bool { return !yield(x) })
	}
	for f := range s.Families {
		f := &s.Families[f]
		if !all(f.Events, f.Entities, f.Days, f.Expected, f.Squares) {
			return
		}
	}
	for _, a := range s.Amounts {
		if !all(a.N, a.Sum, a.Squares, a.Pairs, a.Spread, a.Odd) {
			return
		}
	}
	for _, h := range s.Highest {
		if !all(slices.Collect(maps.Values(h))...) {
			return
		}
	}
	_ = all(s.Hours[:]...) && all(s.Parcels) &&
		all(slices.Collect(maps.Values(s.Origins))...) && all(slices.Collect(maps.Values(s.Destinations))...) &&
		all(slices.Collect(maps.Values(s.Lanes))...) && all(slices.Collect(maps.Values(s.NewPlaces))...) &&
		all(slices.Collect(maps.Values(s.Entries))...) && all(slices.Collect(maps.Values(s.ByDay))...)
}

func restore[M ~map[K]V, K comparable, V any](m *M, empty M) {
	if *m == nil {
		*m = empty
	}
}

// Add adds weight times other, but for ByDay, which is added as it is.
func (s *Sums) Add(other *Sums, weight float64) {
	for f := range s.Families {
		a, b := &s.Families[f], &other.Families[f]
		a.Events += weight * b.Events
		a.Entities += weight * b.Entities
		a.Days += weight * b.Days
		a.Expected += weight * b.Expected
		a.Squares += weight * b.Squares
	}
	for h := range s.Hours {
		s.Hours[h] += weight * other.Hours[h]
	}
	s.Parcels += weight * other.Parcels
	addTo(s.Origins, other.Origins, weight)
	addTo(s.Destinations, other.Destinations, weight)
	addTo(s.Lanes, other.Lanes, weight)
	addTo(s.NewPlaces, other.NewPlaces, weight)
	addTo(s.ByDay, other.ByDay, 1)
	addTo(s.Entries, other.Entries, weight)
	for rule, h := range other.Highest {
		addTo(s.histogram(rule), h, weight)
	}
	for rule, b := range other.Amounts {
		a := s.Amounts[rule]
		a.N += weight * b.N
		a.Sum += weight * b.Sum
		a.Squares += weight * b.Squares
		a.Pairs += weight * b.Pairs
		a.Spread += weight * b.Spread
		a.Odd += weight * b.Odd
		s.Amounts[rule] = a
	}
}

func addTo[K comparable](to, from map[K]float64, weight float64) {
	for key, x := range from {
		to[key] += weight * x
	}
}

func (s *Sums) histogram(rule string) Histogram {
	if s.Highest[rule] == nil {
		s.Highest[rule] = Histogram{}
	}
	return s.Highest[rule]
}

// The bounds of what a profile knows of places: beyond, those used least are forgotten, and likely as any other then.
const (
	maxPlaces = 20_000
	maxLanes  = 50_000
)

// bound forgets the places and lanes used least.
func (s *Sums) bound() {
	keepLargest(s.Origins, maxPlaces)
	keepLargest(s.Destinations, maxPlaces)
	keepLargest(s.Lanes, maxLanes)
}

// thin keeps a map in bounds while it is gathered: where it holds four times as much as a profile will know, those used
// least go until half are left, equally used ones together.
func thin(m map[windows.Sub]float64, limit int) {
	if len(m) <= 4*limit {
		return
	}
	for least := 1.0; len(m) > 2*limit; least *= 2 {
		maps.DeleteFunc(m, func(_ windows.Sub, n float64) bool { return n <= least })
	}
}

func keepLargest(m map[windows.Sub]float64, limit int) {
	if len(m) <= limit {
		return
	}
	type used struct {
		place windows.Sub
		n     float64
	}
	all := make([]used, 0, len(m))
	for place, n := range m {
		all = append(all, used{place, n})
	}
	slices.SortFunc(all, func(a, b used) int {
		switch {
		case a.n > b.n:
			return -1
		case a.n < b.n:
			return 1
		}
		return bytes.Compare(a.place[:], b.place[:])
	})
	for _, u := range all[limit:] {
		delete(m, u.place)
	}
}

// parcel takes in a sender's parcel; newPlace tells that it went where the sender never sent before.
func (s *Sums) parcel(e *Event, w *way, newPlace bool, p *Profile) {
	s.Hours[e.Time.Hour()]++
	if e.Destination == "" {
		return
	}
	if newPlace {
		s.NewPlaces[binOf(-math.Log10(w.anybody(p)))]++
	}
	s.Parcels++
	s.Destinations[w.destination]++
	if !w.origin.IsZero() {
		s.Origins[w.origin]++
		s.Lanes[laneSub(w.origin, w.destination)]++
	}
	thin(s.Origins, maxPlaces)
	thin(s.Destinations, maxPlaces)
	thin(s.Lanes, maxLanes)
}

func (s *Sums) amount(rule string, x, earlier, mean float64, odd bool) {
	a := s.Amounts[rule]
	a.N++
	a.Sum += grain(x)
	a.Squares += grain(x * x)
	if earlier > 0 {
		a.Pairs++
		a.Spread += grain((x - mean) * (x - mean) * earlier / (earlier + 1))
	}
	if odd {
		a.Odd++
	}
	s.Amounts[rule] = a
}

// count takes in an event of an entity, before it is counted there.
func (s *Sums) count(f family, entity *windows.Entity, m Marks) {
	if entity.Events() == 0 {
		s.Families[f].Entities++
	}
	if !m.Line && (f.measure() == measureItems || m.Fresh) {
		s.Families[f].Events++
	}
}

// squareCap is how far one closed day may be above the expected variance, so that an incident does not make the whole
// population look uneven.
const squareCap = 12

// closed takes in the days from an entity's last one with events up to the day before today, when the first event of
// today comes.
func (s *Sums) closed(f family, panes []windows.PaneCount, first, today int64, p *Profile) {
	var last windows.PaneCount
	l := newLearner(first, p.priors[f], p.activity)
	for _, pane := range panes {
		if pane.Pane < first || pane.N == 0 {
			continue
		}
		if pane.Pane >= today {
			break
		}
		if last.N > 0 {
			l.quiet(last.Pane)
			l.day(last.N)
		}
		last = pane
	}
	if last.N == 0 {
		return
	}
	l.quiet(last.Pane)
	s.day(f, l, float64(last.N), l.activity.level(last.Pane), 1)
	l.day(last.N)
	if gap := today - last.Pane - 1; gap > 0 {
		// What is expected falls while nothing comes; the middle of the gap stands for all of it.
		days := l.activity.span(last.Pane+1, today)
		l.quiet(last.Pane + 1 + gap/2)
		s.day(f, l, 0, 1, days)
	}
}

// day takes in n events of an entity on so many days of that level of activity.
func (s *Sums) day(f family, l learner, n, level, days float64) {
	mean, shape := l.mean()
	mean *= level
	// A busy entity's days differ mostly because its rate is not known better, or drifts. Left in, that would make the
	// days of all look uneven, and hide what small ones do.
	uncertain := mean * mean * (1/shape + driftShort)
	square := min((n-mean)*(n-mean), squareCap*(mean*l.prior.Dispersion+uncertain))
	weight := days / (1 + mean)
	s.Families[f].Expected += grain(weight * mean)
	s.Families[f].Squares += grain(weight * (square - uncertain))
}

// grain gives the multiple of 2^-24 nearest to x. Sums of such numbers below 2^29 are exact, so in what order events were taken in,
// and by which worker, does not show in the last digits.
func grain(x float64) float64 {
	const perUnit = 1 << 24
	return math.Round(x*perUnit) / perUnit
}

// enter takes in how a shared entity stands at an event, for calibration. What the scores of a lane cost are the
// senders that it drags along, so every sender of a day is an entry; but the incidents that are to be found are many
// senders in a day too, so the n-th weighs less. It gives that weight, for stand.
func (s *Sums) enter(kind windows.Kind, nth int64) (weight float64) {
	weight = 1
	if nth > 1 {
		weight = grain(math.Pow(float64(nth), -.3))
	}
	s.Entries[kind] += weight
	return weight
}

// stand takes in the score of a rule in an entry of that weight.
func (s *Sums) stand(rule string, score, weight float64) {
	if bin := binOf(score); bin > 0 {
		s.histogram(rule)[bin] += weight
	}
}

// rise moves a sender's entry of the day to its new highest score. The entity keeps where it stands as day and bin in
// one number.
func (s *Sums) rise(entity *windows.Entity, slot int64, rule string, day int64, score float64) {
	const perDay = 1024 // above bins
	bin := int64(binOf(score))
	if bin < 1 {
		return
	}
	old := entity.TallyOf(measureHigh, slot)
	if old/perDay > day || old/perDay == day && old%perDay >= bin {
		return
	}
	h := s.histogram(rule)
	if old/perDay == day {
		h[int(old%perDay)]--
	}
	h[int(bin)]++
	entity.Tally(measureHigh, slot, day*perDay+bin-old)
}

// Day is the day of an instant since the Unix epoch, in UTC.
func Day(t time.Time) int64 {
	const day = 24 * 60 * 60
	s := t.Unix()
	return (s - ((s%day)+day)%day) / day
}
