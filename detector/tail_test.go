package detector

import (
	"fmt"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// The tails are checked against sums of their terms: all are positive, so the sums lose nothing however small they are.

// sumTailNB is ln P(X ≥ n), term by term: each is the one before times (shape+k)/(k+1)·x.
func sumTailNB(n int64, mean, shape float64) float64 {
	const precision = 100 // bits: hundreds of thousands of terms must not add up their rounding
	number := func(f float64) *big.Float { return new(big.Float).SetPrec(precision).SetFloat64(f) }
	x := number(mean)
	x.Quo(x, number(mean).Add(number(mean), number(shape)))
	ratio := func(k int64) *big.Float {
		r := number(shape)
		r.Add(r, number(float64(k)))
		return r.Mul(r, x).Quo(r, number(float64(k+1)))
	}
	term, sum := number(1), number(0)
	for k := range n {
		term.Mul(term, ratio(k))
	}
	for k := n; sum.Sign() == 0 || term.MantExp(nil) > sum.MantExp(nil)-70; k++ {
		sum.Add(sum, term)
		term.Mul(term, ratio(k))
	}
	return shape*math.Log(shape/(shape+mean)) + logOf(sum)
}

func logOf(f *big.Float) float64 {
	mantissa := new(big.Float)
	exponent := f.MantExp(mantissa)
	m, _ := mantissa.Float64()
	return math.Log(m) + float64(exponent)*math.Ln2
}

// sumTailBinomial is ln P(X ≥ n), from the first term on: C(trials, n) pⁿ (1−p)^(trials−n).
func sumTailBinomial(n, trials int64, p float64) float64 {
	const precision = 200
	yes := new(big.Float).SetPrec(precision).SetFloat64(p)
	no := new(big.Float).SetPrec(precision).Sub(big.NewFloat(1).SetPrec(precision), yes)
	sum := new(big.Float).SetPrec(precision)
	for k := n; k <= trials; k++ {
		term := new(big.Float).SetPrec(precision).SetInt(new(big.Int).Binomial(trials, k))
		sum.Add(sum, term.Mul(term, power(yes, k)).Mul(term, power(no, trials-k)))
	}
	return logOf(sum)
}

func power(x *big.Float, n int64) *big.Float {
	result := new(big.Float).SetPrec(x.Prec()).SetInt64(1)
	for range n {
		result.Mul(result, x)
	}
	return result
}

// near compares logarithms of chances. A score needs three digits; small shapes cost lnBeta a few of its sixteen.
func near(t testing.TB, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-10*max(1, math.Abs(want)) || math.IsNaN(got) {
		t.Errorf("%s = %.15g, want %.15g", what, got, want)
	}
}

func TestTailNB(t *testing.T) {
	for _, mean := range []float64{1e-6, 0.01, 0.5, 3, 40, 900} {
		for _, shape := range []float64{0.003, 0.4, 1, 2, 7.5, 60} {
			if mean/shape > 200 {
				continue // too many terms to add up
			}
			for _, n := range []int64{1, 2, 3, 9, 40, 41, 300, 1000} {
				got := lnTailNB(n, mean, shape)
				near(t, fmt.Sprintf("lnTailNB(%d, %g, %g)", n, mean, shape), got, sumTailNB(n, mean, shape))
			}
		}
	}
}

func TestTailNBByHand(t *testing.T) {
	// Shape 1 is the geometric distribution: P(X ≥ n) = (mean/(1+mean))^n.
	near(t, "geometric", lnTailNB(10, 1, 1), 10*math.Log(0.5))
	near(t, "deep", lnTailNB(1000, 0.25, 1), 1000*math.Log(0.2))
	near(t, "at least none", lnTailNB(0, 3, 2), 0)
	// P(X ≥ 1) = 1 − (shape/(shape+mean))^shape.
	near(t, "at least one", lnTailNB(1, 3, 2), math.Log(1-math.Pow(0.4, 2)))
}

func TestTailBinomial(t *testing.T) {
	for _, trials := range []int64{1, 2, 7, 40, 150} {
		for _, p := range []float64{1e-9, 1e-4, 0.01, 0.3, 0.5, 0.97} {
			for _, n := range []int64{1, 2, 3, 6, 20, 40, 110, 150} {
				if n > trials {
					continue
				}
				got := lnTailBinomial(n, trials, p)
				near(t, fmt.Sprintf("lnTailBinomial(%d, %d, %g)", n, trials, p), got, sumTailBinomial(n, trials, p))
			}
		}
	}
}

func TestTailBinomialEdges(t *testing.T) {
	for _, c := range []struct {
		n, trials int64
		p, want   float64
	}{
		{0, 5, 0.1, 0},
		{3, 5, 1, 0},
		{6, 5, 0.5, math.Inf(-1)},
		{1, 5, 0, math.Inf(-1)},
	} {
		if got := lnTailBinomial(c.n, c.trials, c.p); got != c.want {
			t.Errorf("lnTailBinomial(%d, %d, %g) = %g, want %g", c.n, c.trials, c.p, got, c.want)
		}
	}
}

// lnBeta changes its formula at x = (a+1)/(a+b+2): both must give the same there.
func TestBetaOnBothSidesOfTheSwitch(t *testing.T) {
	for _, n := range []int64{1, 5, 30, 120} {
		for _, trials := range []int64{120, 130, 400} {
			x := float64(n+1) / float64(trials+3)
			for _, p := range []float64{x * 0.999, math.Nextafter(x, 0), x, math.Nextafter(x, 1), x * 1.001} {
				near(t, fmt.Sprintf("%d of %d at %v", n, trials, p), lnTailBinomial(n, trials, p), sumTailBinomial(n, trials, p))
			}
		}
	}
}

func TestBetaAndItsComplement(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := math.Exp(rapid.Float64Range(-6, 12).Draw(t, "ln a"))
		b := math.Exp(rapid.Float64Range(-6, 12).Draw(t, "ln b"))
		x := rapid.Float64Range(1e-6, 1-1e-6).Draw(t, "x")
		one := math.Exp(lnBeta(a, b, x)) + math.Exp(lnBeta(b, a, 1-x))
		if math.Abs(one-1) > 1e-9 || math.IsNaN(one) {
			t.Fatalf("I_x(a,b) + I_1-x(b,a) = %v", one)
		}
	})
}

// More parcels are never less surprising, however large the numbers.
func TestTailsFallWithTheCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mean := math.Exp(rapid.Float64Range(-12, 9).Draw(t, "ln mean"))
		shape := math.Exp(rapid.Float64Range(-9, 6).Draw(t, "ln shape"))
		n := rapid.Int64Range(0, 100_000).Draw(t, "n")
		a, b := lnTailNB(n, mean, shape), lnTailNB(n+1, mean, shape)
		// A step may drown in rounding where the chance is nearly 1 or the logarithm is huge.
		if slack := 1e-11 * max(1, math.Abs(a)); !(b <= a+slack) || a > slack || math.IsInf(b, 0) {
			t.Fatalf("ln P(X ≥ %d) = %v, ln P(X ≥ %d) = %v", n, a, n+1, b)
		}
	})
}

// With few terms or many, likely or not: what is asked about a count that is at least one is the same.
func TestTailNBOfSome(t *testing.T) {
	for _, mean := range []float64{1e-9, 1e-6, 0.01, 0.5, 3, 40, 400} {
		for _, shape := range []float64{0.003, 0.4, 1, 2, 7.5, 60} {
			if mean/shape > 200 {
				continue // too many terms to add up
			}
			one := sumTailNB(1, mean, shape)
			for _, n := range []int64{1, 2, 3, 4, 8, 9, 40, 63, 64, 65, 300} {
				got := lnTailNBOfSome(n, mean, shape)
				near(t, fmt.Sprintf("lnTailNBOfSome(%d, %g, %g)", n, mean, shape), got, sumTailNB(n, mean, shape)-one)
			}
		}
	}
}

func TestTailNBOfSomeAgainstTheWholeTails(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mean := math.Exp(rapid.Float64Range(-12, 9).Draw(t, "ln mean"))
		shape := math.Exp(rapid.Float64Range(-3, 3).Draw(t, "ln shape"))
		n := rapid.Int64Range(1, 2*fewTerms).Draw(t, "n")
		got, want := lnTailNBOfSome(n, mean, shape), lnTailNB(n, mean, shape)-lnTailNB(1, mean, shape)
		if math.Abs(got-want) > 1e-11*max(1, math.Abs(want)) || math.IsNaN(got) {
			t.Fatalf("%.15g, by the difference of whole tails %.15g", got, want)
		}
	})
}

// Few trials need no gamma function; both ways give the same.
func TestTailBetaBinomialOfFewTrials(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := math.Exp(rapid.Float64Range(-12, 9).Draw(t, "ln a"))
		b := math.Exp(rapid.Float64Range(-6, 9).Draw(t, "ln b"))
		trials := rapid.Int64Range(1, fewTerms).Draw(t, "trials")
		n := rapid.Int64Range(1, trials).Draw(t, "n")
		got, want := lnTailBetaBinomial(n, trials, a, b), sumTailBetaBinomial(n, trials, a, b)
		if math.Abs(got-want) > 1e-10*max(1, math.Abs(want)) || math.IsNaN(got) {
			t.Fatalf("%.15g, term by term %.15g", got, want)
		}
	})
}

// sumTailBetaBinomial is ln P(X ≥ n), term by term from the first: each is C(trials, k) B(k+a, trials−k+b)/B(a, b).
func sumTailBetaBinomial(n, trials int64, a, b float64) float64 {
	const precision = 200
	number := func(f float64) *big.Float { return new(big.Float).SetPrec(precision).SetFloat64(f) }
	rising := func(x float64, k int64) *big.Float { // x (x+1) … (x+k−1)
		product := number(1)
		for i := range k {
			product.Mul(product, number(x).Add(number(x), number(float64(i))))
		}
		return product
	}
	sum := number(0)
	for k := n; k <= trials; k++ {
		term := new(big.Float).SetPrec(precision).SetInt(new(big.Int).Binomial(trials, k))
		sum.Add(sum, term.Mul(term, rising(a, k)).Mul(term, rising(b, trials-k)))
	}
	all := number(1)
	ab := number(a)
	ab.Add(ab, number(b))
	for i := range trials {
		all.Mul(all, new(big.Float).SetPrec(precision).Add(ab, number(float64(i))))
	}
	return logOf(sum.Quo(sum, all))
}
