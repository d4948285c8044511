package detector

import "math"

// Tail probabilities, as natural logarithms so that the far tail keeps its digits: a score of 40 is a chance of
// 10^-40, which a float64 holds, but 1 − CDF would not.

// lnTailNB is ln P(X ≥ n) for a negative binomial X, a Poisson count whose rate is gamma distributed, with that mean
// and shape, both above 0.
func lnTailNB(n int64, mean, shape float64) float64 {
	if n <= 0 {
		return 0
	}
	return lnBeta(float64(n), shape, mean/(shape+mean))
}

// lnTailBinomial is ln P(X ≥ n) for X out of trials with chance p in (0, 1).
func lnTailBinomial(n, trials int64, p float64) float64 {
	switch {
	case n <= 0 || p >= 1:
		return 0
	case n > trials || p <= 0:
		return math.Inf(-1)
	}
	return lnBeta(float64(n), float64(trials-n+1), p)
}

// lnBeta is ln I_x(a, b), the regularized incomplete beta function, for a, b > 0 and 0 < x < 1, by the continued
// fraction of DLMF 8.17.22 on the side where it converges fast.
func lnBeta(a, b, x float64) float64 {
	if x <= (a+1)/(a+b+2) {
		return lnFront(a, b, x) + math.Log(betaFraction(a, b, x))
	}
	// The complement is rarely much above one half, so little is lost by subtracting: with a small b it nears 1, and of
	// the sixteen digits about as many go as b has zeros after the point.
	return math.Log1p(-math.Exp(lnFront(b, a, 1-x)) * betaFraction(b, a, 1-x))
}

func lnFront(a, b, x float64) float64 {
	ab, _ := math.Lgamma(a + b)
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	return ab - la - lb + a*math.Log(x) + b*math.Log1p(-x) - math.Log(a)
}

// betaFraction evaluates 1/(1+ d1/(1+ d2/(1+ …))) by Lentz's method in Thompson and Barnett's form (1986).
func betaFraction(a, b, x float64) float64 {
	const (
		tiny    = 1e-300 // stands for 0 where it would be divided by
		enough  = 1e-14
		maxStep = 10_000 // it takes about the root of max(a, b) steps
	)
	c, d := 1.0, 1/nonzero(1-(a+b)*x/(a+1), tiny)
	h := d
	for i := 1; i <= maxStep; i++ {
		m := float64(i)
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d = 1 / nonzero(1+even*d, tiny)
		c = nonzero(1+even/c, tiny)
		h *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d = 1 / nonzero(1+odd*d, tiny)
		c = nonzero(1+odd/c, tiny)
		h *= d * c
		if math.Abs(d*c-1) < enough {
			break
		}
	}
	return h
}

func nonzero(x, tiny float64) float64 {
	if math.Abs(x) < tiny {
		return tiny
	}
	return x
}
