"""What a learner who sees only answers can claim about its network."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import ArrayLike

from relu_learn.core.errors import InvalidArgument


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
    measure: str = "standard Gaussian"

    def __str__(self) -> str:
        return (
            f"With confidence {1 - self.delta:.6g}, the error exceeds {self.eta:.2g} on at most "
            f"{100 * self.mass:.2g} % of inputs ({self.measure} measure, {self.n:,} fresh points)."
        )


def certificate(
    errors: ArrayLike, delta: float, measure: str = "standard Gaussian", looks: int = 0
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
