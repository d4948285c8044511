package detector

import "math"

// Histogram counts scores by bin: bin i holds [i·binWidth, (i+1)·binWidth), the last one all above.
type Histogram map[int]float64

const (
	binWidth = 0.1
	bins     = 300
)

func binOf(score float64) int { return max(0, min(bins-1, int(score/binWidth))) }

// The constants of calibration; the neighbours that were tried are given in brackets.
const (
	tailShare   = .05 // of the entries, which are the tail (.02: .02, .1: .02)
	tailLeast   = 30  // entries, which are the tail at least
	tailFew     = 5   // with fewer nothing is said
	tailCap     = 3   // medians to which an excess counts, so that an incident does not stretch the tail
	nominalSize = 200 // entries that the nominal tail, 10^-score, weighs (50, 600: 0)
)

// calibration says how rare a score is among the population's entity-days: empirical up to where the tail begins,
// exponential in it. It is immutable; nil knows nothing.
type calibration struct {
	entries float64
	above   [bins + 1]float64 // entries in a bin and all above it
	start   float64           // of the tail
	share   float64           // of the entries in the tail
	scale   float64           // mean excess over start
}

func newCalibration(h Histogram, entries float64) *calibration {
	c := &calibration{entries: entries}
	for i := bins - 1; i >= 0; i-- {
		c.above[i] = c.above[i+1] + max(0, h[i])
	}
	// Scores below the first bin are not kept: there the tail begins at the lowest.
	from := bins - 1
	for from > 1 && c.above[from] < max(tailLeast, tailShare*entries) {
		from--
	}
	n := c.above[from]
	if n < tailFew || entries <= 0 {
		return nil
	}
	c.start, c.share = float64(from)*binWidth, min(1, n/entries)
	excess := func(i int) float64 { return (float64(i-from) + .5) * binWidth }
	middle := from
	for n-c.above[middle+1] < n/2 {
		middle++
	}
	for i := from; i < bins; i++ {
		c.scale += max(0, h[i]) * min(excess(i), tailCap*excess(middle)) / n
	}
	return c
}

// calibrate gives the score to be used for x: what the population shows can only make it less extreme.
func (c *calibration) calibrate(x float64) float64 {
	if c == nil || x == 0 {
		return x
	}
	return max(0, min(x, -math.Log10(c.chance(x))))
}

// chance is the part of the entries that reach x, the nominal tail mixed in.
func (c *calibration) chance(x float64) float64 {
	return (c.entries*c.tail(x) + nominalSize*math.Exp(-x*math.Ln10)) / (c.entries + nominalSize)
}

func (c *calibration) tail(x float64) float64 {
	if x >= c.start {
		return c.share * math.Exp(-(x-c.start)/c.scale)
	}
	i := binOf(x)
	part := x/binWidth - float64(i)
	return min(1, ((1-part)*c.above[i]+part*c.above[i+1])/c.entries)
}
