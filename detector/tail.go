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

// fewTerms is how many terms of a distribution are rather added up than its tail found from afar.
const fewTerms = 64

// smallTerm is far above the smallest float64, so that the terms above it have all their digits.
const smallTerm = 1e-250

// lnTailNBOfSome is ln P(X ≥ n | X ≥ 1) for X as in lnTailNB, for n ≥ 1. With few terms before n it needs no gamma
// function: what is not surprising follows from their sum, and what is from the n-th term.
func lnTailNBOfSome(n int64, mean, shape float64) float64 {
	lnNone := -shape * math.Log1p(mean/shape)
	some := -math.Expm1(lnNone)
	none := math.Exp(lnNone)
	if n > fewTerms || none < smallTerm || some < smallTerm {
		return lnTailNB(n, mean, shape) - math.Log(some)
	}
	x := mean / (shape + mean)
	term, before := none*shape*x, 0.0 // P(X = 1), P(1 ≤ X < 1)
	for k := 1.0; k < float64(n); k++ {
		before += term
		term *= (shape + k) * x / (k + 1)
	}
	const cancelled = .99 // of it two digits go
	switch a := float64(n); {
	case before < cancelled*some:
		return math.Log1p(-before / some)
	case term > smallTerm && x <= (a+1)/(a+shape+2):
		return math.Log(term * betaFraction(a, shape, x) / some)
	}
	return lnTailNB(n, mean, shape) - math.Log(some)
}

// lnTailBinomial is ln P(X ≥ n) for X out of trials with chance p in (0, 1).
func lnTailBinomial(n, trials int64, p float64) float64 {
	switch {
	case n <= 0 || p >= 1:
		return 0
	case n > trials || p <= 0:
		return math.Inf(-1)
	case n == 1:
		return math.Log(-math.Expm1(float64(trials) * math.Log1p(-p)))
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

// lnTailBetaBinomial is ln P(X ≥ n) for X out of trials with a chance that is beta distributed with a and b, both
// above 0.
func lnTailBetaBinomial(n, trials int64, a, b float64) float64 {
	if n <= 0 {
		return 0
	}
	if n > trials {
		return math.Inf(-1)
	}
	N := float64(trials)
	if trials <= fewTerms {
		if none, some := noneBetaBinomial(trials, a, b); none > smallTerm {
			if n == 1 {
				return math.Log(some)
			}
			for k := 0.0; k < float64(n); k++ {
				none *= (N - k) * (k + a) / ((k + 1) * (N - k - 1 + b)) // P(X = k+1)
			}
			if none > smallTerm {
				return min(0, math.Log(none*tailOverTerm(n, trials, a, b)))
			}
		}
	}
	base := lnGamma(N+1) + lnGamma(a+b) - lnGamma(a) - lnGamma(b) - lnGamma(N+a+b)
	k := float64(n)
	first := base - lnGamma(k+1) - lnGamma(N-k+1) + lnGamma(k+a) + lnGamma(N-k+b)
	return min(0, first+math.Log(tailOverTerm(n, trials, a, b)))
}

// tailOverTerm is P(X ≥ n)/P(X = n) for X as in lnTailBetaBinomial: the further terms follow by their ratio.
func tailOverTerm(n, trials int64, a, b float64) float64 {
	N := float64(trials)
	sum, term := 1.0, 1.0
	for x := float64(n); x < N; x++ {
		term *= (N - x) * (x + a) / ((x + 1) * (N - x - 1 + b))
		sum += term
		if term < 1e-12*sum {
			break
		}
	}
	return sum
}

// noneBetaBinomial is P(X = 0) for X as in lnTailBetaBinomial, and P(X ≥ 1) with all its digits.
func noneBetaBinomial(trials int64, a, b float64) (none, some float64) {
	none = 1
	for j := 0.0; j < float64(trials); j++ {
		some += none * (a / (a + b + j))
		none *= (b + j) / (a + b + j)
	}
	return none, some
}

func lnGamma(x float64) float64 {
	v, _ := math.Lgamma(x) // the sign is + for x above 0
	return v
}

// lnTailStudent is ln P(|T| ≥ t) for Student's t with that many degrees of freedom, for t ≥ 0.
func lnTailStudent(t, freedom float64) float64 {
	if t <= 0 {
		return 0
	}
	return lnBeta(freedom/2, .5, freedom/(freedom+t*t))
}
