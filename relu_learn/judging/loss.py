"""How far apart two networks are: exactly, and by sampling.

The measure is the paper's: x ~ N(0, I), squared error, summed over the outputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from relu_learn.asking.arguments import positive_int
from relu_learn.asking.errors import InvalidArgument
from relu_learn.network import ReluNetwork, normalised, require_network
from relu_learn.telling.certificate import mean_square, output_scale

Array = NDArray[np.float64]
Function = Callable[[Array], Any]

_EPS = float(np.finfo(float).eps)
# Beyond this many standard deviations a ReLU's second moment is below 1e-300.
_NEVER = 37.0
# Numbers in a batch of sampled points.
_BATCH = 2**22


# ------------------------------------------------------------------ exact loss


def gaussian_loss(f: ReluNetwork, g: ReluNetwork | None = None) -> float:
    """E |f(x) - g(x)|^2 for x ~ N(0, I), in closed form and without a query.

    Parameters
    ----------
    f : ReluNetwork
    g : ReluNetwork, optional
        Zero when omitted.

    Returns
    -------
    float
        Exact up to rounding; see `loss_floor` for where rounding takes over.

    Notes
    -----
    The loss is a quadratic form in the output weights. For standard normal u, v of correlation
    rho, with P = P(u > s, v > t), Q the normal tail and R = sqrt(1 - rho^2),

        E (u - s)+ (v - t)+ = (rho + s t) P - t phi(s) Q((t - rho s) / R)
                              - s phi(t) Q((s - rho t) / R) + R^2 phi_2(s, t; rho),

    and P follows from Owen's T function [1]_.

    References
    ----------
    .. [1] D. B. Owen, "Tables for computing bivariate normal probabilities", Ann. Math. Statist.
       27 (1956).
    """
    return _exact(f, g)[0]


def loss_floor(f: ReluNetwork, g: ReluNetwork | None = None) -> float:
    """The rounding error that `gaussian_loss(f, g)` may have: smaller losses are noise.

    Two nearly equal networks lose everything to cancellation here, while their difference at a
    point is still right to many digits: then sample (`best_loss` does).
    """
    return _exact(f, g)[1]


def best_loss(
    f: ReluNetwork, g: ReluNetwork, rng: int | np.random.Generator | None = None
) -> tuple[float, str]:
    """The exact loss where it means something, otherwise a sampled one.

    Returns
    -------
    value : float
    kind : str
        "exact" or "sampled".
    """
    value, floor = _exact(f, g)
    if value > 10 * floor or value == floor == 0.0:
        return value, "exact"
    return sampled_loss(f, g, rng=rng), "sampled"


def _exact(f: ReluNetwork, g: ReluNetwork | None) -> tuple[float, float]:
    """The loss and its rounding floor."""
    from scipy.special import ndtr

    f = require_network("f", f)
    difference = (f if g is None else f - require_network("g", g)).simplify()
    a = np.atleast_2d(difference.output_weights)
    u, c = np.atleast_2d(difference.skip).copy(), np.atleast_1d(difference.offset).copy()
    normal, s, norm = normalised(difference.weights, difference.biases)
    # relu(z) = relu(-z) + z: with every hyperplane's active side away from the origin (s >= 0) all
    # ReLUs are small, and what far ones have in common cancels as affine functions, exactly.
    inside = s < 0
    w_inside, b_inside = difference.weights[inside], difference.biases[inside]
    u_sum = np.abs(u) + np.abs(a[:, inside]) @ np.abs(w_inside)  # what rounding is relative to
    c_sum = np.abs(c) + np.abs(a[:, inside]) @ np.abs(b_inside)
    u += a[:, inside] @ w_inside
    c -= a[:, inside] @ b_inside
    normal, s = np.where(inside[:, None], -normal, normal), np.abs(s)
    near = s < _NEVER
    a, normal, s = (a * norm)[:, near], normal[near], s[near]
    # The loss may leave the range of floats, but not on the way.
    unit = max(float(np.abs(part).max(initial=0.0)) for part in (a, u_sum, c_sum)) or 1.0
    a, u, c, u_sum, c_sum = (part / unit for part in (a, u, c, u_sum, c_sum))

    tail = ndtr(-s)
    mean = np.exp(-s * s / 2) / math.sqrt(2 * math.pi) - s * tail  # E (u - s)+
    gram, blur = second_moments(normal @ normal.T, s)
    # By Stein's lemma E x (<n, x> - s)+ = n P(<n, x> > s).
    cross = (u @ normal.T) * tail + c[:, None] * mean
    parts = [np.sum((a @ gram) * a), 2 * np.sum(a * cross), np.sum(u * u), np.sum(c * c)]
    b = np.abs(a)
    size = 2 * np.sum(b * np.abs(cross))
    size += np.sum(u_sum * (np.abs(u) + _EPS * u_sum)) + np.sum(c_sum * (np.abs(c) + _EPS * c_sum))
    floor = float(8 * _EPS * size + np.sum((b @ blur) * b))
    return max(float(sum(parts)), 0.0) * unit * unit, floor * unit * unit


def second_moments(rho: Array, s: Array) -> tuple[Array, Array]:
    """E (u_i - s_i)+ (u_j - s_j)+ for standard normals of correlations rho (k, k), s >= 0 (k,).

    The second matrix returned bounds its rounding errors.

    Near rho = 1 the formula divides differences like s_j - rho s_i by R = sqrt(1 - rho^2); they
    are built from e = 1 - rho, the same e that gives R, so that rounding acts like a tiny change
    of the input and the (smooth) result keeps its digits.
    """
    from scipy.special import ndtr, owens_t

    rho = np.clip((rho + rho.T) / 2, -1.0, 1.0)  # the two halves below must see the same e
    np.fill_diagonal(rho, 1.0)
    s = np.maximum(s, 1e-100)  # s = 0 as the limit from above: no 0 / 0 below
    row, column = s[:, None], s[None, :]
    close, far = 1.0 - rho, 1.0 + rho
    root = np.maximum(np.sqrt(close * far), 1e-150)
    ratio = np.where(rho > 0, (column - row) + close * row, (column + row) - far * row) / root
    density = np.exp(-row * row / 2) / math.sqrt(2 * math.pi)
    tail = ndtr(-row)
    half = tail / 2 - owens_t(row, ratio / row)
    orthant = half + half.T
    slope = column * density * ndtr(-ratio)
    tangent = root / (2 * math.pi) * np.exp(-(row * row + ratio * ratio) / 2)
    gram = (rho + row * column) * orthant - slope - slope.T + tangent
    # Cauchy-Schwarz is sharper than rounding for hyperplanes far out.
    alone = np.sqrt((1 + row * row) * tail - row * density)
    limit = alone * alone.T
    blur = np.minimum(limit, 16 * _EPS * (1 + row * column) * (tail + tail.T))
    return np.clip(gram, 0.0, limit), blur


# ----------------------------------------------------------------- by sampling


def _sample(
    f: Function,
    g: Function,
    n: int,
    rng: int | np.random.Generator | None,
    dim: int | None,
    bounds: tuple[ArrayLike, ArrayLike] | None,
) -> tuple[Array, Array]:
    """Values of both functions, (n, m) each, on Gaussian or uniform points."""
    n, generator = positive_int("n", n), np.random.default_rng(rng)
    d = getattr(f, "dim", getattr(g, "dim", None)) if dim is None else dim
    if d is None:
        raise InvalidArgument("dim must be given when neither function has an attribute dim")
    values = []
    rows = max(1, _BATCH // d)
    for start in range(0, n, rows):
        shape = min(rows, n - start), d
        if bounds is None:
            x = generator.standard_normal(shape)
        else:
            x = generator.uniform(np.asarray(bounds[0]), np.asarray(bounds[1]), shape)
        first, second = np.asarray(f(x), dtype=float), np.asarray(g(x), dtype=float)
        if first.shape != second.shape:
            raise InvalidArgument(
                f"f and g must have outputs of one shape, got {first.shape} and {second.shape}"
            )
        values.append(np.stack([first, second]).reshape(2, len(x), -1))
    both = np.concatenate(values, axis=1)
    return both[0], both[1]


def sampled_loss(
    f: Function,
    g: Function,
    n: int = 10_000,
    rng: int | np.random.Generator | None = None,
    *,
    dim: int | None = None,
    bounds: tuple[ArrayLike, ArrayLike] | None = None,
) -> float:
    """Mean of |f(x) - g(x)|^2 over n random points, summed over outputs.

    Parameters
    ----------
    f, g : callable
        (n, d) arrays to (n,) or (n, m) arrays.
    n : int
        Number of points.
    rng : int, Generator or None
    dim : int, optional
        d; taken from `f.dim` or `g.dim` when omitted.
    bounds : (low, high), optional
        Numbers or vectors (d,): uniform points of this box, instead of Gaussian ones.
    """
    p, q = _sample(f, g, n, rng, dim, bounds)
    return mean_square(p - q) * p.shape[1]


def worst_error(
    f: Function,
    g: Function,
    n: int = 10_000,
    rng: int | np.random.Generator | None = 0,
    *,
    dim: int | None = None,
    bounds: tuple[ArrayLike, ArrayLike] | None = None,
) -> tuple[float, float]:
    """Largest |f(x) - g(x)| over n random points and all outputs, and the scale of f.

    Gaussian points, or uniform ones of the box `bounds`; see `sampled_loss`.

    Returns
    -------
    worst : float
    scale : float
        The largest standard deviation among the outputs of f; for a constant f its largest
        absolute value, and 1 for f = 0.
    """
    p, q = _sample(f, g, n, rng, dim, bounds)
    return float(np.abs(p - q).max()), output_scale(p)
