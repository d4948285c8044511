package synth

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// sender is who sends, and how.
type sender struct {
	id     string
	rate   float64 // parcels a day
	origin string
	places []string // usual destinations
	// closed senders use no other places; the others send anywhere now and then.
	closed bool
}

// kinds of senders: most send twice a month, a few are shops, one in fifty a marketplace.
var kinds = []struct {
	upTo        float64 // share of senders up to and including this kind
	low, high   float64 // parcels a day before scaling
	places      int
	closedShare float64
}{
	{0.60, 0.03, 0.15, 2, 0.3},
	{0.90, 0.4, 2.5, 4, 0.6},
	{0.98, 3, 10, 12, 0.2},
	{1, 20, 50, 60, 0},
}

// makeSenders draws the senders and scales their rates to the mean that was asked for.
func makeSenders(o *Options) []sender {
	all := make([]sender, o.Senders)
	var sum float64
	for i := range all {
		r := rand.New(rand.NewPCG(o.Seed, mix(streamSender, uint64(i))))
		all[i] = makeSender(r, i)
		sum += all[i].rate
	}
	scale := o.Rate * float64(o.Senders) / sum
	for i := range all {
		all[i].rate *= scale
	}
	return all
}

func makeSender(r *rand.Rand, n int) sender {
	kind, draw := 0, r.Float64()
	for draw > kinds[kind].upTo {
		kind++
	}
	k := kinds[kind]
	s := sender{
		id:     fmt.Sprintf("shop-%06d", n),
		rate:   k.low + (k.high-k.low)*r.Float64(),
		origin: place(r),
		closed: r.Float64() < k.closedShare,
	}
	for range 1 + r.IntN(k.places) {
		s.places = append(s.places, place(r))
	}
	return s
}

// newPlaceShare is how often an open sender sends to a place drawn from the whole country.
const newPlaceShare = 0.15

// shipment makes up one of the sender's ordinary shipments.
func (s *sender) shipment(r *rand.Rand, at time.Time) Shipment {
	to := s.places[int(float64(len(s.places))*r.Float64()*r.Float64())]
	if !s.closed && r.Float64() < newPlaceShare {
		to = place(r)
	}
	return Shipment{
		Time: at.Truncate(time.Second), Sender: s.id, Recipient: recipient(r, to), Origin: s.origin, Destination: to,
		WeightG: 50 + int(4000*r.Float64()*r.Float64()), Value: 1000 * (20 + int(3000*r.Float64()*r.Float64()*r.Float64())),
		Service: services[r.IntN(len(services))], Operator: operators[r.IntN(len(operators))],
	}
}

var (
	services  = []string{"economy", "economy", "standard", "standard", "standard", "express"}
	operators = []string{"north-post", "delta-express", "coast-courier"}
)

// recipient is one of the people who live at a place, some of whom order more than others.
func recipient(r *rand.Rand, place string) string {
	const people = 400
	return fmt.Sprintf("%s-%03d", place, int(people*r.Float64()*r.Float64()))
}

// places are as many post codes, of five digits, as shipments go to; the first are used most.
const places = 600

func place(r *rand.Rand) string { return postCode(int(places * r.Float64() * r.Float64())) }

func postCode(n int) string {
	const first, last, step = 10_000, 98_999, 7_919 // a prime, so that neighbours lie far apart
	return fmt.Sprintf("%05d", first+(n*step)%(last-first+1))
}

// weekdayShare is how busy a day is; Sunday comes first.
var weekdayShare = [7]float64{0.4, 1.15, 1.1, 1.1, 1.1, 1.15, 0.9}

// hourWeights is how busy each hour of a day is, out of 100.
var hourWeights = [24]int{0, 0, 0, 0, 0, 0, 1, 3, 8, 10, 11, 9, 4, 7, 10, 10, 9, 8, 4, 2, 2, 1, 1, 0}

// workingTime draws a time of day.
func workingTime(r *rand.Rand) time.Duration {
	n := r.IntN(100)
	for hour, w := range hourWeights {
		if n < w {
			return time.Duration(hour)*time.Hour + time.Duration(r.Int64N(int64(time.Hour)))
		}
		n -= w
	}
	panic("the weights of the hours don't add up to 100")
}

// poisson draws how many things happen where mean are expected, by adding up the times between them.
func poisson(r *rand.Rand, mean float64) int {
	n := 0
	for t := r.ExpFloat64(); t < mean; t += r.ExpFloat64() {
		n++
	}
	return n
}
