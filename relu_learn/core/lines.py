"""Lines, and what is known of a function along one: its pieces and kinks, and its noise.

On a line x(t) = origin + t * direction a ReLU network is a piecewise linear function of t with a
kink wherever a critical hyperplane is crossed. (`search` finds them.)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

EPS = np.finfo(float).eps
# A deviation counts as a bend when it exceeds the noise by this factor: the noise of a sum of many
# roundings is close to normal, and hardly one in 1e5 deviations (as many as a search tests) exceeds
# 5; the rest is for noise that in float64 is known to an order of magnitude only.
SIGMAS = 16.0
# A Gaussian line has the kink of a neuron without bias beyond with probability 2/(pi FAR) = 6e-7.
FAR = 1e6
# Most inputs are as far from the origin as x(t) is up to here. (÷ or × 10: as many queries.)
INPUTS = 2.0
# How far out on such a line its noise is heard: hardly a kink lies beyond (2/(pi EDGE) = 6e-4).
# (÷ or × 10: 8 or 7 % more queries in 17 hard runs, and an error of 1e-8, not 4e-9.)
EDGE = 1e3
Ask = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True, eq=False)
class Line:
    """The line x(t) = origin + t * direction in R^d.

    Attributes
    ----------
    origin, direction : ndarray of shape (d,)
    """

    origin: np.ndarray
    direction: np.ndarray

    @classmethod
    def draw(cls, dim: int, rng: np.random.Generator, through: np.ndarray | None = None) -> Line:
        """A Gaussian line (paper, GetNeurons), or one with a Gaussian direction through a point."""
        origin = rng.standard_normal(dim) if through is None else np.array(through, dtype=float)
        direction = rng.standard_normal(dim)
        while not direction.any():
            direction = rng.standard_normal(dim)
        return cls(origin, direction)

    def at(self, t: np.ndarray) -> np.ndarray:
        """The points (n, d) at the parameters t (n,)."""
        return self.origin + np.multiply.outer(np.asarray(t, dtype=float), self.direction)

    def crossings(self, weights: np.ndarray, biases: np.ndarray) -> np.ndarray:
        """Where (k,) the line crosses the hyperplanes <w, x> = b; not finite if it does not."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((biases - weights @ self.origin) / (weights @ self.direction))


@dataclasses.dataclass(frozen=True, eq=False)
class Slice:
    """A network on a line: k kinks and k + 1 affine pieces.

    Attributes
    ----------
    kinks : ndarray of shape (k,)
        Critical points in increasing order.
    jumps : ndarray of shape (k, m)
        Change of slope at each kink.
    slopes, values : ndarray of shape (k + 1, m)
        Each piece is ``values + slopes * (t - centers)``.
    centers : ndarray of shape (k + 1,)
        A parameter well inside each piece (its middle, where it is bounded).
    widths : ndarray of shape (k + 1,)
        Distance from the center to the nearest kink.
    steps : ndarray of shape (k, m)
        How far the pieces miss each other at the kink: rounding, unless the function is not
        continuous.
    noise : Noise
        With which the samples were judged: what was given, or more if the search saw more.
    """

    kinks: np.ndarray
    jumps: np.ndarray
    slopes: np.ndarray
    values: np.ndarray
    centers: np.ndarray
    widths: np.ndarray
    steps: np.ndarray
    noise: Noise


@dataclasses.dataclass(frozen=True, eq=False)
class Level:
    """One level of the search: the new samples, and the intervals still open before them."""

    t: np.ndarray
    values: np.ndarray
    open_intervals: np.ndarray


@dataclasses.dataclass(frozen=True)
class Window:
    """The part of the line that may be queried, and the coordinate that makes kinks uniform on it.

    An unbounded line uses the Cauchy quantile, a chord of a box the parameter itself.
    """

    low: float = -FAR
    high: float = FAR
    cauchy: bool = True

    @property
    def width(self) -> float:
        return self.high - self.low

    @property
    def endless(self) -> bool:
        """Whether all of a line in R^d may be asked, up to `FAR`: its ends are not too loud."""
        return self.cauchy and self.high == FAR

    def shown(self, tau: float) -> tuple[float, float]:
        """The part of the line that pictures show: all of a chord, otherwise [-tau, tau]."""
        return (-tau, tau) if self.cauchy else (self.low, self.high)

    def middle(self, a: np.ndarray, b: np.ndarray, fraction: np.ndarray) -> np.ndarray:
        """The point at the given fraction between a and b, in the window's coordinate."""
        if not self.cauchy:
            return a + fraction * (b - a)
        # tan of the interpolated angle, written with the difference of angles: at |t| ~ 1e6 the
        # angles themselves have too few digits left.
        gap = np.arctan2(b - a, 1 + a * b)
        turn = np.tan(fraction * gap)
        return (a + turn) / (1 - a * turn)

    def grid(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """About n samples, uniform up to a random shift, and a few far ones on both sides."""
        shift = rng.uniform(0.2, 0.8)
        u = (np.arange(n) + shift) / n
        if not self.cauchy:
            inner = self.low + u * (self.high - self.low)
            return np.concatenate([[self.low], inner, [self.high]])
        inner = np.tan(np.pi * (u - 0.5))
        inner = inner[np.abs(inner) < self.high / 2]
        far = [np.geomspace(abs(t) + 2, self.high, 4)[1:] for t in (inner[0], inner[-1])]
        return np.concatenate([-far[0][::-1], inner, far[1]])


@dataclasses.dataclass(frozen=True, eq=False)
class Noise:
    """How much an answer on the line can be off: ``level * (1 + |t|)`` for each output.

    Attributes
    ----------
    level : ndarray of shape (m,)
    """

    level: np.ndarray

    def at(self, t: np.ndarray) -> np.ndarray:
        return (1 + np.abs(np.asarray(t, dtype=float)))[..., None] * self.level

    def at_point(self, x: np.ndarray) -> np.ndarray:
        """The same off the line: a point x(t) of a Gaussian line has norm ~ sqrt(d) (1 + |t|)."""
        return self.at(np.linalg.norm(x, axis=-1) / np.sqrt(x.shape[-1]))
