"""The lemmas of the proof as curves: what each predicts, and what drawn lines show.

No query is asked here: all is about where a Gaussian line x0 + t v, x0 and v ~ N(0, I), meets the
hyperplanes <n_i, x> = s_i of unit normals n_i, and about how much a neuron weighs. The dimension
cancels everywhere: a line sees n_i only through <n_i, x0> and <n_i, v>.

The proof [1]_ in five steps. Tail: all kinks are at |t| <= tau. Separation: those of neurons that
are not close are r apart. Clump: close neurons may be merged. Tiny and far neurons may be left out.
Boosting: a run that fails with probability below 1 is repeated. `judging/theory.py` puts the five
together; the constants are our own.

References
----------
.. [1] S. Chen, A. R. Klivans, R. Meka, "Efficiently Learning One Hidden Layer ReLU Networks From
   Queries", NeurIPS 2021, arXiv:2111.04727.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from relu_learn.asking.arguments import Seed, generator, positive_int
from relu_learn.network import ReluNetwork, normalised

Array = NDArray[np.float64]
_ANGLES = np.pi * (np.arange(4096) + 0.5) / 4096  # nodes of a mean over directions


def draw_kinks(normals: ArrayLike, biases: ArrayLike, lines: int, rng: Seed = None) -> Array:
    """Where Gaussian lines meet hyperplanes.

    Parameters
    ----------
    normals : array_like of shape (k, d)
    biases : array_like of shape (k,)
    lines : int
        n, how many lines are drawn.
    rng : int, Generator or None

    Returns
    -------
    ndarray of shape (n, k)
        t_i = (s_i - <n_i, x0>) / <n_i, v> for each line and hyperplane.
    """
    n = np.asarray(normals, dtype=float)
    random = generator(rng)
    x0, v = random.standard_normal((2, positive_int("lines", lines), n.shape[1]))
    return np.asarray((np.asarray(biases, dtype=float) - x0 @ n.T) / (v @ n.T))


def gaps(kinks: Array) -> Array:
    """The smallest distance of two kinks on each line: (n, k) -> (n,); infinite for one kink."""
    return np.diff(np.sort(kinks, axis=1), axis=1).min(axis=1, initial=np.inf)


def failing(kinks: Array, r: float, tau: float) -> NDArray[np.bool_]:
    """Lines on which a grid may fail: a kink beyond tau, or two closer than r; (n,)."""
    return np.asarray((np.abs(kinks).max(axis=1) > tau) | (gaps(kinks) < r))


# ------------------------------------------------------------------- the lemmas


def tail_probability(tau: ArrayLike) -> Array:
    """P(|t_i| > tau) = (2 / pi) atan(1 / tau) of a hyperplane through the origin.

    Its kink is a ratio of two independent standard normals: a Cauchy variable. k hyperplanes are
    all met with probability 1 - k times this at least, so that tau ~ k / delta is enough.
    """
    return np.asarray(2 / np.pi * np.arctan2(1.0, np.asarray(tau, dtype=float)))


def gap_probability(r: ArrayLike, angle: float) -> Array:
    """P(|t_i - t_j| < r) of two hyperplanes through the origin at an angle in (0, pi).

    With the plane of the normals, v of length rho and direction phi in it, the gap is normal with
    deviation sin(angle) / (rho |cos(phi) cos(phi - angle)|) =: 1 / (rho c). |N| < a rho has
    probability a / sqrt(1 + a^2): (N, rho) is a Gaussian vector of R^3, and by Archimedes N is
    uniform on its sphere. Here a = r c; the mean over phi remains.
    """
    size = np.abs(np.cos(_ANGLES) * np.cos(_ANGLES - angle)) / math.sin(angle)
    a = np.multiply.outer(np.asarray(r, dtype=float), size)
    return np.asarray((a / np.hypot(1.0, a)).mean(axis=-1))


def gap_bound(r: ArrayLike, angle: float) -> Array:
    """r / (2 sin(angle)), a bound of P(|t_i - t_j| < r) for all biases.

    A normal variable is in (-r, r) most often if its mean is 0: biases only help. And the mean of
    a / sqrt(1 + a^2) <= a over phi is r (sin + (pi/2 - angle) cos) / (pi sin(angle)), for acute
    angles, which is r / (2 sin(angle)) at most.
    """
    return np.asarray(np.asarray(r, dtype=float) / (2 * math.sin(angle)))


def merged_loss(angle: ArrayLike) -> Array:
    """Loss of one neuron in place of two unit neurons through the origin at an angle in [0, pi].

    relu(z1) + relu(z2) - relu(z1 + z2) is min(|z1|, |z2|) in the wedge where the signs differ:
    mean square (angle - sin(angle)) / pi. It is even, so that the best affine part is its mean,
    sqrt(2 / pi) (1 - cos(angle / 2)). Small angles: angle^3 / (6 pi).
    """
    theta = np.asarray(angle, dtype=float)
    # The first term by its series where the difference would cancel.
    small = theta**3 / 6 * (1 - theta**2 / 20)
    square = np.where(theta < 0.02, small, theta - np.sin(theta)) / np.pi
    return np.asarray(square - 2 / np.pi * (2 * np.sin(theta / 4) ** 2) ** 2)


def merged_bound(angle: ArrayLike, distance: ArrayLike = 0.0) -> Array:
    """A bound of that loss from closeness alone: (4 sin(angle / 2)^2 + distance^2) / 4.

    In the wedge |z1| + |z2| = |z1 - z2|, so that the smaller of them is at most |z1 - z2| / 2;
    and E (z1 - z2)^2 = |n1 - n2|^2 + distance^2, for biases that differ by `distance`.
    """
    chord = 2 * np.sin(np.asarray(angle, dtype=float) / 2)
    return np.asarray((chord**2 + np.asarray(distance, dtype=float) ** 2) / 4)


def far_loss(distance: ArrayLike) -> Array:
    """E (u - T)+^2 of a standard normal u: what a unit neuron at distance T weighs."""
    t = np.asarray(distance, dtype=float)
    density = np.exp(-(t**2) / 2) / math.sqrt(2 * math.pi)
    return np.asarray((1 + t**2) * ndtr(-t) - t * density)


def far_bound(distance: ArrayLike) -> Array:
    """exp(-T^2 / 2) / 2, a bound of `far_loss` for T >= 0 (with equality at T = 0)."""
    return np.asarray(np.exp(-(np.asarray(distance, dtype=float) ** 2) / 2) / 2)


# --------------------------------------------------------------- beyond queries


def energy_by_degree(network: ReluNetwork, degrees: Sequence[int]) -> Array:
    """How much of E F^2 is in polynomials of each degree: what examples show at first sight.

    Parameters
    ----------
    network : ReluNetwork
        Scalar.
    degrees : sequence of int

    Returns
    -------
    ndarray of shape (len(degrees),)
        The square of the degree-n part of F in the basis of Hermite polynomials. Their sum over
        all n is E F^2; over n >= 1 it is the variance. No polynomial of degree below n has any
        correlation with F if all entries below n are zero.
    """
    normals, s, norms = normalised(network.weights, network.biases)
    size = network.output_weights * norms
    density = np.exp(-(s**2) / 2) / math.sqrt(2 * math.pi)
    cosines = normals @ normals.T
    found = []
    for n in degrees:
        if n == 0:
            c = float(size @ (density - s * ndtr(-s))) + float(network.offset)
            found.append(c**2)
            continue
        # The Hermite coefficients of relu(u - s), each times the size of the neuron.
        hermite = ndtr(-s) if n == 1 else density * _hermite(n - 2, s) / math.sqrt(n - 1) / n**0.5
        c = size * hermite
        energy = float(c @ cosines**n @ c)
        if n == 1:  # cosines need not be told apart from the skip term: both are vectors
            energy = float(np.sum((c @ normals + network.skip) ** 2))
        found.append(max(energy, 0.0))
    return np.array(found)


def _hermite(n: int, x: Array) -> Array:
    """He_n(x) / sqrt(n!), by its recurrence."""
    before, now = np.zeros_like(x), np.ones_like(x)
    for i in range(n):
        before, now = now, (x * now - math.sqrt(i) * before) / math.sqrt(i + 1)
    return now
