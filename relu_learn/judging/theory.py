"""What the paper guarantees: polynomial parameters, for any network at all, and astronomical.

The paper shows *that* a polynomial number of queries is enough, with no assumption on the neurons;
it does not try to make the polynomial small. `paper_parameters` evaluates such a polynomial, so
that the two can be told apart: "polynomial" and "runs before the universe ends".

What float64 forbids, whatever the learner. An answer at a point of norm r ~ sqrt(d) is a rounded
sum, so it is off by about

    nu = eps * (sum_i |a_i| (|w_i| r + |b_i|) + |u| r + |c|),    eps = 2.2e-16:

all terms count, also those that cancel. F is known to nu at best; for errors relative to the
scale s of the outputs to be 1e-7, nu / s must be below 1e-7 by the factor that the steps lose.

- An offset: c = 1e12 and s = 1 give nu / s = 2e-4.
- A cancelling pair a (relu(z) - relu(z - g)) is of size |a| g, its terms of size |a|: it is known
  to eps / g of its own size, 2e-7 for g = 1e-9.
- Of two hyperplanes a distance g apart, the piece in between has room for steps of length g, so
  its gradient is off by nu / g. The sum of both neurons does not need it and keeps its digits; the
  direction of either is uncertain by nu / (g |a_i| |w_i|), 1e-7 for g = 1e-9 and a neuron of
  size 1. F' is off by (nu / g) * g = nu only, as the strip between them is no wider than g.
- Norms 1e10 apart, largest 1e5 and smallest 1e-5: nu = 2e-11, so that the smallest neuron is known
  to 2e-6 of its own size, and to 2e-16 of the scale.
- A riser of slope L between flat steps: its place is rounded to eps r, its height to eps r L.
"""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Callable
from decimal import Decimal
from numbers import Real
from typing import Any

from relu_learn.asking.arguments import positive_int
from relu_learn.asking.errors import InvalidArgument


@dataclasses.dataclass(frozen=True)
class PaperParameters:
    """Worst-case parameters of the grid method, and their derivation.

    Each of the three probable events below fails with probability delta/4 at most; and so does the
    regression.

    Attributes
    ----------
    epsilon, delta : float
        Loss and failure probability that they guarantee.
    dim, neurons : int
        d and k.
    R, B : float
        Bounds of |w_i| and |b_i|, with the output weights +-1 (their size folded into w_i, b_i).
    neglect : float
        eta = sqrt(epsilon) / (4 k): L2 error that a single neuron may contribute, as errors add up.
        A neuron with |w_i| <= eta is nearly constant, and left out.
    far : float
        T = min(B / eta, 2 sqrt(ln(R / eta))): hyperplanes at more than T standard deviations are
        treated as affine, as E (u - T)+^2 <= exp(-T^2 / 2) / 2.
    spread : float
        L = sqrt(2 ln(16 k^2 / delta)): about 4 k^2 projections of x0 and v (on normals and on their
        differences) are at most L.
    tau : float
        4 k (T + L) / delta: as |<n_i, v>| >= delta / (4 k) for all i, all critical points lie in
        [-tau, tau], where the line is searched.
    gap : float
        eta / (2 R): replacing a neuron by one at angle Delta <= gap and bias distance gap costs at
        most R (Delta + gap), apart from an affine part (the paper's second alpha).
    Delta : float
        gap / (2 L (1 + tau)): neurons at a smaller angle, turned to the same side, with (signed)
        biases that differ by more than gap stay gap / (2 L) apart on the line. With closer biases
        they are found as one neuron.
    r : float
        delta Delta / (12 k^2 L), the length of the intervals of the line: given v, the distance of
        the critical points of neurons at an angle above Delta is a Gaussian of deviation at least
        2 Delta / (pi L), so all pairs are delta Delta / (3 k^2 L) apart: four intervals.
    alpha : float
        delta^2 r / (32 k^2 L tau), the radius of GetGradient's ball: it is cut if a critical point
        comes within 4 k alpha / delta of one of 2 tau / r midpoints.
    intervals : int
        2 tau / r, rounded up.
    samples : int
        64 (d + 1 + ln(4 / delta)) Gaussian points for the regression of the affine residual.
    repeats : int
        N, independent runs of which the best on fresh points is kept.
    each : float
        (delta / 2)^(1/N), with which each of them may fail, as all N of them must (delta itself for
        N = 1): the delta of all formulas above.
    query_bound : int
        All queries: N (intervals * (d + 1) + samples), and for N > 1 as many fresh points to choose
        by, 64 (d + 1 + ln(4 N / delta)).
    """

    epsilon: float
    delta: float
    dim: int
    neurons: int
    R: float
    B: float
    neglect: float
    far: float
    spread: float
    tau: float
    gap: float
    Delta: float
    r: float
    alpha: float
    intervals: int
    samples: int
    repeats: int
    each: float
    query_bound: int

    def __str__(self) -> str:
        return (
            f"loss <= {self.epsilon:g} with probability {1 - self.delta:g}: tau = {self.tau:.1e}, "
            f"r = {self.r:.1e}, alpha = {self.alpha:.1e}, Delta = {self.Delta:.1e}, "
            f"at most {Decimal(self.query_bound):.2e} queries"
            + (f" in {self.repeats} runs" if self.repeats > 1 else "")
        )


def paper_parameters(
    epsilon: float,
    delta: float,
    dim: int,
    neurons: int,
    R: float,
    B: float,
    repeats: int = 1,
) -> PaperParameters:
    """Parameters for which the grid method provably works on every network.

    Parameters
    ----------
    epsilon : float
        Wanted loss E |F - F'|^2, positive.
    delta : float
        Allowed probability of failure, in (0, 1).
    dim : int
        d >= 1.
    neurons : int
        k >= 0.
    R, B : float
        Bounds of |w_i| (positive) and |b_i| (not negative), with output weights +-1.
    repeats : int
        Runs of which the best is kept: of about ln(1/delta) runs each may fail with a constant
        probability, and the bound grows like log(1/delta) instead of a power of 1/delta.

    Returns
    -------
    PaperParameters
        Values beyond the range of floats are given as the largest or smallest positive float;
        the query bound is a (big) integer.

    Raises
    ------
    InvalidArgument

    Notes
    -----
    The paper's [1]_ are the procedures, the kinds of events that must not happen, and the claim: a
    polynomial in d, k, 1/epsilon, log(1/delta), R and B, where the logarithm comes from repeating
    the run and keeping what is best on fresh samples. **Ours are all constants and exponents**,
    derived in `PaperParameters` and not optimised; and that as many points as for the regression,
    up to a logarithm, are enough to choose by. Arithmetic is taken as exact: in float64 an r of
    1e-20 could not even be added to t = 1.

    Two neurons are (Delta, gap)-close if |sin| of the angle between w_i and w_j is at most Delta
    and |b_j w_i - b_i w_j| <= gap |w_i| |w_j|. So after turning one of them until <w_i, w_j> >= 0
    the *signed* biases b_i / |w_i| are within gap, up to terms of order Delta: with an angle up to
    sign and unsigned biases (w, b) and (-w, b) would be close, whose creases are 2 b / |w| apart.

    References
    ----------
    .. [1] S. Chen, A. R. Klivans, R. Meka, "Efficiently Learning One Hidden Layer ReLU Networks
       From Queries", NeurIPS 2021, arXiv:2111.04727.

    Examples
    --------
    >>> p = paper_parameters(epsilon=0.01, delta=0.1, dim=2, neurons=3, R=1.0, B=1.0)
    >>> p.query_bound > 10**11
    True
    >>> sure = dict(epsilon=0.01, delta=1e-9, dim=2, neurons=3, R=1.0, B=1.0)
    >>> once, often = (paper_parameters(**sure, repeats=n).query_bound for n in (1, 20))
    >>> once > 10**20 * often
    True
    """
    return _derived(
        float(_checked("epsilon", epsilon, "a positive number", lambda x: x > 0)),
        float(_checked("delta", delta, "in (0, 1)", lambda x: 0 < x < 1)),
        positive_int("dim", dim),
        int(_checked("neurons", neurons, "an integer >= 0", lambda x: x == int(x) >= 0)),
        float(_checked("R", R, "a positive number", lambda x: x > 0)),
        float(_checked("B", B, "a number >= 0", lambda x: x >= 0)),
        positive_int("repeats", repeats),
    )


def _derived(
    epsilon: float, delta: float, dim: int, neurons: int, R: float, B: float, repeats: int
) -> PaperParameters:
    """By its formulas, in decimals: products of many small factors leave the range of floats."""
    k, size = Decimal(max(neurons, 1)), Decimal(R)
    p = Decimal(delta) if repeats == 1 else (Decimal(delta) / 2) ** (1 / Decimal(repeats))
    eta = Decimal(epsilon).sqrt() / (4 * k)
    far = min(Decimal(B) / eta, 2 * max(Decimal(2), size / eta).ln().sqrt())
    spread = (2 * (16 * k * k / p).ln()).sqrt()
    tau = 4 * k * (far + spread) / p
    gap = eta / (2 * size)
    angle = gap / (2 * spread * (1 + tau))
    r = p * angle / (12 * k * k * spread)
    alpha = p * p * r / (32 * k * k * spread * tau)
    intervals = math.ceil(2 * tau / r)
    samples = math.ceil(64 * (dim + 1 + (4 / p).ln()))
    bound = repeats * (intervals * (dim + 1) + samples)
    if repeats > 1:
        bound += math.ceil(64 * (dim + 1 + (4 * repeats / Decimal(delta)).ln()))
    values: list[Any] = [epsilon, delta, dim, neurons, R, B]
    values += map(_float, (eta, far, spread, tau, gap, angle, r, alpha))
    values += [intervals, samples, repeats, _float(p), bound]
    return PaperParameters(*values)


def _checked(name: str, value: Any, rule: str, holds: Callable[[Any], bool]) -> Any:
    number = isinstance(value, Real)
    if not number or not -math.inf < value < math.inf or not holds(value):
        raise InvalidArgument(f"{name} must be {rule}, got {value!r}")
    return value


def _float(x: Decimal) -> float:
    """The nearest float that is neither infinite nor, unless x is, zero."""
    return min(max(float(x), math.ulp(0.0)), sys.float_info.max) if x else 0.0
