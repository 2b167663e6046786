"""What a learner who sees only answers can claim about its network."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from relu_learn.asking.arguments import non_negative
from relu_learn.asking.errors import InvalidArgument

GAUSSIAN = "standard Gaussian"


@dataclasses.dataclass(frozen=True)
class Certificate:
    """What a learner who sees only answers can claim about its network.

    n fresh random points, none off by more than eta: with confidence 1 - delta, the mass of the
    points where the error exceeds eta is at most ln(1/delta) / n. (If that mass were larger, n
    points would all miss it with probability below (1 - mass)^n < delta.)

    A learner that repairs and tests again could be lucky once in many tests. So its j-th test may
    only be wrong with probability delta / 2^j, which is delta in all: mass = ln(2^j/delta) / n.

    Attributes
    ----------
    n : int
        Number of fresh points.
    eta : float
        Largest error among them.
    delta : float
        Probability that the claim is wrong.
    mass : float
        ln(1/delta) / n, at most 1; ln(2^j/delta) / n for the j-th test of a run.
    measure : str
        The distribution of the points.
    """

    n: int
    eta: float
    delta: float
    mass: float
    measure: str = GAUSSIAN

    def __str__(self) -> str:
        return (
            f"With confidence {1 - self.delta:.6g}, the error exceeds {self.eta:.2g} on at most "
            f"{100 * self.mass:.2g} % of inputs ({self.measure} measure, {self.n:,} fresh points)."
        )

    def loss_bound(self, lipschitz: float, outputs: int = 1) -> float:
        """A bound of the loss E |F - F'|^2 that holds whenever the claim does.

        The mass alone says nothing about how large the error is where it exceeds eta; a bound of
        its slope does. Where the claim holds (with confidence 1 - delta), so does this one.

        Parameters
        ----------
        lipschitz : float
            L >= 0, with |(F - F')(x) - (F - F')(y)| <= L |x - y| for all x, y, in the Euclidean
            norm of the outputs. The sum of such bounds of F and of F' is one.
        outputs : int
            m: an error of at most eta in each output is one of sqrt(m) eta in all.

        Returns
        -------
        float
            eta^2 + 2 eta L (phi(z) - z p) + L^2 ((1 + z^2) p - z phi(z)) for mass p, with z such
            that a standard normal N exceeds it with probability p. Infinite for p = 1 and L > 0.

        Raises
        ------
        InvalidArgument
            `lipschitz` is no number >= 0, or the certificate is not about Gaussian inputs:
            isoperimetry, on which the bound rests, is a property of the Gaussian measure.

        Notes
        -----
        The set where the error is at most eta has mass 1 - p at least. By Gaussian isoperimetry
        [1]_ the distance of an input from it exceeds no h more often than (N - z)+ does, and the
        error is at most eta + L * distance; so its square is on average at most
        E (eta + L (N - z)+)^2, whatever the dimension. F - F' = eta + L (x_1 - z)+ attains it.

        References
        ----------
        .. [1] C. Borell, "The Brunn-Minkowski inequality in Gauss space", Invent. Math. 30 (1975).

        Examples
        --------
        >>> round(certificate([0.0] * 2000, delta=0.05).loss_bound(1.0), 6)
        0.000228
        """
        if self.measure != GAUSSIAN:
            raise InvalidArgument(
                f"measure must be {GAUSSIAN!r} for a bound of the loss, as it rests on Gaussian "
                f"isoperimetry; this certificate is about {self.measure!r}"
            )
        slope, eta, p = (
            non_negative("lipschitz", lipschitz),
            self.eta * math.sqrt(outputs),
            self.mass,
        )
        if slope == 0.0:
            return eta**2
        if p >= 1.0:
            return math.inf
        z = -float(ndtri(p))
        # E (N - z)+; and E (N - z)+^2 = p - z E (N - z)+, after an integration by parts.
        first = math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) - z * p
        return eta**2 + 2 * eta * slope * first + slope**2 * (p - z * first)


def certificate(
    errors: ArrayLike, delta: float, measure: str = GAUSSIAN, looks: int = 0
) -> Certificate:
    """Certificate from the errors on fresh random points.

    Parameters
    ----------
    errors : array_like of shape (n,) or (n, m)
        f - g (or its absolute value) on points that the learner had not used.
    delta : float
        In (0, 1).
    measure : str
        The distribution that the points came from.
    looks : int
        0 for a single test. The j-th of several tests, each with a new network and new points, of
        which the last one counts: j.
    """
    values = np.abs(np.asarray(errors, dtype=float))
    if values.ndim == 0 or np.isnan(values).any():
        raise InvalidArgument("errors must be an array without NaN, one row per point")
    if not 0 < delta < 1:
        raise InvalidArgument(f"delta must be in (0, 1), got {delta!r}")
    n = len(values)
    mass = min(1.0, (math.log(1 / delta) + looks * math.log(2)) / n) if n else 1.0
    return Certificate(n, float(values.max(initial=0.0)), float(delta), mass, measure)


def fresh_points(mass: float, delta: float, looks: int = 0) -> int:
    """How many fresh points a `certificate` takes that leaves at most this mass open.

    Parameters
    ----------
    mass, delta : float
        In (0, 1).
    looks : int
        As for `certificate`.

    Returns
    -------
    int

    Examples
    --------
    >>> fresh_points(0.01, 0.05)
    300
    """
    for name, value in (("mass", mass), ("delta", delta)):
        if not 0 < value < 1:
            raise InvalidArgument(f"{name} must be in (0, 1), got {value!r}")
    return math.ceil((math.log(1 / delta) + looks * math.log(2)) / mass)


def mean_square(values: ArrayLike) -> float:
    """The mean of the squares of all values; infinite only where float64 cannot hold it."""
    array = np.abs(np.asarray(values, dtype=float))
    size = float(array.max(initial=0.0))
    return float(((array / size) ** 2).mean()) * size * size if size else 0.0


def output_scale(values: ArrayLike) -> float:
    """The scale of outputs (n,) or (n, m) that errors are compared with (see `worst_error`)."""
    array = np.asarray(values, dtype=float)
    if not array.size:
        return 1.0
    size = float(np.abs(array).max())
    if size == 0.0:
        return 1.0
    spread = size * float((array / size).std(axis=0).max())  # no overflow for huge outputs
    return spread if spread > 64 * np.finfo(float).eps * size else size
