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

from relu_learn.core.arguments import positive_int
from relu_learn.core.errors import InvalidArgument


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
        gap / (2 L (1 + tau)): neurons at a smaller angle with biases that differ by more than gap
        stay gap / (2 L) apart on the line. With closer biases they are found as one neuron.
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
    query_bound : int
        All queries: intervals * (d + 1) + samples.
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
    query_bound: int

    def __str__(self) -> str:
        return (
            f"loss <= {self.epsilon:g} with probability {1 - self.delta:g}: tau = {self.tau:.1e}, "
            f"r = {self.r:.1e}, alpha = {self.alpha:.1e}, Delta = {self.Delta:.1e}, "
            f"at most {Decimal(self.query_bound):.2e} queries"
        )


def paper_parameters(
    epsilon: float, delta: float, dim: int, neurons: int, R: float, B: float
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
    The shape is the paper's [1]_ (a polynomial in d, k, 1/epsilon, 1/delta, R and B); **the
    constants and exponents are our own reading**, derived in `PaperParameters` and not optimised.
    The paper turns 1/delta into log(1/delta) by repeating the run and keeping the best; this does
    not. Arithmetic is taken as exact: in float64 an r of 1e-20 could not even be added to t = 1.

    References
    ----------
    .. [1] S. Chen, A. R. Klivans, R. Meka, "Efficiently Learning One Hidden Layer ReLU Networks
       From Queries", NeurIPS 2021, arXiv:2111.04727.

    Examples
    --------
    >>> p = paper_parameters(epsilon=0.01, delta=0.1, dim=2, neurons=3, R=1.0, B=1.0)
    >>> p.query_bound > 10**11
    True
    """
    return _derived(
        float(_checked("epsilon", epsilon, "a positive number", lambda x: x > 0)),
        float(_checked("delta", delta, "in (0, 1)", lambda x: 0 < x < 1)),
        positive_int("dim", dim),
        int(_checked("neurons", neurons, "an integer >= 0", lambda x: x == int(x) >= 0)),
        float(_checked("R", R, "a positive number", lambda x: x > 0)),
        float(_checked("B", B, "a number >= 0", lambda x: x >= 0)),
    )


def _derived(
    epsilon: float, delta: float, dim: int, neurons: int, R: float, B: float
) -> PaperParameters:
    """By its formulas, in decimals: products of many small factors leave the range of floats."""
    k, p, size = Decimal(max(neurons, 1)), Decimal(delta), Decimal(R)
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
    values: list[Any] = [epsilon, delta, dim, neurons, R, B]
    values += map(_float, (eta, far, spread, tau, gap, angle, r, alpha))
    values += [intervals, samples, intervals * (dim + 1) + samples]
    return PaperParameters(*values)


def _checked(name: str, value: Any, rule: str, holds: Callable[[Any], bool]) -> Any:
    number = isinstance(value, Real)
    if not number or not -math.inf < value < math.inf or not holds(value):
        raise InvalidArgument(f"{name} must be {rule}, got {value!r}")
    return value


def _float(x: Decimal) -> float:
    """The nearest float that is neither infinite nor, unless x is, zero."""
    return min(max(float(x), math.ulp(0.0)), sys.float_info.max) if x else 0.0
